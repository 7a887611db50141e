"""Which fields were read rightly where the teacher says otherwise.

A judge sees the teacher's answer beside the same one with that field alone as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from shortstop.flywheel.appeal import Case, Claim, settled, worth
from shortstop.flywheel.composed.corpus import Corpus
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import Recipe
from shortstop.specialists import json_object
from shortstop.specialists.composed.composed import Read
from shortstop.specialists.composed.field import MISSING, FieldOpinion


def ruled(
    corpus: Corpus,
    strata: Sequence[str],
    read: Sequence[Read],
    good: Sequence[Mapping[str, float]],
    recipe: Recipe,
) -> list[dict[str, float]]:
    """How far each opinion is right, in [0, 1]: `good` says which are the teacher's; those that
    could decide a level of a field, or of whole answers, are ruled on."""
    umpire, target = recipe.umpire, recipe.target
    cases = [_cases(*row) for row in zip(corpus.rows, read, good, strict=True)]
    for stratum in sorted(set(strata)):
        rows = [row for row, name in enumerate(strata) if name == stratum]
        for name in corpus.names:
            told = [(one, row) for row in rows if (one := read[row].get(name)) is not None]
            settled(
                [one.confidence for one, _ in told],
                [cases[row][name] for _, row in told],
                (1 + target) / 2,
                umpire,
            )
        whole = [row for row in rows if len(cases[row]) == len(corpus.names)]
        settled(
            [prod(one.confidence for one in read[row].values() if one) for row in whole],
            [[claim for case in cases[row].values() for claim in case or ()] for row in whole],
            target,
            umpire,
        )
    return [
        {name: worth(case[name], umpire) if name in case else 0.0 for name in corpus.names}
        for case in cases
    ]


def _cases(row: Example, read: Read, good: Mapping[str, float]) -> dict[str, Case]:
    """By field, where there is an opinion of it."""
    return {
        name: () if good[name] else (Claim(row, _with(row.answer, name, one)),)
        for name, one in read.items()
        if one is not None
    }


def _with(answer: str, name: str, opinion: FieldOpinion) -> str:
    """The answer with this field as it was read."""
    whole = json_object.read(answer)
    if whole is None:
        return answer
    fields = {**whole.fields, name: opinion.value}
    return json_object.write({n: v for n, v in fields.items() if v is not MISSING}, whole.style)
