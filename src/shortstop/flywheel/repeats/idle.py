"""Words that change no answer: where two texts differ by them alone, the answers are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from shortstop.flywheel.examples import Example
from shortstop.specialists.nearest import NearestTexts
from shortstop.specialists.repeats.repeats import LEAST_COSINE
from shortstop.specialists.repeats.wording import differing, wording

LEAST_PAIRS = 3
"""Pairs of texts with one answer that differ by a word before it is idle."""
MOST_DIFFERING = 3
MOST_TEXTS = 4_000
NEIGHBOURS = 5


def idle_words(rows: Sequence[Example]) -> frozenset[str]:
    """Learned from each text's nearest others: words that often make no difference, but for those
    by which alone two texts differ whose answers do."""
    step = -(-len(rows) // MOST_TEXTS) or 1
    same: Counter[str] = Counter()
    telling: list[frozenset[str]] = []
    for one, other, odd in _pairs(rows[::step]):
        if one.answer == other.answer:
            same.update(odd)
        else:
            telling.append(odd)
    idle = {word for word, n in same.items() if n >= LEAST_PAIRS}
    blamed = {word for odd in telling if odd <= idle for word in odd}
    return frozenset(idle - blamed)


def _pairs(rows: Sequence[Example]) -> Iterator[tuple[Example, Example, frozenset[str]]]:
    """Near rows that differ by few words, and by which."""
    wordings = [wording(row.query.whole) for row in rows]
    texts = [" ".join(one.words) for one in wordings]
    nearest = NearestTexts.of(texts)
    for number, text in enumerate(texts):
        cosines = nearest.cosines(text)
        if cosines is None:
            continue
        for other in cosines.argsort()[::-1][: NEIGHBOURS + 1].tolist():
            if other <= number or cosines[other] < LEAST_COSINE:
                continue
            odd = frozenset(differing(wordings[number].words, wordings[other].words))
            if 0 < len(odd) <= MOST_DIFFERING and wordings[number].fixed == wordings[other].fixed:
                yield rows[number], rows[other], odd
