"""What was asked before is answered as before; anything else is left alone."""

from __future__ import annotations

import pytest

from shortstop.errors import StoreError
from shortstop.specialists.about import ABOUT
from shortstop.specialists.query import Query
from shortstop.specialists.repeats.files import dump_repeats, load_repeats
from shortstop.specialists.repeats.repeats import EXACT, NEAR, Repeats, VettedAnswers

ANSWERS = {
    "What are your opening hours on weekdays?": "From 9 to 17.",
    "How do I cancel my order with express delivery?": "Under Orders.",
    "How much is the delivery to Porto for 2 kg?": "7 euros.",
}
VETTED = VettedAnswers(ANSWERS, frozenset({"exactly", "really", "your", "my"}))


def test_word_for_word_and_nearly() -> None:
    exact = VETTED.find("what are your opening hours on weekdays")
    assert exact is not None
    assert (exact.answer, exact.stratum) == ("From 9 to 17.", EXACT)
    near = VETTED.find("What exactly are your opening hours on weekdays?")
    assert near is not None
    assert (near.answer, near.stratum) == ("From 9 to 17.", NEAR)
    assert near.confidence < 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "How do I not cancel my order with express delivery?",
        "How much is the delivery to Porto for 3 kg?",
        "How much is the delivery to Faro for 2 kg?",
        "What are your opening hours on sundays?",
        "something else altogether",
        "\ud800",
    ],
)
def test_another_request_is_left_alone(text: str) -> None:
    assert Repeats(VETTED).opine([Query(text)]) == [None]


def test_the_turns_before_count() -> None:
    asked = Query("What are your opening hours on weekdays?", before="user: and in Rome?")
    assert Repeats(VETTED).opine([asked]) == [None]


def test_they_travel() -> None:
    files = dump_repeats(VETTED)
    again = load_repeats(files)
    assert again.answers == VETTED.answers
    assert again.idle == VETTED.idle
    with pytest.raises(StoreError):
        load_repeats({ABOUT: b"{}"})


def test_nothing_is_known_of_no_answers() -> None:
    assert VettedAnswers({}, frozenset()).find("anything") is None
