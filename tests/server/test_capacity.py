"""What requests hold: counted by owner and in all, and free again however a request ends."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import LimitsConfig, ServerConfig
from shortstop.errors import InvalidRequest, Overloaded, RateLimited, ShortstopError, TooLarge
from shortstop.server.capacity import LARGE, Capacity, holder_of
from shortstop.types import Caller

SERVER = ServerConfig(
    max_body_mb=0.0001, max_in_flight=2, limits=LimitsConfig(bodies_mb=0.001, json_values=1000)
)
"""100 bytes a body, 1,000 in all, 500 of one owner."""


def capacity() -> Capacity:
    return Capacity(lambda: SERVER)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), max_size=30))
def test_no_sequence_exceeds_the_bounds_or_loses_a_byte(asked: list[tuple[str, int]]) -> None:
    one = capacity()
    shares = []
    for owner, size in asked:
        share = one.share(owner)
        try:
            share.take(size)
        except ShortstopError as error:
            assert error.retry_after
        shares.append(share)
        assert sum(one.owners.values()) == one.held <= 1500
        assert all(held <= 500 for held in one.owners.values())
    for share in shares:
        share.__exit__(None, None, None)
    assert (one.held, one.owners) == (0, {})


def test_the_greedy_are_told_429_and_the_others_503() -> None:
    one = capacity()
    one.share("a").take(450)
    with pytest.raises(RateLimited):
        one.share("a").take(51)
    one.share("b").take(500)
    with pytest.raises(Overloaded):
        one.share("c").take(300)
    one.share("c").take(50)


def test_the_large_cannot_lock_the_small_out() -> None:
    one = capacity()
    one.share("a").take(500)
    one.share("b").take(500)
    for owner in "cdefghij":
        one.share(owner).take(20)
        with pytest.raises(Overloaded):
            one.share(owner).take(480)
    assert one.held <= 1500


def test_what_was_announced_is_taken_once() -> None:
    one = capacity()
    share = one.share("a")
    share.take(100)
    for _ in range(5):
        share.grow(30)
    assert share.held == one.held == 150


def test_a_share_is_free_when_its_block_raises() -> None:
    one = capacity()
    share = one.share("a")
    with suppress(KeyError), share:
        share.take(10)
        raise KeyError
    assert (one.held, one.owners) == (0, {})


def test_bytes_are_a_keys_or_an_addresss() -> None:
    scope = {"client": ("10.1.2.3", 40)}
    assert holder_of(Caller(key="k1"), scope) == holder_of(Caller(key="k1"), {})
    assert holder_of(Caller(), scope) != holder_of(Caller(), {"client": ("10.1.2.4", 40)})
    assert holder_of(Caller(key="10.1.2.3"), {}) != holder_of(Caller(), scope)


@pytest.mark.parametrize("size", [0, LARGE])
async def test_bodies_of_any_size_are_parsed_and_judged_alike(size: int) -> None:
    one, pad = capacity(), " " * size
    assert await one.parse(b'{"a": [1, 2]}' + pad.encode()) == {"a": [1, 2]}
    with pytest.raises(InvalidRequest):
        await one.parse(b"[1]" + pad.encode())
    with pytest.raises(TooLarge, match="json_values"):
        await one.parse(json.dumps({"a": [10] * 3000}).encode() + pad.encode())


async def test_large_bodies_are_parsed_beside_the_loop_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, most, free = 0, 0, threading.Event()
    seen: list[int] = []

    def slow(body: bytes, limit: int) -> dict[str, int]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        free.wait(10)
        seen.append(threading.get_ident())
        running -= 1
        return {}

    monkeypatch.setattr("shortstop.server.capacity.parse_object", slow)
    one = capacity()
    tasks = [asyncio.create_task(one.parse(b" " * LARGE)) for _ in range(4)]
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(*tasks)
    assert most == 1
    assert threading.get_ident() not in seen
