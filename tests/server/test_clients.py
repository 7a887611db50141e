"""Whose address counts behind proxies, and who may come in at all."""

from __future__ import annotations

from typing import Any

import pytest

from shortstop.config import ServerConfig
from shortstop.server.clients import MOST_HOPS, Clients

PROXY = "10.0.0.1"


def asked(client: str | None, *forwarded: str, **more: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    return {"client": (client, 5) if client else None, "headers": headers, "http_version": "1.1"}


def seen(scope: dict[str, Any], *proxies: str) -> str:
    assert Clients().refusal(scope, ServerConfig(trusted_proxies=proxies)) is None
    return str(scope["client"][0])


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (("203.0.113.9",), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9",), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9, 10.0.0.2",), "203.0.113.9"),
        (("1.1.1.1", "203.0.113.9"), "203.0.113.9"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("[2001:db8::1]:4711",), "2001:db8::1"),
        (("2001:0db8::0:1",), "2001:db8::1"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("10.0.0.9, 10.0.0.2",), "10.0.0.9"),
        (("203.0.113.9, unknown",), PROXY),
        (("203.0.113.9, unknown, 10.0.0.2",), "10.0.0.2"),
        (("",), PROXY),
        ((",,,",), PROXY),
        (("203.0.113.9, ",), PROXY),
        (("<script>",), PROXY),
        ((), PROXY),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has(
    forwarded: tuple[str, ...], client: str
) -> None:
    """Whatever stands before it the client may have written itself."""
    assert seen(asked(PROXY, *forwarded), "10.0.0.0/8") == client


def test_a_strangers_header_says_nothing() -> None:
    assert seen(asked("203.0.113.9", "127.0.0.1"), PROXY) == "203.0.113.9"
    assert seen(asked("127.0.0.1", "10.0.0.7"), PROXY) == "127.0.0.1"
    assert seen(asked("203.0.113.9", "10.0.0.7")) == "203.0.113.9"


def test_a_long_chain_is_looked_at_from_its_end() -> None:
    chain = ", ".join(["203.0.113.9"] + ["10.0.0.2"] * (MOST_HOPS + 5))
    assert seen(asked(PROXY, chain), "10.0.0.0/8") == "10.0.0.2"


def test_a_proxy_on_this_machine_may_be_trusted() -> None:
    assert seen(asked("127.0.0.1", "203.0.113.9"), "127.0.0.1") == "203.0.113.9"
    assert seen(asked("::1", "203.0.113.9"), "::1/128") == "203.0.113.9"


def refused(
    scope: dict[str, Any], *proxies: str, allowed: tuple[str, ...] = ("10.0.0.0/8",)
) -> str:
    error = Clients().refusal(scope, ServerConfig(allowed_clients=allowed, trusted_proxies=proxies))
    assert error is None or (error.status, error.code) == (403, "address_not_allowed")
    return "" if error is None else str(error)


@pytest.mark.parametrize(
    ("scope", "proxies", "why"),
    [
        (asked("10.1.2.3"), (), ""),
        (asked("::ffff:10.1.2.3"), (), ""),
        (asked("11.1.2.3"), (), "not for clients at 11.1.2.3"),
        (asked("fd00::1"), (), "not for clients at fd00::1"),
        (asked(None), (), "an unknown address"),
        (asked("127.0.0.1"), (), ""),
        (asked("::1"), (), ""),
        (asked("127.0.0.1", "10.1.2.3"), (), "`trusted_proxies`"),
        (asked("127.0.0.1", via="1.1 x"), (), "`trusted_proxies`"),
        (asked("127.0.0.1", "10.1.2.3"), ("127.0.0.1",), ""),
        (asked("127.0.0.1", "11.1.2.3"), ("127.0.0.1",), "not for clients at 11.1.2.3"),
        (asked("127.0.0.1", "127.0.0.1"), ("127.0.0.0/8",), "`trusted_proxies`"),
        (asked("192.0.2.1", "127.0.0.1"), ("192.0.2.1",), "not for clients at 127.0.0.1"),
        (asked("192.0.2.1", "10.1.2.3"), (), "not trusted to say for whom"),
        (asked("192.0.2.1", "10.1.2.3"), ("192.0.2.1",), ""),
        (asked("192.0.2.1", "10.1.2.3, 11.1.1.1"), ("192.0.2.1",), "clients at 11.1.1.1"),
    ],
)
def test_who_may_come_in(scope: dict[str, Any], proxies: tuple[str, ...], why: str) -> None:
    told = refused(scope, *proxies)
    assert why in told
    assert bool(told) is bool(why)


def test_a_reload_changes_the_lists_and_nothing_costs_while_there_are_none() -> None:
    clients, scope = Clients(), asked("11.1.2.3")
    assert clients.refusal(scope, ServerConfig()) is None
    assert clients.refusal(scope, ServerConfig(allowed_clients=("10.0.0.0/8",))) is not None
    assert clients.refusal(scope, ServerConfig(allowed_clients=("11.0.0.0/8",))) is None
    assert clients.refusal(scope, ServerConfig()) is None
