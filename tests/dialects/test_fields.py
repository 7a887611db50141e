"""Bodies that are not what they should be: 400 with the place, never a crash."""

from __future__ import annotations

import pytest

from shortstop.dialects import parse_object
from shortstop.dialects.fields import MAX_DEPTH
from shortstop.errors import InvalidRequest


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "truncated"),
        (b'{"a":}', "byte 5"),
        (b'{"a":NaN}', "byte 5"),
        (b'{"a":1}x', "byte 8"),
        (b'{"a":"\xff"}', "byte 6"),
        (b"[1]", "JSON object"),
        (b"null", "JSON object"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":' * 50_000, "nested deeper"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nested deeper"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper"),
    ],
)
def test_the_message_says_where(body: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_object(body)
    assert told in str(caught.value)


def test_wide_is_not_deep() -> None:
    assert len(parse_object(b'{"a":[' + b"[]," * 5000 + b"[]]}")["a"]) == 5001
    nested = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert parse_object(b'{"a":' + nested + b"}")
