"""Slots of short utterances in two languages: known wordings are read, new ones are told apart."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shortstop.flywheel.composed.trainer import ComposedTrainer
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import Made, Recipe
from shortstop.routing import grade
from shortstop.specialists.query import Query
from tests.flywheel.traffic import example

for library in ("pycrfsuite", "rapidfuzz"):
    pytest.importorskip(library, reason="needs the extra [learn]")
NAMES = [
    "João Conceição",
    "Ana Luísa Prado",
    "Bruno Sá",
    "Mary Ann Poole",
    "Otto Weiß",
    "Zoë Quinn",
    "Inês d'Eça",
]
KNOWN = (
    "transfere {sum} euros para {name}",
    "por favor manda {sum} euros a {name} amanhã",
    "o {name} deve receber {sum} euros",
    "send {sum} euros to {name} please",
    "{name} wants {sum} euros from me",
    "could you pay {name} the {sum} euros I owe",
)
NEW = (
    "ninguém sabe se {name} já viu os {sum} livros da biblioteca antiga",
    "the quartet that {name} joined after {sum} rehearsals plays tonight",
)


def utterances(wordings: tuple[str, ...], n: int, seed: int) -> list[Example]:
    draws = np.random.default_rng(seed)
    out = []
    for i in range(n):
        name = NAMES[draws.integers(len(NAMES))] + (f" {chr(65 + draws.integers(26))}" * (i % 2))
        slots = {"name": name, "sum": str(draws.integers(10, 9999))}
        text = wordings[draws.integers(len(wordings))].format(**slots)
        out.append(example(i, text, json.dumps(slots, ensure_ascii=False)))
    return out


def exactly(answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)


@pytest.fixture(scope="module")
def made() -> Made:
    return ComposedTrainer().train(utterances(KNOWN, 150, 0), Recipe(0.9, None, now=1.0))


def test_known_wordings_are_served_and_right(made: Made) -> None:
    gate = calibrated(made, exactly, 0.9)
    rows = utterances(KNOWN, 40, 1)
    opinions = made.specialist.opine([row.query for row in rows])
    pairs = zip(rows, opinions, strict=True)
    served = [(row, o) for row, o in pairs if o is not None and not o.unsure and gate.serves(o)]
    assert len(served) > 25
    assert sum(exactly(o.answer, row) for row, o in served) >= 0.95 * len(served)


def test_new_wordings_are_unlike_all_known_ones(made: Made) -> None:
    known, new = (
        [o.similarity for o in made.specialist.opine([r.query for r in rows]) if o is not None]
        for rows in (utterances(KNOWN, 20, 2), utterances(NEW, 20, 3))
    )
    assert min(known) > 0.8
    assert max(new) < 0.7


def test_what_was_held_out_by_wording_is_told(made: Made) -> None:
    assert len(made.unseen) == len(made.held_out) == 150
    seen = np.mean([o.similarity for _, o in made.held_out if o is not None])
    unseen = np.mean([o.similarity for _, o in made.unseen if o is not None])
    assert seen > 0.9 > unseen
    assert made.specialist.opine([Query("")]) == [None]
