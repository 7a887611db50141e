"""`[sso]`: what nobody could sign in by is said with its key."""

from __future__ import annotations

import pytest

from shortstop.config import parse, restart_needed, warnings
from shortstop.config.sso import client_secret
from shortstop.errors import ConfigError

GOOD = {
    "issuer": '"https://id.example/realms/acme"',
    "client_id": '"shortstop"',
    "url": '"https://gateway.example"',
}
GROUPS = '[sso.groups]\nadmins = { role = "admin" }\n'


def text(groups: str = GROUPS, **changes: str) -> str:
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changes}.items() if value]
    return "\n".join(["[sso]", *lines, groups])


def test_it_is_off_until_somebody_names_a_provider() -> None:
    assert not parse("", {}).sso.on
    config = parse(text(), {})
    assert config.sso.on
    assert config.sso.groups["admins"].role == "admin"
    assert warnings(config) == []
    assert restart_needed(parse("", {}), config) == [], "a reload applies it"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        (text(issuer=""), "`sso.issuer`: is missing"),
        (text(client_id=""), "`sso.client_id`: is missing"),
        (text(url=""), "`sso.url`: is missing"),
        (text(issuer='"http://id.example"'), "`sso.issuer`: begins with https://"),
        (text(issuer='"https://id.example?x=1"'), "`sso.issuer`: holds no query"),
        (text(issuer='"https://id.example/{tenantid}/v2.0"'), "`sso.issuer`: is a template"),
        (
            text(issuer='"https://id.example/.well-known/openid-configuration"'),
            "`sso.issuer`: ends before /.well-known",
        ),
        (text(url='"https://gateway.example/console"'), "`sso.url`: ends with the host"),
        (text(scopes='["email"]'), '`sso.scopes`: lack "openid"'),
        (text(scopes='["openid", "a b"]'), "`sso.scopes`: are a list of words"),
        (text(""), "`sso.groups`: name nobody"),
        (text('[sso.groups]\na = { role = "owner" }'), "sso.groups.a.role"),
        (text('[sso.groups]\na = { role = "team-lead" }'), "`sso.groups.a`: leads no team"),
        (
            text('[sso.groups]\na = { role = "admin", team = "acme/x" }'),
            "`sso.groups.a.team`: is for the role team-lead alone",
        ),
        (text(clock_skew="601"), "sso.clock_skew"),
        (text(session_seconds="5"), "sso.session_seconds"),
        (f"[privacy]\nairgap = true\n{text()}", "`sso.issuer`: airgap = true"),
    ],
)
def test_what_cannot_be_is_said_with_its_key(toml: str, says: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse(toml, {})
    assert says in str(told.value)


def test_what_deserves_a_second_look() -> None:
    assert "unencrypted" in warnings(parse(text(issuer='"http://10.0.0.7/realms/a"'), {}))[0]
    local = text(issuer='"http://127.0.0.1:8080/realms/a"', url='"http://localhost:8484"')
    assert warnings(parse(local, {})) == []
    secret = parse(text(client_secret_env='"X"'), {})
    assert "cli_client_id" in warnings(secret)[0]
    assert secret.sso.command_line_client is None
    both = parse(text(client_secret_env='"X"', cli_client_id='"cli"'), {}).sso
    assert (both.command_line_client, parse(text(), {}).sso.command_line_client) == (
        "cli", "shortstop",
    )  # fmt: skip


def test_a_secret_is_in_the_environment_or_nowhere() -> None:
    config = parse(text(client_secret_env='"SSO_SECRET"'), {}).sso
    assert client_secret(config, {"SSO_SECRET": " s3cret "}) == "s3cret"
    with pytest.raises(ConfigError, match="SSO_SECRET is not set"):
        client_secret(config, {})
    assert client_secret(parse(text(), {}).sso, {"SSO_SECRET": "s3cret"}) is None
