"""Groups are read as one whatever form stands between them, and at their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import groups


def written(text: str) -> list[str]:
    return [groups.compact(run) for run in groups.runs(groups.bare(text))]


@pytest.mark.parametrize(
    "text",
    [
        "12.345-67",
        "12 | 345\t67",
        "<td>12</td><td>345</td><td>67</td>",
        "1. 12\n2. 345\n3. 67"[3:],
        "(12) [345] '67'",
        "12, then 345 and finally 67",
        "12 • 345 • 67",
    ],
)
def test_groups_are_one_number_across(text: str) -> None:
    assert written(text) == ["1234567"]


@pytest.mark.parametrize("text", ["12 eggs 34", "12 \x1f 34", "12" + " " * 50 + "34"])
def test_a_word_another_leaf_and_a_wide_gap_part_them(text: str) -> None:
    assert written(text) == ["12", "34"]


def test_marks_of_a_list_are_no_part_of_what_is_listed() -> None:
    assert written("x\n1. 4111\n2. 0151") == ["41110151"]
    assert written("part 1: 4111; part 2: 0151") == ["41110151"]
    assert written('{"a1": "4111", "a2": "0151"}') == ["41110151"]


@given(st.text("0aB.|<>/td\n-1: ,&", max_size=80))
def test_what_is_blanked_moves_nothing(text: str) -> None:
    bared = groups.bare(text)
    assert len(bared) == len(text)
    assert all(a == b or b in " ,\n" for a, b in zip(text, bared, strict=True))


@given(st.lists(st.sampled_from(["4111", "AB", "7x", ".", " ", "\n", "|"]), max_size=20))
def test_every_unit_is_a_part_of_its_run(parts: list[str]) -> None:
    text = "".join(parts)
    for run in groups.runs(text):
        assert all(text[g.start : g.end] == g.text for g in run)
        assert all(0 <= i < j <= len(run) for i, j in groups.units(run))
