"""Who is told: the operator's webhook and Slack, each with its own words."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from shortstop.alerts import Letter, as_json, as_slack, require_secret, signature
from shortstop.app.clock import CLOCK
from shortstop.config import (
    AlertsConfig,
    Config,
    UpstreamConfig,
    api_key,
    is_local_url,
    problem_of_url,
    proxy_of,
)
from shortstop.errors import ConfigError, UpstreamFailed, UpstreamTimeout
from shortstop.serving.way import Way
from shortstop.serving.webhook import Webhook
from shortstop.types.alerts import AlertChannel


@dataclass(frozen=True, slots=True)
class Delivery:
    """Whether a letter was taken, and in words what came back."""

    taken: bool
    says: str


class AlertPost:
    """Of one configuration. Raises ConfigError where a secret or an address cannot be used."""

    def __init__(self, config: AlertsConfig, env: Mapping[str, str]) -> None:
        self._config = config
        self._gateway = platform.node() or "shortstop"
        self._urls: dict[AlertChannel, str] = {}
        self._secret = ""
        if config.webhook_url is not None:
            self._urls["webhook"] = config.webhook_url
            self._secret = _secret(config, env)
        if config.slack_url_env is not None:
            self._urls["slack"] = _slack_url(config.slack_url_env, env)
        self._ways = {channel: _way(url, env) for channel, url in self._urls.items()}

    @property
    def channels(self) -> tuple[AlertChannel, ...]:
        return tuple(self._urls)

    async def send(self, letter: Letter) -> Delivery:
        """One try. Never raises but CancelledError."""
        headers: Mapping[str, str] = {}
        if letter.channel == "webhook":
            body = as_json(letter.notice, self._gateway)
            headers = signature(letter.id, int(CLOCK.time()), body, self._secret)
        else:
            body = as_slack(letter.notice, self._gateway)
        url, way = self._urls[letter.channel], self._ways[letter.channel]
        hook = Webhook(url, self._config.timeout, way)
        try:
            status, text = await hook.tell(body, headers)
        except (TimeoutError, UpstreamTimeout):
            return Delivery(False, f"no answer within {self._config.timeout:g} s")
        except UpstreamFailed as error:
            cause = error.__cause__
            return Delivery(False, f"no connection ({type(cause or error).__name__})")
        return Delivery(200 <= status < 300, _told(status, text))


def require_alerts(config: Config, env: Mapping[str, str]) -> None:
    """Raises ConfigError where nobody could be told."""
    AlertPost(config.alerts, env)
    slack = config.alerts.slack_url_env
    if slack is not None and config.privacy.airgap and not is_local_url(env.get(slack, "").strip()):
        raise ConfigError(
            "airgap = true, and the Slack address leads elsewhere.",
            hint="Take `slack_url_env` out of [alerts], or name an address of this network.",
        )


def _way(url: str, env: Mapping[str, str]) -> Way:
    """Through the proxy that the environment names for such an address. Raises ConfigError."""
    return Way(proxy=proxy_of(UpstreamConfig(base_url=url), env, name="alerts"))


def _told(status: int, text: str) -> str:
    if 300 <= status < 400:
        return f"status {status}, a redirect, which is not followed: write the address it leads to"
    return f"status {status}{f': {text}' if text else ''}"


def _secret(config: AlertsConfig, env: Mapping[str, str]) -> str:
    secret = api_key(env, config.secret_env)
    if secret is None:
        raise ConfigError(
            f"[alerts] `webhook_url` needs a secret in ${config.secret_env}: its messages are"
            " signed with it.",
            hint=f"export {config.secret_env}=$(openssl rand -hex 32), and give the receiver the"
            " same.",
        )
    require_secret(secret)
    return secret


def _slack_url(variable: str, env: Mapping[str, str]) -> str:
    url = env.get(variable, "").strip()
    if not url or problem_of_url(url):
        raise ConfigError(
            f"[alerts] `slack_url_env` names ${variable}, which holds no address.",
            hint=f"export {variable}=https://hooks.slack.com/services/...",
        )
    return url
