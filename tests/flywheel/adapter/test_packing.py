"""Examples side by side: each whole, once, and blind to the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.flywheel.adapter.packing import NOTHING, Tokens, batches, packed

LENGTH = 24
TOKEN = st.integers(1, 9)
EXAMPLE = st.builds(
    Tokens, st.lists(TOKEN, min_size=1, max_size=12), st.lists(TOKEN, min_size=1, max_size=12)
)


@given(st.lists(EXAMPLE, min_size=1, max_size=12))
def test_every_example_stands_there_once_whole_and_from_position_zero(
    examples: list[Tokens],
) -> None:
    made = packed(examples, LENGTH)
    found = []
    for row in range(len(made.token)):
        for segment in range(1, made.segment[row].max() + 1):
            mine = made.segment[row] == segment
            assert made.position[row, mine].tolist() == list(range(mine.sum()))
            labels = made.label[row, mine]
            answer = labels[labels != NOTHING].tolist()
            token = made.token[row, mine].tolist()
            assert token[-len(answer) :] == answer
            assert labels[-len(answer) - 1 : -1].tolist() == answer
            found.append((tuple(token[: -len(answer)]), tuple(answer)))
    assert sorted(found) == sorted((tuple(e.prompt), tuple(e.answer)) for e in examples)


@given(st.lists(EXAMPLE, min_size=2, max_size=8))
def test_nobody_looks_at_another_example_or_ahead(examples: list[Tokens]) -> None:
    made = packed(examples, LENGTH)
    for row, allowed in enumerate(made.attends()[:, 0]):
        for place, earlier in zip(*np.nonzero(allowed), strict=True):
            assert earlier <= place
            assert made.segment[row, earlier] == made.segment[row, place]
    assert made.attends()[:, 0].any(axis=2).all(), "somebody looks at nothing"


def test_a_row_is_read_without_the_padding_at_its_end() -> None:
    made = packed([Tokens([1, 2], [3]), Tokens([4], [5])], 9)
    assert made.row(0).token.tolist() == [[1, 2, 3, 4, 5]]
    assert made.row(0).attends().shape == (1, 1, 5, 5)


def test_short_examples_share_rows() -> None:
    assert len(packed([Tokens([1], [2])] * 12, LENGTH).token) == 1


def test_an_example_that_fits_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="25 tokens"):
        packed([Tokens([1] * 20, [2] * 5)], LENGTH)


@given(st.integers(1, 50), st.integers(1, 16), st.integers(0, 3))
def test_an_epoch_holds_every_example_once_and_is_the_same_after_a_restart(
    count: int, rows: int, epoch: int
) -> None:
    first = batches(count, rows, 7, epoch)
    assert sorted(np.concatenate(first).tolist()) == list(range(count))
    again = batches(count, rows, 7, epoch)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
