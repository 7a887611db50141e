"""What a server says of the time, and where its stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shortstop import dialects
from shortstop.errors import UpstreamFailed
from shortstop.serving.response import LONGEST_WAIT, is_good, read_to_the_end, retry_after

ENDED = b'data: {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}\n\n'
LATER = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": LATER, "date": "Wed, 21 Oct 2026 07:27:20 GMT"}, 40.0),
        ({"retry-after": "Wed, 21 Oct 2026 09:28:00 +0200", "date": LATER}, 0.0),
        ({"retry-after": LATER, "date": "Wed, 21 Oct 2026 07:28:01 GMT"}, None),
        ({"retry-after": LATER, "date": "today"}, None),
        ({"retry-after": "soon", "date": LATER}, None),
        ({"retry-after": "99999999999999999999"}, LONGEST_WAIT),
        ({"retry-after-ms": "1e300"}, LONGEST_WAIT),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(("status", "good"), [(200, True), (201, True), (199, False), (300, False)])
def test_every_2xx_is_an_answer(status: int, good: bool) -> None:
    assert is_good(status) is good


async def pieces(*sent: bytes, breaks: bool) -> AsyncIterator[bytes]:
    for piece in sent:
        yield piece
    if breaks:
        raise UpstreamFailed("lost")
    await asyncio.Event().wait()


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_finished_stream_is_not_waited_for(breaks: bool) -> None:
    decoder = dialects.get("openai.chat").stream_decoder()
    async with asyncio.timeout(5):
        read = read_to_the_end(pieces(ENDED, b": afterword", breaks=breaks), decoder)
        chunks = [chunk async for data in read for chunk in decoder.feed(data)]
    assert [chunk.text for chunk in chunks] == ["a"]


async def test_one_that_breaks_before_its_end_has_failed() -> None:
    decoder = dialects.get("openai.chat").stream_decoder()
    read = read_to_the_end(pieces(b": a comment", breaks=True), decoder)
    assert await anext(read) == b": a comment"
    with pytest.raises(UpstreamFailed, match="lost"):
        await anext(read)
