"""Candidates become a value, a list, or nothing, each with what it is worth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shortstop.specialists.copy.field import CopyField, CopyRules, Guess, number
from shortstop.specialists.copy.known_values import KnownValues
from shortstop.specialists.copy.page import Page
from shortstop.specialists.copy.tagger import LikelySpan


class Finder:
    """Says that values stand at given tokens."""

    model = b""

    def __init__(self, *places: tuple[int, int, float]) -> None:
        self._places = [LikelySpan(*place) for place in places]

    def places(self, length: int, seen: Any) -> list[LikelySpan]:
        return self._places


def field(*finders: Finder, **rules: Any) -> CopyField:
    pytest.importorskip("pycrfsuite", reason="needs the extra [learn]")
    return CopyField(finders, CopyRules("total", rules.pop("form", "same"), **rules))  # type: ignore[arg-type]


def one(text: str, share: float) -> Guess:
    return Guess(text.lower(), text, share, ())


PAGE = Page("total 5.00 cash 5.00 change 0.50")


def test_a_value_that_stands_twice_counts_twice() -> None:
    opinion = field(Finder((1, 2, 0.4), (3, 4, 0.4), (5, 6, 0.6))).read(PAGE)
    assert opinion is not None
    assert opinion.value == "5.00"
    assert opinion.confidence == pytest.approx(0.8 / 1.4)
    assert [PAGE.text[a:b] for a, b, _ in opinion.slots] == ["5.00", "5.00"]


def test_taggers_that_disagree_are_less_sure() -> None:
    agreed = field(Finder((1, 2, 0.9)), Finder((1, 2, 0.9))).read(PAGE)
    split = field(Finder((1, 2, 0.9)), Finder((5, 6, 0.8))).read(PAGE)
    assert agreed is not None
    assert split is not None
    assert (agreed.value, split.value) == ("5.00", "5.00")
    assert split.confidence < 0.5 < agreed.confidence


def test_no_value_is_absent_where_that_happens_and_nothing_to_say_elsewhere() -> None:
    assert field(Finder()).read(PAGE) is None
    opinion = field(Finder((1, 2, 0.2)), absent="null").read(PAGE)
    assert opinion is not None
    assert opinion.value is None
    assert opinion.confidence == pytest.approx(0.8)


def test_a_list_takes_what_is_likelier_than_not_without_overlap() -> None:
    listed = field(Finder((1, 2, 0.9), (1, 4, 0.6), (5, 6, 0.1)), many=True, numeric=True)
    opinion = listed.read(PAGE)
    assert opinion is not None
    assert opinion.value == [5.0]
    assert opinion.confidence == pytest.approx(0.9 * 0.9)


def test_a_known_value_is_written_as_it_was_met() -> None:
    known = field(memory=KnownValues.of(["Acme Ltd."])).decide([one("acmeltd.", 0.7)])
    assert known is not None
    assert (known.value, known.known) == ("Acme Ltd.", True)
    new = field(memory=KnownValues.of(["Acme Ltd."])).decide([one("Zeta", 0.7)])
    assert new is not None
    assert (new.value, new.known) == ("Zeta", False)


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ("12.50", 12.5), ("nan", "nan"), ("1e999", "1e999"), ("x", "x")]
)
def test_numbers_are_json(text: str, value: Any) -> None:
    assert number(text) == value


@example([(0, 1, 0.5), (0, 1, 0.9220849770414596), (0, 1, 0.15760231829319304)])
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3), st.floats(0.01, 1)), max_size=8))
def test_confidence_is_a_share_whatever_was_found(places: list[tuple[int, int, float]]) -> None:
    finder = Finder(*[(a, min(a + n, 6), w) for a, n, w in places])
    for many in (False, True):
        opinion = field(finder, many=many).read(PAGE)
        assert opinion is None or 0 <= opinion.confidence <= 1
