"""What counts as right: an answer, as a client sees it, against a reference of its kind.

An answer is text; where tools were called it is the JSON list of {name: arguments}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

ROUGE_BAR = 0.3
"""A summary counts as right from this ROUGE-L F1 on: a regression bar, not a judge."""

_WORD = re.compile(r"\w+")


def label(answer: str, gold: str) -> bool:
    """The bare label, or the single value of a JSON object."""
    parsed = parse(answer)
    if isinstance(parsed, dict) and len(parsed) == 1:
        answer = str(next(iter(parsed.values())))
    return answer.strip().strip(".\"'`*").lower() == gold.lower()


def extract(answer: str, gold: dict[str, Any]) -> bool:
    """All fields and no others, compared as `field` does."""
    said = parse(answer)
    if not isinstance(said, dict):
        return False
    return all(field(said.get(k), gold.get(k)) for k in said.keys() | gold.keys())


def field(said: Any, gold: Any) -> bool:
    """Letters, digits and dots alone, in lower case; nothing is the same as not there."""
    return _bare(said) == _bare(gold)


def _bare(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "|".join(sorted(map(_bare, value)))
    return "".join(c for c in str(value).lower() if c.isalnum() or c == ".")


def same_words(answer: str, gold: str) -> bool:
    """The same words in the same order."""
    return _WORD.findall(answer.lower()) == _WORD.findall(gold.lower())


def calls(answer: str, gold: list[dict[str, dict[str, list[Any]]]]) -> bool:
    """Every call is one of the accepted ones and none is missing; without any: words alone."""
    said = parse(answer)
    made = said if isinstance(said, list) else []
    if len(made) != len(gold):
        return False
    left = list(gold)
    for call in made:
        match = next((accepted for accepted in left if _fits(call, accepted)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _fits(call: Any, accepted: dict[str, dict[str, list[Any]]]) -> bool:
    if not isinstance(call, dict) or call.keys() != accepted.keys():
        return False
    (name, values) = next(iter(accepted.items()))
    arguments = call[name]
    if not isinstance(arguments, dict) or not arguments.keys() <= values.keys():
        return False
    required = {k for k, allowed in values.items() if "" not in allowed}
    return required <= arguments.keys() and all(
        any(_same(v, one) for one in values[k]) for k, v in arguments.items()
    )


def _same(said: Any, one: Any) -> bool:
    if isinstance(said, str) and isinstance(one, str):
        return _WORD.findall(said.lower()) == _WORD.findall(one.lower())
    if isinstance(said, dict) and isinstance(one, dict):
        return said.keys() <= one.keys() and all(
            any(_same(v, allowed) for allowed in _several(one[k])) for k, v in said.items()
        )
    if isinstance(said, list) and isinstance(one, list):
        return len(said) == len(one) and all(map(_same, said, one))
    return bool(said == one)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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
    return 2 * row[-1] / (len(a) + len(b))


def maths(answer: str, gold: list[str]) -> bool:
    """One of the reference answers ends the text."""
    end = re.sub(r"\s|\$|\\boxed|[{}.]", "", answer[-400:])
    return any(end.endswith(re.sub(r"\s|\$|[{}.]", "", str(one))) for one in gold)


def parse(text: str) -> Any:
    """The JSON that a text is, fences left out; None for anything else."""
    bare = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip())
    try:
        return json.loads(bare)
    except ValueError:
        return None


CHECKS: dict[str, Callable[[str, Any], bool]] = {
    "label": label,
    "extract": extract,
    "same": same_words,
    "calls": calls,
    "rouge": rouge,
    "maths": maths,
}
