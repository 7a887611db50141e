"""How far answers agree: by what they come to, however it is said."""

from __future__ import annotations

import pytest

from shortstop.routing import packaged
from shortstop.routing.agreement import agreed, final_answer, heard


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ('{"reasoning": "2 + 2", "answer": "4"}', "4"),
        ('{"answer": 4}', "4"),
        ("So we get $x = 3$. The result is \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("Let me think.\nThe answer is **Paris**.", "Paris"),
        ("First this.\n\nThen that: 17\n", "Then that: 17"),
        ("", ""),
    ],
)
def test_what_an_answer_comes_to(text: str, end: str) -> None:
    assert final_answer(text) == end


@pytest.mark.parametrize(
    ("kind", "one", "other", "agreement"),
    [
        (None, "The answer is $18.", "Janet earns 18 dollars.\nAnswer: 18.00", 1),
        (None, "The answer is 18", "The answer is 19", 0),
        (None, '{"answer": "[(4, 1), (2, 3)]"}', "Output: [(4,1),(2,3)]", 1),
        (None, '{"answer": "[(4, 1), (2, 3)]"}', "Output: [(4,1),(3,3)]", 0),
        (None, "Paris", "paris.", 1),
        (None, "", "", 0),
        ("json", '{"a": 1, "b": 2}', '{"a": 1, "b": 3}', 1 / 2),
        ("numeric", "about 7", "it is 7", 1),
        ("judge", "yes", "yes", 1),
    ],
)
def test_agreement(kind: str | None, one: str, other: str, agreement: float) -> None:
    assert agreed(kind, one, other) == pytest.approx(agreement)


def test_several_helpers_are_heard_apart_and_among_themselves() -> None:
    embedder = packaged().embedder
    agreement, helpers = heard(None, "It is red", ["It is blue", "It is blue"], embedder)
    assert (agreement, helpers.consensus, helpers.chars) == (0.0, 1.0, 10)
    _, alone = heard(None, "It is red", ["It is blue"], embedder)
    assert alone.consensus is None
    same, like = heard(None, "The shop opens at nine.", ["The shop opens at nine."], embedder)
    far, unlike = heard(None, "The shop opens at nine.", ["Tax is due in May."], embedder)
    assert (same, far) == (1.0, 0.0)
    assert like.likeness > unlike.likeness
