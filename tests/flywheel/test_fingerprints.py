"""Which examples are the same, and how a set of them is named."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import data_hash, distinct, fingerprint
from tests.flywheel.traffic import example

WORDS = ["card", "Card!", "  CARD", "loan", "loan?", "fees", "a fee", "b", "c", "d", "e"]
ROWS = st.lists(st.tuples(st.sampled_from(WORDS), st.booleans()), max_size=40)


def rows(drawn: list[tuple[str, bool]]) -> list[Example]:
    return [example(i, text, f"a{i}", gold=gold) for i, (text, gold) in enumerate(drawn)]


@given(ROWS)
def test_of_each_text_the_newest_is_kept_and_a_person_s_answer_first(
    drawn: list[tuple[str, bool]],
) -> None:
    given_rows = rows(drawn)
    kept = distinct(given_rows)
    assert len({fingerprint(one) for one in kept}) == len(kept)
    for one in kept:
        same = [other for other in given_rows if fingerprint(other) == fingerprint(one)]
        assert one.gold or not any(other.gold for other in same)
        assert one.at == max(other.at for other in same if other.gold == one.gold)


def test_a_training_set_is_named_by_what_it_holds() -> None:
    some = [example(i, f"text {i}", "x") for i in range(5)]
    assert data_hash(some) == data_hash(some[::-1])
    assert data_hash(some) != data_hash(some[:4])
    assert data_hash(some) != data_hash([*some[:4], example(4, "text 4", "y")])
