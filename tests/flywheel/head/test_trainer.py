"""Label heads leave alone what they have never met, also where there are but two labels."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.flywheel.examine import calibrated, served
from shortstop.flywheel.examples import Example
from shortstop.flywheel.head.trainer import HeadTrainer
from shortstop.flywheel.trainer import Made, Recipe
from tests.flywheel.traffic import WordEncoder, example, mails

pytest.importorskip("sklearn", reason="needs the extra [learn]")
STRANGE = [
    "", "?", "wo ist mein paket", "asdf qwer zxcv", "x" * 10_000, "poems about lamps " * 900,
    "a ticket to the opera", "who is mister 7", "of what is a lamp made", "my dog is lost",
]  # fmt: skip


def learned(rows: list[Example]) -> Made:
    return HeadTrainer().train(rows, Recipe(0.95, WordEncoder(), now=1.0))


def exactly(answer: str, row: Example) -> float:
    return float(answer == row.answer)


def answers(made: Made, texts: list[str]) -> list[str | None]:
    rows = [example(n, text, "") for n, text in enumerate(texts)]
    return served(made.specialist, calibrated(made, exactly, 0.95), rows)


@pytest.mark.parametrize("labels", [2, 3])
def test_what_was_never_met_is_left_alone(labels: int) -> None:
    topics = ["card", "loan", "fees"][:labels]
    made = learned([row for row in mails(900, noise=0.02) if row.answer in topics])
    assert made.blind == (labels == 2), "of two labels none can be held out whole"
    assert answers(made, STRANGE) == [None] * len(STRANGE)
    fresh = [row for row in mails(300, seed=9) if row.answer in topics]
    told = served(made.specialist, calibrated(made, exactly, 0.95), fresh)
    assert np.mean([answer is not None for answer in told]) > 0.9
    pairs = zip(told, fresh, strict=True)
    assert all(answer in (None, row.answer) for answer, row in pairs)
