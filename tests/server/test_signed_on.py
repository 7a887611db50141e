"""What somebody who has signed in shows, and until when it is good."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from shortstop.config.sso import SsoConfig, SsoGroup
from shortstop.errors import SignOnRefused
from shortstop.server.signed_on import PAUSE_SECONDS, FailedSignIns, SignedOnTickets
from shortstop.sso import Person
from shortstop.sso.person import rights_of

ADA = Person("ada-1", "ada@acme.example", ("admins",))
CONFIG = SsoConfig(
    issuer="https://id.example", client_id="gw", groups={"admins": SsoGroup("admin")}
)


def gateway(config: SsoConfig = CONFIG, now: float = 1000.0, token: str = "t" * 32) -> Any:
    sso = SimpleNamespace(config=config, rights=lambda one: rights_of(one, config.groups))
    return SimpleNamespace(
        desk=SimpleNamespace(sso=sso if config.on else None),
        accounts=SimpleNamespace(now=now, keys=SimpleNamespace(has_ended=lambda *_: False)),
        admin_token=SimpleNamespace(secret=token),
    )


def test_it_is_good_until_its_time_is_over_in_every_worker() -> None:
    shown, made = SignedOnTickets(gateway()).begin("cookie", ADA, 60)
    again, _ = SignedOnTickets(gateway()).begin("cookie", ADA, 60)
    assert shown != again, "each is one of its own"
    found = SignedOnTickets(gateway(now=1059.9)).of("cookie", shown)
    assert found is not None
    assert (found[0], found[0].person, found[1].console) == (made, ADA, "admin")
    assert SignedOnTickets(gateway(now=1060.0)).of("cookie", shown) is None


@pytest.mark.parametrize(
    "other",
    [
        {"token": "u" * 32},
        {"config": SsoConfig(issuer="https://other.example", client_id="gw", groups=CONFIG.groups)},
        {"config": SsoConfig(issuer=CONFIG.issuer, client_id="other", groups=CONFIG.groups)},
        {"config": SsoConfig(issuer=CONFIG.issuer, client_id="gw")},
        {"config": SsoConfig()},
    ],
    ids=["admin token", "issuer", "client", "no group", "off"],
)
def test_another_gateway_knows_nobody(other: dict[str, Any]) -> None:
    shown, _ = SignedOnTickets(gateway()).begin("token", ADA, 60)
    assert SignedOnTickets(gateway(**other)).of("token", shown) is None


def test_nothing_else_is_one() -> None:
    tickets = SignedOnTickets(gateway())
    shown, _ = tickets.begin("token", ADA, 60)
    body, _, mac = shown.partition(".")
    for value in ("", ".", shown[:-1], f"{body}x.{mac}", f"{body}.{mac.upper()}", "\udcff.x"):
        assert tickets.of("token", value) is None
    assert tickets.of("cookie", shown) is None
    handshake = tickets._tickets.sealed("sso handshake", ["x", 2000.0, "today"])
    assert tickets.of("token", handshake) is None


def test_failures_are_told_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    here = gateway()
    failed = FailedSignIns(here)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            failed.note(SignOnRefused("No."))
        here.accounts.now += PAUSE_SECONDS
        failed.note(SignOnRefused("Again."))
    told = [record.getMessage() for record in caplog.records]
    assert told == ["sso: a sign-in failed: No.", "sso: a sign-in failed: Again."]
