"""The novelty guard: known wordings are alike whatever their values, new ones are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.specialists.novelty import Slot, Wordings, arrays, masked, of_arrays

KNOWN = [
    "my name is _name_ ",
    "send it to _street_ in _city_ please",
    "o meu nome é _name_ ",
]


def slots(text: str, **values: str) -> list[Slot]:
    return [
        Slot(text.index(v), text.index(v) + len(v), name.replace("_", "."))
        for name, v in values.items()
    ]


def test_values_are_their_fields_names_and_other_numbers_are_zero() -> None:
    text = "Ship 12 boxes to Ana Silva, order 77"
    found = masked(text, slots(text, to_name="Ana Silva"))
    assert found.split() == ["Ship", "0", "boxes", "to", "_to_name_", ",", "order", "0"]


def test_of_values_that_overlap_the_first_and_longest_counts() -> None:
    text = "at 12 Long Road, Bath now"
    out = masked(text, [Slot(3, 15, "street"), Slot(3, 21, "address"), Slot(17, 21, "city")])
    assert out.split() == ["at", "_address_", "now"]


@pytest.mark.parametrize("name", ["Rubija", "João da Silva e Souza", "李雷"])
def test_a_known_wording_is_known_with_any_value(name: str) -> None:
    guard = Wordings.of(KNOWN)
    for start in ("My name is ", "O meu nome é "):
        text = start + name
        assert guard.similarity(masked(text, slots(text, name=name))) > 0.95


def test_new_words_make_a_wording_new() -> None:
    guard = Wordings.of(KNOWN)
    near = guard.similarity("my name is _name_ ")
    mixed = guard.similarity("my name is _name_ and the quartet that plays tonight owes me rent")
    assert near > 0.95
    assert mixed < 0.7
    assert guard.similarity("wholly other words") == 0.0
    assert guard.similarity("") == 0.0


def test_wordings_travel() -> None:
    guard = Wordings.of(KNOWN)
    again = of_arrays(arrays(guard))
    for text in ("my name is _name_ ", "send it to _city_ now"):
        assert again.similarity(text) == pytest.approx(guard.similarity(text), abs=2e-3)
    with pytest.raises(StoreError):
        of_arrays({"wording_terms": np.zeros(0, np.uint8)})


def test_nothing_learned_is_like_nothing() -> None:
    assert Wordings.of([]).similarity("anything") == 0.0
    assert of_arrays(arrays(Wordings.of([]))).similarity("anything") == 0.0


@given(
    st.text(max_size=80), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=4)
)
def test_masking_never_fails(text: str, spans: list[tuple[int, int]]) -> None:
    found = [Slot(min(a, b), max(a, b), "x") for a, b in spans]
    similarity = Wordings.of(KNOWN).similarity(masked(text, found))
    assert 0.0 <= similarity <= 1.0
