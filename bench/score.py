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


def label(said: str, gold: str) -> bool:
    return said.strip().strip(".\"'`*").lower() == gold.lower()


def fields(said: str, gold: dict[str, str]) -> bool:
    """All fields, letters, digits and dots compared in lower case."""
    try:
        found = json.loads(said)
    except ValueError:
        return False
    return isinstance(found, dict) and all(_bare(found.get(k)) == _bare(v) for k, v in gold.items())


def _bare(value: Any) -> str:
    return re.sub(r"[^a-z0-9.]", "", str(value).lower())


def contained(said: str, gold: str) -> bool:
    """The answer opens with the passage's own first sentence, or lies in it word for word."""
    words = _WORD.findall(said.lower())
    return len(words) >= 4 and " ".join(words) in " ".join(_WORD.findall(gold.lower()))


def rouge(said: str, gold: str) -> bool:
    return rouge_l(said, gold) >= ROUGE_BAR


def rouge_l(said: str, gold: str) -> float:
    """F1 of the longest common subsequence of words (Lin 2004)."""
    a, b = _WORD.findall(said.lower()), _WORD.findall(gold.lower())
    if not a or not b:
        return 0.0
    row = [0] * (len(b) + 1)
    for word in a:
        last = 0
        for j, other in enumerate(b, start=1):
            last, row[j] = row[j], last + 1 if word == other else max(row[j], row[j - 1])
    common = row[-1]
    return 2 * common / (len(a) + len(b))


def number(said: str, gold: str) -> bool:
    found = _NUMBER.findall(said)
    return bool(found) and float(found[-1].replace(",", "")) == float(gold)


def call(said: str, gold: dict[str, dict[str, list[Any]]]) -> bool:
    """`said` is the JSON of {name, arguments}; every argument must be among the accepted values."""
    try:
        made = json.loads(said)
        given = json.loads(made["arguments"])
    except (ValueError, KeyError, TypeError):
        return False
    (name, accepted) = next(iter(gold.items()))
    required = {k for k, values in accepted.items() if "" not in values}
    return bool(
        made["name"] == name
        and required <= set(given)
        and all(k in accepted and v in accepted[k] for k, v in given.items())
    )


CHECKS: dict[str, Callable[[str, Any], bool]] = {
    "label": label,
    "fields": fields,
    "contained": contained,
    "rouge": rouge,
    "number": number,
    "call": call,
}
