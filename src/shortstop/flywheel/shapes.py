"""What a task's answers look like: labels, flat JSON, or prose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Shape = Literal["labels", "fields", "prose"]
Scalar = str | int | float

LABEL_WORDS = 8
LABEL_SHARE = 0.9
"""Of the answers that must be short and given more than once."""
FIELD_SHARE = 0.95
"""Of the answers that must be flat JSON with the same fields."""


def shape_of(answers: Sequence[str]) -> Shape:
    if len(_with_common_fields(answers)) >= FIELD_SHARE * max(len(answers), 1):
        return "fields"
    counts = Counter(answers)
    closed = [a for a in answers if counts[a] > 1 and len(a.split()) <= LABEL_WORDS]
    return "labels" if len(closed) >= LABEL_SHARE * max(len(answers), 1) else "prose"


def fields(answer: str) -> Mapping[str, Scalar] | None:
    """A flat JSON object of strings and numbers; None for anything else."""
    try:
        tree = msgspec.json.decode(answer.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(tree, dict) or not tree:
        return None
    flat = all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in tree.values())
    return tree if flat else None


def _with_common_fields(answers: Sequence[str]) -> list[Mapping[str, Scalar]]:
    """The answers that are flat JSON with the fields that most of these have."""
    trees = [tree for tree in map(fields, answers) if tree is not None]
    names = Counter(tuple(sorted(tree)) for tree in trees)
    if not names:
        return []
    common = names.most_common(1)[0][0]
    return [tree for tree in trees if tuple(sorted(tree)) == common]
