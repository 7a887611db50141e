"""Where two readings differ, both are read; elsewhere once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.detector import standard_detector
from shortstop.privacy.detect.scan import AROUND, islands, scan
from shortstop.privacy.leaves import Leaf

TEXTS = st.lists(
    st.sampled_from(["a", " mail jane@example.com ", "ø", "\u200b", "－", "x" * 700, "１２"]),
    max_size=12,
).map("".join)


@given(TEXTS)
def test_every_changed_character_lies_in_an_island(text: str) -> None:
    view = canonical(text)
    found = list(islands(view))
    assert found == sorted(found)
    assert all(a < b <= len(text) for a, b in found)
    assert all(b < c for (_, b), (c, _) in pairwise(found))
    changed = [i for i, c in enumerate(text) if canonical(c).text != c]
    assert all(any(a <= i < b for a, b in found) for i in changed)
    assert bool(found) == bool(changed)


@given(TEXTS)
def test_nothing_of_the_plain_reading_is_missed(text: str) -> None:
    """Whatever the rules find in the text as it stands is found, in few islands or in many."""
    plain = {(h.rule.id, h.start, h.end) for h in standard_detector().hits(text)}
    found = {(f.rule, f.start, f.end) for f in scan([Leaf("$.input", text)])}
    assert plain <= found


def test_two_far_apart_are_two() -> None:
    text = "ø１" + "x" * (3 * AROUND) + "１"
    assert len(list(islands(canonical(text)))) == 2
