"""Bodies are read the same in whatever pieces they come, and never beyond the limit."""

from __future__ import annotations

import gzip
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Receive

from shortstop.errors import InvalidRequest, TooLarge, Unsupported
from shortstop.server.body import Disconnected, read_body, read_request

LIMIT = 1000
GZIP = {b"content-encoding": b"gzip"}


class Sender:
    """An ASGI `receive` that delivers these pieces, and counts how often it was asked."""

    def __init__(self, *pieces: bytes, complete: bool = True) -> None:
        last = len(pieces) - 1
        self.messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": i < last or not complete}
            for i, piece in enumerate(pieces)
        ]
        self.calls = 0

    async def __call__(self) -> dict[str, Any]:
        self.calls += 1
        return self.messages.pop(0) if self.messages else {"type": "http.disconnect"}


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.binary(max_size=LIMIT), st.lists(st.integers(0, 10_000), max_size=8), st.booleans())
async def test_every_cutting_gives_the_same_body(
    body: bytes, places: list[int], packed: bool
) -> None:
    sent = gzip.compress(body) if packed else body
    headers = GZIP if packed else {}
    if len(sent) <= LIMIT:
        assert await read_body(headers, Sender(*cut(sent, places)), LIMIT) == body


@pytest.mark.parametrize("pieces", [1, 3])
async def test_the_limit_itself_is_allowed_and_one_byte_more_is_not(pieces: int) -> None:
    size = LIMIT // pieces
    exact = [b"x" * size] * (pieces - 1) + [b"x" * (LIMIT - size * (pieces - 1))]
    assert len(await read_body({}, Sender(*exact), LIMIT)) == LIMIT
    with pytest.raises(TooLarge):
        await read_body({}, Sender(*exact, b"x"), LIMIT)
    assert len(await read_body(GZIP, Sender(gzip.compress(b"x" * LIMIT)), LIMIT)) == LIMIT
    with pytest.raises(TooLarge):
        await read_body(GZIP, Sender(gzip.compress(b"x" * (LIMIT + 1))), LIMIT)


async def test_a_declared_size_beyond_the_limit_is_refused_unread() -> None:
    sender = Sender(b"x")
    with pytest.raises(TooLarge, match="max_body_mb"):
        await read_body({b"content-length": b"1001"}, sender, LIMIT)
    assert sender.calls == 0
    assert await read_body({b"content-length": b"nonsense"}, Sender(b"x"), LIMIT) == b"x"


async def test_reading_ends_where_the_limit_is_passed() -> None:
    sender = Sender(*[b"x" * 300] * 100)
    with pytest.raises(TooLarge):
        await read_body({}, sender, LIMIT)
    assert sender.calls == 4


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 100_000_000)
    tracemalloc.start()
    with pytest.raises(TooLarge):
        await read_body(GZIP, Sender(bomb), 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("body", "word"),
    [(b"{}", "not valid gzip"), (gzip.compress(b"hello world")[:-9], "truncated"), (b"", "trunc")],
)
async def test_broken_gzip_is_the_clients_error(body: bytes, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        await read_body(GZIP, Sender(body), LIMIT)


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, gzip", b"\xff"])
async def test_other_encodings_are_refused_unread(encoding: bytes) -> None:
    sender = Sender(b"x")
    with pytest.raises(Unsupported):
        await read_body({b"content-encoding": encoding}, sender, LIMIT)
    assert sender.calls == 0


@pytest.mark.parametrize("pieces", [(), (b'{"a":',)])
async def test_a_client_that_leaves_has_sent_nothing(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(Disconnected):
        await read_body({}, Sender(*pieces, complete=False), LIMIT)
    receive: Receive = Sender(*pieces, complete=False)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    with pytest.raises(InvalidRequest):
        await read_request(Request(scope, receive), 1)


async def test_megabytes_of_the_setting_are_millions_of_bytes() -> None:
    def request(size: int) -> Request:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        return Request(scope, Sender(b"x" * size))

    assert len(await read_request(request(1_500_000), 1.5)) == 1_500_000
    with pytest.raises(TooLarge):
        await read_request(request(1_500_001), 1.5)
