"""How the demo's answers are scored against gold. Each check: answer in, right or wrong out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

ROUGE_BAR = 0.3
"""A summary counts as right from this ROUGE-L F1 on: a regression bar, not a judge."""

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[a-z0-9]+")


def label(answer: str, gold: str) -> bool:
    return answer.strip().strip(".\"'`*").lower() == gold.lower()


def fields(answer: str, gold: dict[str, str]) -> bool:
    """All fields, letters, digits and dots compared in lower case."""
    try:
        value = json.loads(answer)
    except ValueError:
        return False
    return isinstance(value, dict) and all(_bare(value.get(k)) == _bare(v) for k, v in gold.items())


def _bare(value: Any) -> str:
    return re.sub(r"[^a-z0-9.]", "", str(value).lower())


def contained(answer: str, gold: str) -> bool:
    """The answer opens with the passage's own first sentence, or lies in it word for word."""
    words = _WORD.findall(answer.lower())
    return len(words) >= 4 and " ".join(words) in " ".join(_WORD.findall(gold.lower()))


def rouge(answer: str, gold: str) -> bool:
    return rouge_l(answer, gold) >= ROUGE_BAR


def rouge_l(answer: str, gold: str) -> float:
    """F1 of the longest common subsequence of words (Lin 2004)."""
    a, b = _WORD.findall(answer.lower()), _WORD.findall(gold.lower())
    if not a or not b:
        return 0.0
    row = [0] * (len(b) + 1)
    for word in a:
        last = 0
        for j, other in enumerate(b, start=1):
            last, row[j] = row[j], last + 1 if word == other else max(row[j], row[j - 1])
    common = row[-1]
    return 2 * common / (len(a) + len(b))


def number(answer: str, gold: str) -> bool:
    """The last number of the answer counts."""
    numbers = _NUMBER.findall(answer)
    return bool(numbers) and float(numbers[-1].replace(",", "")) == float(gold)


def call(answer: str, gold: dict[str, dict[str, list[Any]]]) -> bool:
    """`answer` is the JSON of {name, arguments}; every argument must have an accepted value."""
    try:
        tool_call = json.loads(answer)
        arguments = json.loads(tool_call["arguments"])
    except (ValueError, KeyError, TypeError):
        return False
    (name, accepted) = next(iter(gold.items()))
    required = {k for k, values in accepted.items() if "" not in values}
    return bool(
        tool_call["name"] == name
        and required <= set(arguments)
        and all(k in accepted and v in accepted[k] for k, v in arguments.items())
    )


CHECKS: dict[str, Callable[[str, Any], bool]] = {
    "label": label,
    "fields": fields,
    "contained": contained,
    "rouge": rouge,
    "number": number,
    "call": call,
}
