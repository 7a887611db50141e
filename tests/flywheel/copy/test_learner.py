"""A copied field is learned from its places, and what cannot be copied says why."""

from __future__ import annotations

from typing import Any

import pytest

from shortstop.flywheel.copy.learner import CopyLearner, NotCopied
from shortstop.specialists.composed.field import MISSING
from shortstop.specialists.copy.page import Page
from tests.flywheel.papers import receipts

for library in ("pycrfsuite", "rapidfuzz"):
    pytest.importorskip(library, reason="needs the extra [learn]")
TEXTS, ANSWERS = receipts(60)
PAGES = [Page(text) for text in TEXTS]


def test_it_reads_what_it_has_not_seen() -> None:
    shop = CopyLearner("shop", PAGES, [a["shop"] for a in ANSWERS]).fit(range(40))
    assert len(shop.taggers) == 1
    for page, answer in zip(PAGES[40:], ANSWERS[40:], strict=True):
        opinion = shop.read(page)
        assert opinion is not None
        assert (opinion.value, opinion.known) == (answer["shop"], True)


def test_where_values_repeat_a_second_tagger_learns_which_place_it_is() -> None:
    texts = [f"{t}\nCASH {a['total']}" for t, a in zip(TEXTS, ANSWERS, strict=True)]
    texts[30:] = TEXTS[30:]
    pages = [Page(text) for text in texts]
    total = CopyLearner("total", pages, [a["total"] for a in ANSWERS]).fit(range(60))
    assert len(total.taggers) == 2
    opinion = total.read(pages[0])
    assert opinion is not None
    assert opinion.value == ANSWERS[0]["total"]
    assert not total.rules.memory.values


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([{"deep": 1}] * 60, "not always a text"),
        ([True] * 60, "not always a text"),
        ([MISSING] * 50 + ["ACME"] * 10, "hardly ever"),
        (["of my own making"] * 60, "stands in 0%"),
    ],
)
def test_what_cannot_be_copied_says_why(values: list[Any], why: str) -> None:
    with pytest.raises(NotCopied, match=why):
        CopyLearner("x", PAGES, values)


def test_the_usual_spelling_of_nothing_is_learned() -> None:
    values = [None if i % 2 else a["shop"] for i, a in enumerate(ANSWERS)]
    assert CopyLearner("shop", PAGES, values).fit(range(60)).rules.absent == "null"
    assert CopyLearner("shop", PAGES, [v or MISSING for v in values]).fit([]).rules.absent == ""


def test_a_single_slip_makes_no_field_optional() -> None:
    values = ["" if not i else a["shop"] for i, a in enumerate(ANSWERS * 2)]
    assert CopyLearner("shop", PAGES * 2, values).fit([]).rules.absent is None
