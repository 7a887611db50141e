"""How good an answer is compared with a reference: 0 wrong to 1 as good. One function a kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from math import isinf, sqrt

import msgspec

from shortstop.routing.embed import Embedder

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_FENCE = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")
TOLERANCE = 1e-6
"""Relative difference up to which two numbers are the same."""
LARGEST = 2**1023
"""Integers from here on do not fit a float; they are compared digit by digit."""
MAX_LABEL_WORDS = 5
"""Words of a reference up to which it is a label, to be met exactly."""
PHRASE_WORDS = 4
"""Words of a text in JSON from which on blanks and marks between them are no difference: an address
is copied with its line breaks or with commas."""


def exact(answer: str, reference: str) -> float:
    """1 if equal up to case, spaces and closing punctuation."""
    return float(plain(answer) == plain(reference))


def numeric(answer: str, reference: str) -> float:
    """1 if the last number of both is the same; `exact` where one has none."""
    given, wanted = _last_number(answer), _last_number(reference)
    if given is None or wanted is None:
        return exact(answer, reference)
    if isinf(given) or isinf(wanted):
        return exact(_NUMBER.findall(answer)[-1], _NUMBER.findall(reference)[-1])
    return float(abs(given - wanted) <= TOLERANCE * max(1.0, abs(wanted)))


def fields(answer: str, reference: str) -> float:
    """Share of the reference's JSON leaves that the answer has; surplus leaves count against it."""
    given, wanted = _json(answer), _json(reference)
    if wanted is None:
        return exact(answer, reference)
    if given is None:
        return 0.0
    have, want = Counter(_leaves(given)), Counter(_leaves(wanted))
    shared = sum((have & want).values())
    whole = max(sum(have.values()), sum(want.values()))
    return shared / whole if whole else 1.0


def similar(answer: str, reference: str, embedder: Embedder | None = None) -> float:
    """Word overlap (shared unigrams over the geometric mean of both lengths), averaged with the
    embeddings' cosine where an embedder is given."""
    overlap = _overlap(answer, reference)
    if embedder is None:
        return overlap
    cosine = float(embedder.embed(answer) @ embedder.embed(reference))
    return 0.5 * overlap + 0.5 * max(0.0, cosine)


GRADERS: Mapping[str, Callable[[str, str], float]] = {
    "exact": exact,
    "numeric": numeric,
    "json": fields,
    "similar": similar,
}
"""By the name in `[tasks.NAME] grader`. Grades of "judge" and "human" come from outside."""


def grader_for(kind: str | None, reference: str) -> str:
    """The key in GRADERS: `kind` if it is one, else by the reference's shape."""
    if kind is not None and kind in GRADERS:
        return kind
    if _json(reference) is not None and reference.strip()[:1] in "{[":
        return "json"
    return "exact" if len(_WORD.findall(reference)) <= MAX_LABEL_WORDS else "similar"


def grade(kind: str | None, answer: str, reference: str) -> float:
    """The answer's grade in [0, 1] by the grader `kind`, else by the one for the reference's
    shape: JSON, a short label, or else prose."""
    return GRADERS[grader_for(kind, reference)](answer, reference)


def plain(text: str) -> str:
    """A label as it is compared: without case, spaces about it and closing punctuation."""
    return _SPACE.sub(" ", text).strip().strip(".!\"'` ").lower()


def _last_number(text: str) -> float | None:
    numbers = _NUMBER.findall(text)
    return float(numbers[-1].replace(",", "")) if numbers else None


def _json(text: str) -> object | None:
    """None for what is no JSON, or is nested deeper than can be read."""
    try:
        value: object = msgspec.json.decode(_FENCE.sub("", text).encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value


def _leaves(tree: object) -> list[str]:
    """Every leaf with its path, in any order, however deep."""
    leaves, rest = [], [("", tree)]
    while rest:
        path, value = rest.pop()
        if isinstance(value, dict):
            rest += [(f"{path}/{k}", v) for k, v in value.items()]
        elif isinstance(value, list):
            rest += [(f"{path}/*", v) for v in value]
        else:
            leaves.append(f"{path}={_leaf(value)}")
    return leaves


def _leaf(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _phrase(plain(str(value)))
    return f"{value:.9g}" if abs(value) < LARGEST else str(value)


def _phrase(text: str) -> str:
    """Letters, digits and dots alone where it has several words."""
    if len(_WORD.findall(text)) < PHRASE_WORDS:
        return text
    return "".join(c for c in text if c.isalnum() or c == ".")


def _overlap(answer: str, reference: str) -> float:
    have = Counter(_WORD.findall(answer.lower()))
    want = Counter(_WORD.findall(reference.lower()))
    shared = sum((have & want).values())
    if not shared:
        return float(not have and not want)
    return shared / sqrt(sum(have.values()) * sum(want.values()))
