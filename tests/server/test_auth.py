"""Who a request comes from, and that nobody else administers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from shortstop.config import ServerConfig
from shortstop.errors import Forbidden, ShortstopError, Unauthenticated
from shortstop.server.auth import is_admin, require_admin, secret_of

TOKEN = "the admin's token"


def gateway(token: str | None) -> Any:
    return SimpleNamespace(admin_token=token, server=ServerConfig())


def request(secret: str | None = None, host: str | None = "127.0.0.1") -> Request:
    headers = [(b"authorization", f"Bearer {secret}".encode("latin-1"))] if secret else []
    client = (host, 1234) if host else None
    return Request({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, None),
        ({b"authorization": b"Bearer sk-1"}, "sk-1"),
        ({b"authorization": b"bearer  sk-1 "}, "sk-1"),
        ({b"authorization": b"Basic c2stMQ=="}, None),
        ({b"authorization": b"sk-1"}, None),
        ({b"authorization": b"Bearer "}, ""),
        ({b"x-api-key": b" sk-1 "}, "sk-1"),
        ({b"api-key": b"sk-1"}, "sk-1"),
        ({b"x-api-key": b"sk-1", b"api-key": b"sk-2"}, "sk-1"),
        ({b"authorization": b"Bearer sk-1", b"x-api-key": b"sk-2"}, "sk-1"),
        ({b"authorization": b"Basic x", b"x-api-key": b"sk-2"}, "sk-2"),
        ({b"authorization": b"Bearer \xe9"}, "é"),
    ],
)
def test_every_sdks_way_to_send_a_key(headers: dict[bytes, bytes], secret: str | None) -> None:
    assert secret_of(headers) == secret


def test_the_admin_token_and_nothing_like_it() -> None:
    assert is_admin(gateway(TOKEN), TOKEN)
    for secret in (None, "", TOKEN[:-1], TOKEN + " ", TOKEN.upper(), "é"):
        assert not is_admin(gateway(TOKEN), secret)
    for secret in (None, "", TOKEN, "None"):
        assert not is_admin(gateway(None), secret), "while none is set there is no admin"


@given(st.text())
def test_any_text_is_compared_without_an_error(secret: str) -> None:
    assert is_admin(gateway(TOKEN), secret) is (secret == TOKEN)


ALLOWED: list[tuple[str | None, str | None, str | None, type[ShortstopError] | None]] = [
    # configured, shown, from where -> refusal
    (None, None, "127.0.0.1", None),
    (None, None, "::1", None),
    (None, TOKEN, "10.0.0.9", Forbidden),
    (None, None, "10.0.0.9", Forbidden),
    (None, None, "127.0.0.1.example.org", Forbidden),
    (None, None, None, Forbidden),
    (TOKEN, TOKEN, "10.0.0.9", None),
    (TOKEN, None, "127.0.0.1", Unauthenticated),
    (TOKEN, "wrong", "127.0.0.1", Unauthenticated),
]


@pytest.mark.parametrize(("configured", "shown", "host", "refusal"), ALLOWED)
def test_the_token_or_while_none_is_set_this_machine(
    configured: str | None, shown: str | None, host: str | None, refusal: Any
) -> None:
    if refusal is None:
        require_admin(gateway(configured), request(shown, host))
        return
    with pytest.raises(refusal) as raised:
        require_admin(gateway(configured), request(shown, host))
    assert TOKEN not in str(raised.value)
    if refusal is Forbidden:
        assert "SHORTSTOP_ADMIN_TOKEN" in str(raised.value)
