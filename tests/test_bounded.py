"""Values are counted before they are built: never too few, and never those inside strings."""

from __future__ import annotations

import base64
import json
import random
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import bounded
from shortstop.bounded import TooManyValues, decode, depth_of, require_small

HOSTILE = st.text(alphabet='\\",[]{}:a\n\u00fc\U0001f600', max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | HOSTILE,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(HOSTILE, inner, max_size=6),
    max_leaves=60,
)


def real(value: Any) -> tuple[int, int]:
    """How many values there are, an empty array or object twice, and how deep they are nested."""
    level, count, depth = [value], 0, 0
    while level:
        count += sum(1 + (isinstance(one, list | dict) and not one) for one in level)
        inner = [one for one in level if isinstance(one, list | dict)]
        depth += bool(inner)
        level = [x for one in inner for x in (one.values() if isinstance(one, dict) else one)]
    return count, depth


def counted(text: bytes) -> int:
    """The least limit of values with which the text is taken."""
    for limit in range(100_000):
        with suppress(TooManyValues):
            require_small(text, limit)
            return limit
    raise AssertionError


@given(VALUES, st.booleans(), st.sampled_from([1, 2, 3, 5, 64, bounded.SLICE]))
@settings(max_examples=300)
def test_values_and_depth_are_right_wherever_the_text_is_cut(
    value: Any, ascii_only: bool, size: int
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    count, depth = real(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded, "SLICE", size)
        patch.setattr(bounded, "CONTAINERS", 1)
        patch.setattr(bounded, "DIGITS", 1000)
        patch.setattr(bounded, "EXPONENTS", 0)
        assert counted(text) == count
        assert depth_of(text) == depth


@pytest.mark.parametrize("run", [1, 2, 3, 4, 62, 63, 64, 65, 1000])
def test_runs_of_backslashes_end_where_json_says(monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    monkeypatch.setattr(bounded, "SLICE", 64)
    monkeypatch.setattr(bounded, "CONTAINERS", 1)
    for lead in range(4):
        text = json.dumps(["," * lead + "\\" * run + '",[', 1, {"k": 2}]).encode()
        assert counted(text) == 5
        assert depth_of(text) == 2


@pytest.mark.parametrize(
    ("bomb", "what"),
    [
        (b"1e300,", "exponent"),
        (b"5E-324,", "exponent"),
        (b'{"a":{}},', "arrays and objects"),
        (b"9" * 600 + b",", "digits"),
        (b"0." + b"9" * 600 + b",", "digits"),
    ],
)
def test_dear_values_are_fewer(bomb: bytes, what: str) -> None:
    with pytest.raises(TooManyValues, match=what):
        decode(b"[" + bomb * 50_000 + b"0]")


def test_signs_of_numbers_in_strings_are_no_numbers() -> None:
    text = json.dumps(["1e300," * 100_000, "123456789" * 800_000, *range(2000)])
    assert len(decode(text)) == 2002


@pytest.mark.parametrize(
    "bomb",
    [b"[],", b"{},", b'"",', b"1,", b'{"a":[]},', b"[[[]]],", b"null ,", b'"\\\\",', b'"\\"",'],
)
def test_a_bomb_is_refused_before_it_is_decoded(bomb: bytes) -> None:
    text = b"[" + bomb * (400_000 // bomb.count(b",") if bomb else 1) + b"0]"
    with pytest.raises(TooManyValues):
        decode(text)
    with pytest.raises(TooManyValues):
        decode(text.decode())


@pytest.mark.parametrize("bomb", [b"[" * 500_000, b"," * 500_000, b'{"a":' * 400_000])
def test_what_is_not_json_is_no_way_around_it(bomb: bytes) -> None:
    with pytest.raises((TooManyValues, msgspec.DecodeError, RecursionError)):
        decode(bomb)


def a_long_table(lines: int) -> str:
    draw = random.Random(7)
    return "\n".join(
        ",".join(f'"{draw.random():.6f}"' for _ in range(12)) + ",[x],{y}" for _ in range(lines)
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(a_long_table(20_000), id="a table as text"),
        pytest.param(json.dumps([{"a": [1, {}]}] * 90_000), id="JSON as text"),
        pytest.param(base64.b64encode(random.Random(1).randbytes(3_000_000)).decode(), id="image"),
        pytest.param("\\" * 900_000 + '",[' * 200_000, id="signs and escapes"),
    ],
)
def test_a_long_document_is_not_refused_for_the_commas_in_it(content: str) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": content}]}
    for text in (json.dumps(body), json.dumps(body, ensure_ascii=False, indent=2)):
        assert decode(text.encode()) == body


def test_large_tool_schemas_and_token_arrays_are_not_refused() -> None:
    """500 tools of 20 fields; all the tokens, and all the floats, that a vendor takes or gives."""
    field = {"type": "string", "description": "What, when {and} [where]", "enum": ["a", "b"]}
    schema = {"type": "object", "properties": {f"field_{i}": field for i in range(20)}}
    tool = {"type": "function", "function": {"name": "t", "parameters": schema}}
    decode(json.dumps({"tools": [tool] * 500}).encode())
    decode(json.dumps({"input": [list(range(100_000, 100_500))] * 600}).encode())
    draw = random.Random(3)
    vectors = [[draw.gauss(0, 0.025) for _ in range(1536)] for _ in range(200)]
    decode(json.dumps({"data": [{"embedding": vector} for vector in vectors]}).encode())


def test_the_limit_itself_is_allowed() -> None:
    text = json.dumps([10] * 999).encode()
    text = b" " * bounded.SHORT + text
    assert len(decode(text, 1000)) == 999
    with pytest.raises(TooManyValues) as caught:
        decode(text, 999)
    assert caught.value.limit == 999
