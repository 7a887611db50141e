"""Cards and accounts are found however their groups are spread over sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import scattered

CARD = "5567144632135455"
IBAN = "DE88273529251527180454"
WORDS = st.sampled_from([" and then ", ", after that ", ". Next: ", " - ", "\nCaller: ", " "])


def found(text: str) -> list[str]:
    data = text.encode()
    return [data[start:end].decode() for start, end in scattered.spans(data)]


@given(st.lists(WORDS, min_size=3, max_size=3))
def test_a_card_in_quarters_is_found_from_its_first_to_its_last(between: list[str]) -> None:
    parts = [CARD[i : i + 4] for i in range(0, 16, 4)]
    spread = "".join(a + b for a, b in zip(parts, [*between, ""], strict=True))
    assert found(f"My credit card goes {spread} that's all") == [spread]


@given(st.lists(WORDS, min_size=5, max_size=5))
def test_an_account_in_groups_is_found(between: list[str]) -> None:
    parts = [IBAN[i : i + 4] for i in range(0, len(IBAN), 4)]
    spread = "".join(a + b for a, b in zip(parts, [*between, ""], strict=True))
    assert found(f"the IBAN is {spread} please") == [spread]


@pytest.mark.parametrize(
    "text",
    [
        "One half is 55671446. The other is 32135455.",
        "card prices 5567, 1446, 3213 and 5454",
        "the card shows 2024, 2025, 2026 and 2027",
        "IBAN DE88 and 2735, 2925, 1527, 1804, 55",
    ],
)
def test_without_its_word_or_check_digits_it_is_none(text: str) -> None:
    assert found(text) == []
