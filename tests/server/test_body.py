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

from shortstop.config import LimitsConfig, ServerConfig
from shortstop.errors import InvalidRequest, Overloaded, RateLimited, TooLarge, Unsupported
from shortstop.server import body as reading
from shortstop.server.body import ANY_RATIO, MAX_MEMBERS, Disconnected, Headers, read_request
from shortstop.server.capacity import Capacity

LIMIT = 1000
LIMITS = LimitsConfig(bodies_mb=1)


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """As `read_body`, with a budget of its own, which is free again afterwards."""
    server = ServerConfig(max_body_mb=limit / 1e6, limits=LIMITS)
    capacity = Capacity(lambda: server)
    try:
        with capacity.share("somebody") as share:
            body = await reading.read_body(headers, receive, server, share)
            assert capacity.held == len(body)
    finally:
        assert (capacity.held, capacity.owners) == (0, {})
    return body


GZIP = {b"content-encoding": b"gzip"}

SERVER = ServerConfig()
UNLIMITED = Capacity(lambda: SERVER)


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
    [
        (b"{}", "not valid gzip"),
        (gzip.compress(b"hello world", mtime=0)[:-9], "truncated"),
        (b"", "trunc"),
    ],
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
        await read_request(Request(scope, receive), SERVER, UNLIMITED.share("a"))


async def test_megabytes_of_the_setting_are_millions_of_bytes() -> None:
    def request(size: int) -> Request:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        return Request(scope, Sender(b"x" * size))

    server, share = ServerConfig(max_body_mb=1.5), UNLIMITED.share("a")
    assert len(await read_request(request(1_500_000), server, share)) == 1_500_000
    with pytest.raises(TooLarge):
        await read_request(request(1_500_001), server, share)


# ------------------------------------------------------------ what is packed


async def test_a_ratio_that_no_text_has_is_refused() -> None:
    most = int(LIMITS.gzip_ratio)
    text = b"[]," * (ANY_RATIO // 3)
    packed = gzip.compress(text)
    assert len(text) > most * len(packed)
    assert await read_body(GZIP, Sender(*cut(packed, [7, 300])), 32_000_000) == text
    bomb = gzip.compress(text * 4)
    with pytest.raises(TooLarge, match="gzip_ratio"):
        await read_body(GZIP, Sender(bomb), 32_000_000)


@given(st.lists(st.binary(max_size=90), min_size=1, max_size=5), st.lists(st.integers(0, 10_000)))
async def test_members_that_follow_one_another_are_one_body(
    members: list[bytes], places: list[int]
) -> None:
    packed = b"".join(map(gzip.compress, members))
    assert await read_body(GZIP, Sender(*cut(packed, places)), LIMIT) == b"".join(members)


@pytest.mark.parametrize(
    ("more", "word"),
    [(b"x" * 20, "not valid"), (gzip.compress(b"x", mtime=0)[:8], "trunc"), (b"\0\0", "not valid")],
)
async def test_nothing_else_may_follow_a_member(more: bytes, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        await read_body(GZIP, Sender(gzip.compress(b"{}", mtime=0) + more), LIMIT)


async def test_members_without_content_have_an_end() -> None:
    many = gzip.compress(b"", mtime=0) * (MAX_MEMBERS + 1)
    with pytest.raises(InvalidRequest, match="members"):
        await read_body(GZIP, Sender(many), 1_000_000)


async def test_a_body_packed_twice_is_unpacked_once() -> None:
    once = gzip.compress(b"{}", mtime=0)
    assert await read_body(GZIP, Sender(gzip.compress(once)), LIMIT) == once


@pytest.mark.parametrize("size", [reading.STEP - 1, reading.STEP, reading.STEP + 1])
async def test_output_that_fills_a_step_is_not_taken_for_a_cut(size: int) -> None:
    for packed in (gzip.compress(b"\0" * size), gzip.compress(bytes(range(256)) * (size // 256))):
        plain = gzip.decompress(packed)
        assert await read_body(GZIP, Sender(packed), 1_000_000) == plain


# ------------------------------------------------------------ what is held


async def test_what_is_announced_is_held_as_soon_as_anything_comes() -> None:
    """Or large bodies at once would take from one another what none of them completes."""
    server = ServerConfig(max_body_mb=0.1, limits=LIMITS)
    capacity = Capacity(lambda: server)
    with capacity.share("a") as share:
        with pytest.raises(Disconnected):
            await reading.read_body(
                {b"content-length": b"90000"}, Sender(b"x", complete=False), server, share
            )
        assert share.held == capacity.held == 90_000
    assert capacity.held == 0


@pytest.mark.parametrize("packed", [False, True])
async def test_what_is_not_announced_is_held_as_it_comes(packed: bool) -> None:
    server = ServerConfig(max_body_mb=0.1, limits=LIMITS)
    capacity = Capacity(lambda: server)
    body = bytes(range(256)) * 200
    sent = gzip.compress(body, 0) if packed else body
    first = Sender(*cut(sent, [20_000])[:1], complete=False)
    with capacity.share("a") as share:
        with pytest.raises(Disconnected):
            await reading.read_body(GZIP if packed else {}, first, server, share)
        assert 0 < share.held == capacity.held <= 20_000
    assert capacity.held == 0


async def test_who_holds_too_much_is_told_429_and_where_all_do_503() -> None:
    server = ServerConfig(max_body_mb=0.1, limits=LIMITS)
    capacity = Capacity(lambda: server)

    async def read(owner: str) -> None:
        share = capacity.share(owner)
        await reading.read_body({}, Sender(b"x" * 100_000), server, share)

    for _ in range(5):
        await read("a")
    with pytest.raises(RateLimited, match=r"limits\.bodies_mb") as greedy:
        await read("a")
    for owner in "bbbbbg":
        await read(owner)
    with pytest.raises(Overloaded, match=r"limits\.bodies_mb") as full:
        await read("g")
    assert greedy.value.retry_after == full.value.retry_after == 1.0
    assert capacity.held == 1_100_000


async def test_one_body_always_fits() -> None:
    server = ServerConfig(max_body_mb=2, limits=LIMITS)
    capacity = Capacity(lambda: server)
    body = b"x" * 2_000_000
    with capacity.share("a") as share:
        assert await reading.read_body({}, Sender(body), server, share) == body
