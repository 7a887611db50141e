"""The words by which people ask for one of few values: "no rush" for a low priority."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from shortstop.specialists.copy.tokens import tokens

LONGEST = 6
"""Words of a phrase."""
LEAST_ROWS = 2
"""Rows in which a phrase stands."""
PURE = 0.95
"""Share of the rows with the phrase that have its value."""


def phrases(texts: Sequence[str], values: Sequence[frozenset[str]]) -> Mapping[str, str]:
    """Words, as `arguments.phrase_key` spells them, by value. `values` are those that a row's
    arguments have, each as JSON text; a phrase is kept where nearly all rows with it have its
    value, and it explains rows that no better phrase does."""
    held = [set(grams(text)) for text in texts]
    counts = Counter(gram for row in held for gram in row)
    hits: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, (row, told) in enumerate(zip(held, values, strict=True)):
        for gram in row:
            if counts[gram] >= LEAST_ROWS:
                for value in told:
                    hits[value][gram].append(number)
    found: dict[str, str] = {}
    for value, by_gram in hits.items():
        pure = {g: rows for g, rows in by_gram.items() if len(rows) >= PURE * counts[g]}
        found.update(dict.fromkeys(_cover(pure), value))
    return found


def grams(text: str) -> list[str]:
    """Runs of tokens in lower case, as they stand in the text, single blanks between."""
    found = tokens(text)
    out = []
    for i, first in enumerate(found):
        for last in found[i : i + LONGEST]:
            if last.word[0].isdigit():
                break
            out.append(" ".join(text[first.start : last.end].lower().split()))
    return out


def _cover(rows_of: dict[str, list[int]]) -> list[str]:
    """Phrases until each row that has one is explained, the widest first; of those that explain the
    same the longest."""
    left = {gram: set(rows) for gram, rows in rows_of.items()}
    chosen = []
    while left:
        best = max(left, key=lambda gram: (len(left[gram]), len(gram), gram))
        explained = left.pop(best)
        if len(explained) < LEAST_ROWS:
            break
        chosen.append(best)
        left = {gram: rows - explained for gram, rows in left.items() if rows - explained}
    return chosen
