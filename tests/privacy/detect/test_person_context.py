"""Numbers that no rule knows and that all words around them say are somebody's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import person_context
from shortstop.privacy.detect.person_context import VALUE, by_context, features, score, values_in


@pytest.mark.parametrize(
    "text",
    [
        "Enrolment record 2015596, Leonie Brandt, third attempt",
        "benefit file 40112233 of Mrs Eileen Fogarty, hardship letter",
    ],
)
def test_somebody_s_number_is_found(text: str) -> None:
    span = by_context(text)
    assert span is not None
    assert any(map(str.isdigit, text[slice(*span)]))


@pytest.mark.parametrize(
    "text",
    [
        "order 4451278 for Mrs Green shipped?",
        "the plant made 4451278 units in May",
        "worker-3 took 4451278 us",
        "Anna wrote to Ben",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert by_context(text) is None


def test_a_long_text_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(passage: str) -> float:
        read.append(passage)
        return -9.0

    monkeypatch.setattr(person_context, "score", counted)
    assert by_context("Line 48213 of Anna Schmidt, part of a list of many.\n" * 4_000) is None
    assert 0 < len(read) <= person_context.MOST


def test_features_are_what_is_scored() -> None:
    passage = "student id s6804683 Jiaqi Wen"
    assert "names=1" in features(passage)
    assert "digits=7" in features(passage)
    assert score(passage) > score("order 6804683 of 40 boxes")


_PARTS = ["AB", "x", "é", "7", "48", "9021", "62k", "万", "KL", "Anna", ".", ",", "-", "/", "_"]


@given(
    st.lists(st.sampled_from([*_PARTS, " ", "\n"]), max_size=24),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_values_are_found_by_their_digits(parts: list[str], before: int, behind: int) -> None:
    text = "".join(parts)
    start, end = min(before, len(text)), max(0, len(text) - behind)
    spans = [m.span() for m in VALUE.finditer(text, start, end)]
    assert [m.span() for m in values_in(text, start, end)] == spans


PIECES = st.sampled_from(
    [
        *"0123456789٣４",
        *" .,'’/-",
        *"kKABxé万萬만",
        "12k",
        "3,5 k",
        "no. ",
        "AB 12",
        "12 AB",
        "1.200",
        "id ",
        "Ünal ",
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_no_value_is_in_a_text_that_holds_none_at_first_sight(text: str) -> None:
    if VALUE.search(text) is not None:
        assert person_context._MAY_HOLD.search(text.encode()) is not None
