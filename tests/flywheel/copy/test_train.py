"""An extractor learns to copy, says what it cannot copy, and is sure of what it has seen."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from shortstop.flywheel.copy.train import Answer, HeldOutFields, NotCopyable, key_field, train_copy
from shortstop.specialists.copy.extractor import CopyExtractor

Trained = tuple[CopyExtractor, HeldOutFields]
SHOPS = ["ACME SDN BHD", "BLUE MART", "CITY BOOKS LTD", "DELTA FUEL", "EAST END CAFE"]
pytest.importorskip("pycrfsuite", reason="needs the extra [learn]")


def receipts(n: int, seed: int = 0) -> tuple[list[str], list[Answer]]:
    draws = np.random.default_rng(seed)
    texts, answers = [], []
    for number in range(n):
        shop = SHOPS[draws.integers(len(SHOPS))]
        total = f"{draws.integers(1, 90)}.{draws.integers(10, 99)}"
        day = f"{draws.integers(10, 28)}/{draws.integers(10, 12)}/20{draws.integers(10, 25)}"
        texts.append(
            f"{shop}\nINVOICE NO {1000 + number}\nDATE: {day}\nITEM 1 3.20\nTOTAL RM {total}\nBYE"
        )
        answers.append({"shop": shop, "date": day, "total": total})
    return texts, answers


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train_copy(*receipts(60))


def test_it_copies_what_it_has_not_seen(trained: Trained) -> None:
    extractor, _ = trained
    texts, answers = receipts(30, seed=1)
    right = 0
    for text, answer in zip(texts, answers, strict=True):
        opinion = extractor.answer(text)
        right += opinion is not None and msgspec.json.decode(opinion.answer) == answer
    assert right >= 28


def test_its_held_out_opinions_are_about_every_row(
    trained: Trained,
) -> None:
    _, held = trained
    assert len(held.fields) == 60
    assert all(set(read) == {"shop", "date", "total"} for read in held.fields)


def test_a_new_shop_is_a_new_layout(trained: Trained) -> None:
    extractor, _ = trained
    text = receipts(1)[0][0]
    known = extractor.answer(text)
    other = extractor.answer(text.replace(text.split("\n")[0], "ZETA TOOLS"))
    assert known is not None
    assert known.stratum == "known"
    assert other is None or other.stratum == "new"


def test_an_empty_text_and_one_without_values_get_no_answer(
    trained: Trained,
) -> None:
    extractor, _ = trained
    assert extractor.answer("") is None
    assert extractor.answer("x " * 5000) is None


def test_a_field_that_does_not_stand_in_the_text_is_named() -> None:
    texts, answers = receipts(20)
    with pytest.raises(NotCopyable) as caught:
        train_copy(texts, [{**answer, "mood": "happy"} for answer in answers])
    assert caught.value.shares == {"mood": 0.0}


def test_the_key_is_the_wordy_field_that_repeats() -> None:
    _, answers = receipts(40)
    values = {name: [str(a[name]) for a in answers] for name in answers[0]}
    assert key_field(values) == "shop"
    assert key_field({"date": values["date"], "total": values["total"]}) is None
    assert key_field({"shop": [f"shop {i}" for i in range(40)]}) is None
