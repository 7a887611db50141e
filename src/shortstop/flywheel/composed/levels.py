"""From which confidence on a whole answer, or a field of it, is sure: from opinions out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from msgspec.structs import replace

from shortstop.flywheel.thresholds import threshold
from shortstop.specialists.composed.composed import AnswerLayout, Levels, Read

Pairs = dict[str, tuple[list[float], list[float]]]
"""Confidences and how far they were right, by stratum."""


def with_levels(
    plan: AnswerLayout, read: Sequence[Read], right: Sequence[Mapping[str, float]], target: float
) -> AnswerLayout:
    """`read` are the fields' opinions about each row, `right` how far they are, in [0, 1]. A field
    must be right more often than a whole answer, half as often wrong: it will not be the only one.
    """
    whole: Pairs = {}
    fields: dict[str, Pairs] = {name: {} for name in plan.names}
    for one, good in zip(read, right, strict=True):
        stratum = plan.stratum(one)
        for name in plan.names:
            opinion = one.get(name)
            if opinion is not None:
                _note(fields[name], stratum, opinion.confidence, good[name])
        opinions = [opinion for opinion in one.values() if opinion is not None]
        if len(opinions) == len(plan.names):
            confidence = prod(opinion.confidence for opinion in opinions)
            _note(whole, stratum, confidence, prod(good.values()))
    strata = {stratum for pairs in fields.values() for stratum in pairs}
    levels = Levels(
        {stratum: threshold(*pairs, target) for stratum, pairs in whole.items()},
        {
            stratum: {
                name: threshold(*pairs[stratum], (1 + target) / 2)
                for name, pairs in fields.items()
                if stratum in pairs
            }
            for stratum in strata
        },
    )
    return replace(plan, levels=levels)


def _note(pairs: Pairs, stratum: str, confidence: float, good: float) -> None:
    confidences, goods = pairs.setdefault(stratum, ([], []))
    confidences.append(confidence)
    goods.append(good)
