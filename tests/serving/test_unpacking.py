"""Packed answers, whole and in pieces."""

from __future__ import annotations

import gzip
import zlib

import pytest

from shortstop.serving.unpacking import AnswerUnpacker

TEXT = b"data: all work and no play\n\n" * 40
GZIP = {"content-encoding": "gzip"}
MEMBERS = b"".join(gzip.compress(part, mtime=0) for part in (TEXT[:100], b"", TEXT[100:]))


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("headers", "packed"),
    [
        ({}, TEXT),
        ({"content-encoding": "identity"}, TEXT),
        (GZIP, gzip.compress(TEXT, mtime=0)),
        ({"content-encoding": " GZip "}, gzip.compress(TEXT, mtime=0)),
        ({"content-encoding": "deflate"}, zlib.compress(TEXT)),
        (GZIP, MEMBERS),
        (GZIP, MEMBERS + b"\0\0rubbish"),
    ],
)
def test_every_piece_is_unpacked(headers: dict[str, str], packed: bytes, size: int) -> None:
    unpacker = AnswerUnpacker(headers)
    pieces = (packed[i : i + size] for i in range(0, len(packed), size))
    assert b"".join(unpacker.feed(piece, 10_000) for piece in pieces) == TEXT


def test_no_more_is_unpacked_than_is_read() -> None:
    bomb = gzip.compress(bytes(100_000)) * 5
    assert len(AnswerUnpacker(GZIP).feed(bomb, 150_000)) == 150_001


def test_what_is_not_packed_is_an_error() -> None:
    with pytest.raises(zlib.error):
        AnswerUnpacker(GZIP).feed(TEXT, 10_000)
    with pytest.raises(zlib.error):
        AnswerUnpacker(GZIP).feed(gzip.compress(TEXT, mtime=0) + b"\x1frubbish behind it", 10_000)
