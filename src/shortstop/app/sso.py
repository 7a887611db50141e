"""Single sign-on as the configuration in force describes it."""

from __future__ import annotations

from collections.abc import Mapping

from shortstop.app.clock import CLOCK
from shortstop.config import Config, UpstreamConfig, proxy_of
from shortstop.config.sso import SsoConfig, client_secret
from shortstop.serving.identity import IdentityFetch
from shortstop.serving.tls import client_context
from shortstop.sso import SignOn


def sign_on(config: SsoConfig, env: Mapping[str, str], *, airgap: bool) -> SignOn:
    """Raises ConfigError where a secret, a certificate or the way out cannot be used."""
    proxy_of(UpstreamConfig(base_url=config.issuer or ""), env, name="sso")
    tls = None
    if config.ca_file is not None:
        tls = client_context(ca_file=config.ca_file, cert=None, key=None, named_by="sso")
    fetch = IdentityFetch(config.timeout, env, tls, airgap=airgap)
    return SignOn(config, client_secret(config, env), fetch, CLOCK)


def require_sso(config: Config, env: Mapping[str, str]) -> None:
    """Raises ConfigError where nobody could sign in."""
    if config.sso.on:
        sign_on(config.sso, env, airgap=config.privacy.airgap)


class SignOns:
    """What is known of the provider outlives a reload that does not change [sso]."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._made: tuple[tuple[SsoConfig, bool], SignOn] | None = None

    def of(self, config: Config) -> SignOn | None:
        """None where it is off. Raises ConfigError."""
        if not config.sso.on:
            return None
        wanted = (config.sso, config.privacy.airgap)
        if self._made is None or self._made[0] != wanted:
            self._made = (wanted, sign_on(config.sso, self._env, airgap=config.privacy.airgap))
        return self._made[1]
