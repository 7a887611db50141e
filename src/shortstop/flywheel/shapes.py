"""What a task's answers look like: labels, flat JSON, or prose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from shortstop.routing.graders import plain

Shape = Literal["labels", "fields", "prose"]
Scalar = str | int | float

LABEL_WORDS = 8
LABEL_SHARE = 0.9
"""Of the answers that must be short and given more than once."""
FIELD_SHARE = 0.95
"""Of the answers that must be flat JSON with the same fields."""
CONSTANT_SHARE = 0.99
"""Of the answers in which a field must have one value to be a constant."""


def shape_of(answers: Sequence[str]) -> Shape:
    if len(_with_common_fields(answers)) >= FIELD_SHARE * max(len(answers), 1):
        return "fields"
    counts = Counter(answers)
    closed = [a for a in answers if counts[a] > 1 and len(a.split()) <= LABEL_WORDS]
    return "labels" if len(closed) >= LABEL_SHARE * max(len(answers), 1) else "prose"


def fields(answer: str) -> Mapping[str, Scalar] | None:
    """A flat JSON object of strings and numbers; None for anything else."""
    tree = _object(answer)
    if tree is None:
        return None
    flat = all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in tree.values())
    return tree if flat else None


def closed_answers(answers: Sequence[str]) -> list[str | None] | None:
    """Each answer as it is mostly spelled, where they are a closed set: short labels, which are the
    same whatever their case and closing punctuation, or JSON objects that differ in one such field
    alone. None for a single one that is none of them, and
    None for all where too few are given more than once."""
    keys = _fields_that_vary(answers) or [plain(a) or a.strip() for a in answers]
    counts = Counter(key for key in keys if key is not None)
    closed = {key for key, n in counts.items() if n > 1 and len(key.split()) <= LABEL_WORDS}
    if sum(counts[key] for key in closed) < LABEL_SHARE * max(len(answers), 1):
        return None
    spellings: dict[str, Counter[str]] = {}
    for key, answer in zip(keys, answers, strict=True):
        if key in closed:
            spellings.setdefault(key, Counter())[answer.strip()] += 1
    return [spellings[key].most_common(1)[0][0] if key in closed else None for key in keys]


def _fields_that_vary(answers: Sequence[str]) -> list[str | None] | None:
    """The value of the one field in which JSON objects differ, as JSON; None for an answer that is
    otherwise than most, and None for all where they are no objects or differ in more."""
    trees = [_object(answer) for answer in answers]
    names = Counter(tuple(sorted(tree)) for tree in trees if tree is not None)
    if not names or names.total() < FIELD_SHARE * len(answers):
        return None
    common = names.most_common(1)[0][0]
    spelled = [
        {name: msgspec.json.encode(tree[name]).decode() for name in common}
        if tree is not None and tuple(sorted(tree)) == common
        else None
        for tree in trees
    ]
    told = [one for one in spelled if one is not None]
    usual = {name: Counter(one[name] for one in told).most_common(1)[0] for name in common}
    vary = [name for name, (_, n) in usual.items() if n < CONSTANT_SHARE * len(told)]
    if len(vary) != 1:
        return None
    return [
        one[vary[0]]
        if one is not None and all(one[n] == usual[n][0] for n in common if n != vary[0])
        else None
        for one in spelled
    ]


def _object(answer: str) -> dict[str, Any] | None:
    try:
        tree = msgspec.json.decode(answer.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return tree if isinstance(tree, dict) and tree else None


def _with_common_fields(answers: Sequence[str]) -> list[Mapping[str, Scalar]]:
    """The answers that are flat JSON with the fields that most of these have."""
    trees = [tree for tree in map(fields, answers) if tree is not None]
    names = Counter(tuple(sorted(tree)) for tree in trees)
    if not names:
        return []
    common = names.most_common(1)[0][0]
    return [tree for tree in trees if tuple(sorted(tree)) == common]
