"""`[sso]`: people sign in with the company's identity provider, and their groups say as what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from shortstop.config.addresses import is_local_url, is_loopback, problem_of_url
from shortstop.config.explain import KeyPath
from shortstop.config.secret import api_key
from shortstop.config.section import Lifetime, Section, Variable
from shortstop.errors import ConfigError

GroupRole = Literal["viewer", "operator", "admin", "team-lead"]
Problem = tuple[KeyPath, str, str]
"""A key, what is wrong with it, and what to do."""
WELL_KNOWN = "/.well-known/openid-configuration"
"""Where a provider's document is, from its address on."""
LONGEST_GROUP = 128
"""Characters of a group's name."""


class SsoGroup(Section, frozen=True):
    """What people in one group of the provider are here.

    `role` is what they may do in the console and as administrators (viewer, operator, admin), of
    the tenant `tenant` (admin: of all), or "team-lead": they administer the keys of `team`
    (ORGANISATION/TEAM), which have that tenant.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    role: GroupRole
    tenant: Annotated[str, Meta(min_length=1, max_length=100)] = "default"
    team: str | None = None


class SsoConfig(Section, frozen=True):
    """`[sso]`: single sign-on by OpenID Connect, beside keys and the admin token. Off without an
    `issuer`.

    `issuer` is the provider's own address, `client_id` what it calls this gateway, `url` the
    gateway's address as browsers know it: register URL/console/sso/callback there. The secret is in
    the environment variable `client_secret_env`; without one the client is public (PKCE is used by
    both). `cli_client_id` is the public client of `shortstop login`, if not the same one. `scopes`
    are asked for; the claim `groups_claim` of the ID token holds somebody's groups (a name, or a
    path such as `realm_access.roles`), and `groups` says what each is here: the highest role
    counts, and of equal ones the first. A session lasts `session_seconds`, after which groups are
    read again. The provider's clock may be `clock_skew` seconds off, its answers take `timeout`
    seconds. `ca_file` is whom to trust for its certificate; proxies are those of the environment.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    issuer: str | None = None
    client_id: str | None = None
    client_secret_env: Variable | None = None
    cli_client_id: str | None = None
    url: str | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: Annotated[str, Meta(min_length=1, max_length=200)] = "groups"
    groups: dict[str, SsoGroup] = {}  # noqa: RUF012 - msgspec copies it
    session_seconds: Annotated[float, Meta(ge=60, le=604_800)] = 28_800
    clock_skew: Annotated[float, Meta(ge=0, le=600)] = 60
    timeout: Annotated[float, Meta(gt=0, le=60)] = 10
    ca_file: str | None = None

    @property
    def on(self) -> bool:
        return self.issuer is not None

    @property
    def command_line_client(self) -> str | None:
        """The client as which `shortstop login` asks: one that has no secret. None: there is
        none."""
        if self.cli_client_id is not None:
            return self.cli_client_id
        return self.client_id if self.client_secret_env is None else None


def client_secret(config: SsoConfig, env: Mapping[str, str]) -> str | None:
    """The client's secret; None for a public client. Raises ConfigError where it is missing."""
    if config.client_secret_env is None:
        return None
    secret = api_key(env, config.client_secret_env)
    if secret is None:
        raise ConfigError(
            f"The secret of [sso] is missing: {config.client_secret_env} is not set.",
            hint=f"export {config.client_secret_env}=..., or leave out `client_secret_env` for a"
            " public client.",
        )
    return secret


def problems_of_sso(config: SsoConfig, *, airgap: bool) -> Iterator[Problem]:
    """What no one could sign in by, the first key first."""
    if config.issuer is None:
        if config != SsoConfig():
            yield ("issuer",), "is missing: without it nobody signs in.", "Name the provider."
        return
    for key, what in (("client_id", "the provider's name for this gateway"),
                      ("url", "the gateway's address as browsers know it")):  # fmt: skip
        if not getattr(config, key):
            yield (key,), f"is missing: {what}.", ""
    yield from _of_address(config.issuer, "issuer")
    if "{" in config.issuer:
        yield ("issuer",), "is a template for many tenants.", "Name your own tenant's."
    if config.issuer.endswith(WELL_KNOWN):
        yield ("issuer",), f"ends before {WELL_KNOWN}, which is added to it.", ""
    if airgap and not is_local_url(config.issuer):
        yield ("issuer",), "airgap = true, and this address leads elsewhere.", ""
    if config.url:
        yield from _of_address(config.url, "url")
        if urlsplit(config.url).path.strip("/"):
            yield ("url",), "ends with the host or its port: https://gateway.example.", ""
    if "openid" not in config.scopes:
        yield ("scopes",), 'lack "openid", without which there is no ID token.', ""
    if any(not s.isascii() or not s.isprintable() or " " in s or not s for s in config.scopes):
        yield ("scopes",), "are a list of words.", 'Write ["openid", "email", "groups"].'
    yield from _of_groups(config.groups)


def doubts_of_sso(config: SsoConfig) -> Iterator[str]:
    """What is allowed and worth a second look."""
    for key, url in (("issuer", config.issuer), ("url", config.url)):
        if url and url.startswith("http://") and not is_loopback(urlsplit(url).hostname or ""):
            yield f"sso.{key} begins with http://: tokens cross the network unencrypted."
    if config.on and config.command_line_client is None:
        yield (
            "sso.client_id has a secret and there is no sso.cli_client_id: `shortstop login` needs"
            " a public client of its own."
        )


def _of_address(url: str, key: str) -> Iterator[Problem]:
    problem = problem_of_url(url)
    if problem is None and urlsplit(url).query:
        problem = "holds no query."
    if problem is None and not url.startswith("https://") and not is_local_url(url):
        problem = "begins with https:// unless it is on this machine or a private network."
    if problem:
        yield (key,), problem, ""


def _of_groups(groups: Mapping[str, SsoGroup]) -> Iterator[Problem]:
    if not groups:
        hint = 'Add one: [sso.groups] "gateway-admins" = { role = "admin" }'
        yield ("groups",), "name nobody: whoever signs in would be let in to nothing.", hint
    for name, group in groups.items():
        here = ("groups", name)
        if not name or len(name) > LONGEST_GROUP or not name.isprintable():
            yield here, f"is no group's name of 1 to {LONGEST_GROUP} characters.", ""
        if group.role == "team-lead" and not group.team:
            yield here, "leads no team.", 'Say which: team = "ORGANISATION/TEAM".'
        if group.role != "team-lead" and group.team is not None:
            yield (*here, "team"), "is for the role team-lead alone.", ""
