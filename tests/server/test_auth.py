"""Who a request comes from, and that nobody else administers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import ServerConfig
from shortstop.errors import Forbidden, InvalidRequest, ShortstopError, Unauthenticated
from shortstop.server.auth import (
    admin_in,
    caller_in,
    is_forwarded,
    is_from_here,
    secret_of,
    shows_admin_token,
)
from shortstop.server.gateway import AdminToken
from shortstop.types import Caller

TOKEN = "the admin's token"
Headers = list[tuple[bytes, bytes]]

AUTH, KEY, AZURE = b"authorization", b"x-api-key", b"api-key"


def gateway(auth: str = "auto", *, everywhere: bool = True) -> Any:
    return SimpleNamespace(
        admin_token=AdminToken(TOKEN, everywhere=everywhere, place="a file"),
        server=ServerConfig(auth=auth),  # type: ignore[arg-type]
        identify=lambda secret: Caller(key=secret) if secret else Caller(),
    )


def scope(
    secret: str | None = None, host: str | None = "127.0.0.1", *more: tuple[bytes, bytes]
) -> dict[str, Any]:
    headers = [(AUTH, f"Bearer {secret}".encode("latin-1"))] if secret else []
    client = (host, 1234) if host else None
    return {"headers": [*headers, *more], "client": client, "query_string": b""}


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ([], None),
        ([(AUTH, b"Bearer sk-1")], "sk-1"),
        ([(AUTH, b"bearer  sk-1 ")], "sk-1"),
        ([(AUTH, b"Basic c2stMQ==")], None),
        ([(AUTH, b"sk-1")], None),
        ([(AUTH, b"Bearer ")], ""),
        ([(KEY, b" sk-1 ")], "sk-1"),
        ([(AZURE, b"sk-1")], "sk-1"),
        ([(AUTH, b"Basic x"), (KEY, b"sk-2")], "sk-2"),
        ([(AUTH, b"Bearer \xe9")], "\xe9"),
        ([(AUTH, b"Bearer "), (KEY, b"sk-2")], "sk-2"),
        ([(KEY, b""), (AUTH, b"Bearer sk-2")], "sk-2"),
        ([(KEY, b"sk-1"), (AUTH, b"Bearer sk-1")], "sk-1"),
        ([(AUTH, b"Bearer sk-1"), (AUTH, b"bearer sk-1")], "sk-1"),
    ],
)
def test_every_sdks_way_to_send_a_key(headers: Headers, secret: str | None) -> None:
    assert secret_of(headers) == secret


@pytest.mark.parametrize(
    "headers",
    [
        [(KEY, b"sk-1"), (AZURE, b"sk-2")],
        [(AUTH, b"Bearer sk-1"), (KEY, b"sk-2")],
        [(AUTH, b"Bearer sk-1"), (AUTH, b"Bearer sk-2")],
        [(KEY, b"sk-1"), (KEY, b"SK-1")],
        [(AUTH, b"Bearer sk-1"), (AUTH, b"Basic x"), (AZURE, b"sk-3")],
    ],
)
def test_two_keys_are_one_too_many(headers: Headers) -> None:
    for shown in (headers, headers[::-1]):
        with pytest.raises(InvalidRequest, match="two different API keys") as raised:
            secret_of(shown)
        assert "sk-" not in str(raised.value)


@pytest.mark.parametrize("name", ["key", "api-key", "API_KEY", "apikey", "access_token"])
def test_a_key_in_the_url_is_not_read_but_may_not_contradict(name: str) -> None:
    query = f"api-version=1&{name}=sk-2".encode()
    assert secret_of([], query) is None
    assert secret_of([(AUTH, b"Bearer sk-2")], query) == "sk-2"
    with pytest.raises(InvalidRequest):
        secret_of([(AUTH, b"Bearer sk-1")], query)


def test_other_words_of_the_url_are_no_keys() -> None:
    assert secret_of([(AUTH, b"Bearer sk-1")], b"api-version=2026-01-01&limit=5") == "sk-1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-forwarded-for", b"10.0.0.9"),
        (b"x-forwarded-host", b"gateway.example"),
        (b"x-forwarded-anything", b""),
        (b"forwarded", b"for=10.0.0.9"),
        (b"via", b"1.1 squid"),
        (b"x-real-ip", b"127.0.0.1"),
        (b"cf-connecting-ip", b"10.0.0.9"),
        (b"cf-ray", b"1-FRA"),
        (b"fly-client-ip", b"10.0.0.9"),
        (b"x-azure-clientip", b"10.0.0.9"),
        (b"x-envoy-original-path", b"/"),
        (b"x-original-host", b"gateway.example"),
        (b"x-scheme", b"https"),
    ],
)
def test_a_proxy_on_this_machine_is_not_this_machine(name: bytes, value: bytes) -> None:
    asked = scope(None, "127.0.0.1", (name, value))
    assert is_forwarded(asked)
    assert not is_from_here(asked)
    with pytest.raises(Unauthenticated, match="through a proxy"):
        caller_in(gateway(), asked)
    assert caller_in(gateway("off"), asked) == Caller(), "the operator said so"
    keyed = scope("sk-1", "127.0.0.1", (name, value))
    assert caller_in(gateway(), keyed).key == "sk-1"
    with pytest.raises(Forbidden, match="on this machine"):
        admin_in(gateway(everywhere=False), scope(TOKEN, "127.0.0.1", (name, value)))
    admin_in(gateway(), scope(TOKEN, "127.0.0.1", (name, value)))


def test_a_proxy_that_says_nothing_speaks_an_old_language() -> None:
    asked = scope() | {"http_version": "1.0"}
    assert not is_from_here(asked)
    with pytest.raises(Unauthenticated, match="through a proxy"):
        caller_in(gateway(), asked)
    assert is_from_here(scope() | {"http_version": "1.1"})


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("127.0.0.1.example.org", False),
        ("10.0.0.9", False),
        ("::ffff:10.0.0.9", False),
        (None, False),
    ],
)
def test_from_here_is_said_by_the_socket(host: str | None, here: bool) -> None:
    assert is_from_here(scope(None, host)) is here


def test_the_admin_token_and_nothing_like_it() -> None:
    assert shows_admin_token(gateway(), scope(TOKEN))
    for secret in (None, TOKEN[:-1], TOKEN.upper(), "\xe9", "None"):
        assert not shows_admin_token(gateway(), scope(secret))
    assert not shows_admin_token(gateway(), scope(None, "127.0.0.1", (AUTH, b"Bearer ")))


@given(st.text(st.characters(max_codepoint=255, categories=["L", "N", "P"]), min_size=1))
def test_any_text_is_compared_without_an_error(secret: str) -> None:
    assert shows_admin_token(gateway(), scope(secret)) is (secret == TOKEN)


ALLOWED: list[tuple[bool, str | None, str | None, type[ShortstopError] | None]] = [
    # good everywhere, shown, from where -> refusal
    (True, TOKEN, "10.0.0.9", None),
    (True, TOKEN, "127.0.0.1", None),
    (True, None, "127.0.0.1", Unauthenticated),
    (True, "wrong", "127.0.0.1", Unauthenticated),
    (False, TOKEN, "127.0.0.1", None),
    (False, TOKEN, "::1", None),
    (False, TOKEN, "10.0.0.9", Forbidden),
    (False, TOKEN, None, Forbidden),
    (False, None, "127.0.0.1", Unauthenticated),
    (False, "wrong", "10.0.0.9", Unauthenticated),
]


@pytest.mark.parametrize(("everywhere", "shown", "host", "refusal"), ALLOWED)
def test_the_token_and_the_one_made_here_only_from_here(
    everywhere: bool, shown: str | None, host: str | None, refusal: Any
) -> None:
    if refusal is None:
        admin_in(gateway(everywhere=everywhere), scope(shown, host))
        return
    with pytest.raises(refusal) as raised:
        admin_in(gateway(everywhere=everywhere), scope(shown, host))
    assert TOKEN not in str(raised.value)
    if refusal is Forbidden:
        assert "SHORTSTOP_ADMIN_TOKEN" in str(raised.value)
