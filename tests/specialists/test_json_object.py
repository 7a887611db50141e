"""An object is read into fields and written as its writer would."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.specialists.json_object import Style, common_style, completed, read, write

TREE = {"shop": "Caffè", "buyer": {"city": "Évora", "vat": None}, "tags": ["a", "b"], "n": 3}


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps(TREE),
        json.dumps(TREE, ensure_ascii=False),
        json.dumps(TREE, separators=(",", ":")),
        json.dumps(TREE, indent=2, ensure_ascii=False),
        json.dumps(TREE, indent=4),
        f"```json\n{json.dumps(TREE, indent=2)}\n```",
        f"```\n{json.dumps(TREE)}\n```\n",
        "\n " + json.dumps(TREE) + "\n",
    ],
)
def test_what_was_read_is_written_the_same(answer: str) -> None:
    one = read(answer)
    assert one is not None
    assert list(one.fields) == ["shop", "buyer.city", "buyer.vat", "tags", "n"]
    assert write(one.fields, one.style) == answer


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[1]",
        "{}",
        "sorry, no",
        '{"a": 1',
        '{"a.b": 1}',
        "[" * 9_000,
        "\ud800",
        '{"a": {"b.c": 2}}',
    ],
)
def test_what_is_no_object_is_none(answer: str) -> None:
    assert read(answer) is None


def test_figures_do_not_hide_the_style() -> None:
    one = read('{"total":12.50,"n":1e3}')
    assert one is not None
    assert one.style == Style(comma=",", colon=":")


def test_the_common_style_is_that_of_most() -> None:
    tight, usual = Style(comma=",", colon=":"), Style()
    assert common_style([usual, tight, tight]) == tight
    assert common_style([]) == usual


def test_unsure_fields_are_completed_in_their_places() -> None:
    partial = '{"shop":"A","buyer":{"city":null,"vat":"7"},"n":3}'
    other = '```json\n{"buyer": {"city": "Rome"}, "n": 9}\n```'
    assert completed(partial, ("buyer.city",), other) == (
        '{"shop":"A","buyer":{"city":"Rome","vat":"7"},"n":3}'
    )
    assert completed(partial, ("shop",), other) is None
    assert completed("none", (), other) is None
    assert completed(partial, ("buyer.city",), "sorry") is None


names = st.text(
    st.characters(exclude_characters=".", exclude_categories=("Cs",)), min_size=1, max_size=5
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
)


@given(
    st.dictionaries(names, leaves | st.lists(leaves, max_size=3) | st.dictionaries(names, leaves))
)
def test_any_object_comes_back(tree: dict[str, Any]) -> None:
    for answer in (json.dumps(tree), json.dumps(tree, indent=2, ensure_ascii=False)):
        one = read(answer)
        if one is None:
            assert not tree
        else:
            assert json.loads(write(one.fields, one.style)) == tree
