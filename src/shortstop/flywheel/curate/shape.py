"""Answers that are not of the form that their task's answers have: refusals, broken JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from shortstop.flywheel.examples import Example
from shortstop.flywheel.shapes import LABEL_WORDS

MOST = 0.6
"""Share of a task's answers that must have a form for the others to be out of it."""


def of_one_form(examples: Sequence[Example]) -> list[Example]:
    """Those whose answer has the form that most have, JSON objects or short labels; all of them,
    where most have none. What a person answered always stays."""
    answers = [example.answer for example in examples]
    counts = Counter(answers)
    if sum(map(_is_object, answers)) >= MOST * len(answers):
        return [e for e in examples if e.gold or _is_object(e.answer)]
    closed = sum(counts[a] > 1 and _is_short(a) for a in answers)
    if closed >= MOST * len(answers):
        return [e for e in examples if e.gold or _is_short(e.answer)]
    return list(examples)


def _is_object(answer: str) -> bool:
    if not answer.lstrip().startswith("{"):
        return False
    try:
        return isinstance(msgspec.json.decode(answer.encode("utf-8", "surrogatepass")), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _is_short(answer: str) -> bool:
    return len(answer.split()) <= LABEL_WORDS
