"""Where the arguments of a call stand in a request: one conditional random field for all of them.

Arguments of the same name and type share their label, whichever tool they belong to; the tool is a
feature. Lafferty, McCallum & Pereira 2001, by python-crfsuite (extra `[learn]`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from shortstop.specialists.copy.tokens import Token, shape, tokens
from shortstop.specialists.novelty import Slot

BEGIN, INSIDE, OUTSIDE = "B ", "I ", "O"
STRANGE = "?"
"""Stands for every word that training did not meet."""
MOST_TOKENS = 300
"""Tokens of a request that are read."""
_RUN = re.compile(r"(.)\1+")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_QUOTED = re.compile(r"[\"“«]([^\"“”»]+)[\"”»]")


class SlotsRead(NamedTuple):
    """The places of arguments by label, in order, and the probability of the whole reading."""

    slots: list[Slot]
    confidence: float


class SlotTagger:
    """`model` is what crfsuite wrote, `words` are those that training met, in lower case."""

    def __init__(self, model: bytes, words: Collection[str]) -> None:
        import pycrfsuite

        self.model = model
        self.words = frozenset(words)
        self._tagger: Any = pycrfsuite.Tagger()
        self._tagger.open_inmemory(model)

    def read(self, text: str, tool: str) -> SlotsRead | None:
        """None for a text that is empty or too long."""
        found = tokens(text)
        if not 0 < len(found) <= MOST_TOKENS:
            return None
        self._tagger.set(features(text, found, tool, self.words))
        tags = self._tagger.tag()
        return SlotsRead(list(_slots(found, tags)), float(self._tagger.probability(tags)))


def _slots(found: Sequence[Token], tags: Sequence[str]) -> Iterator[Slot]:
    start = 0
    for i, tag in enumerate(tags):
        if tag == OUTSIDE:
            continue
        if tag.startswith(BEGIN) or i == 0 or tags[i - 1][2:] != tag[2:]:
            start = i
        if i + 1 == len(tags) or tags[i + 1] != INSIDE + tag[2:]:
            yield Slot(found[start].start, found[i].end, tag[2:])


def features(
    text: str,
    found: Sequence[Token],
    tool: str,
    known: Collection[str],
    strange: Collection[int] = (),
) -> list[list[str]]:
    """One list of names for each token. `strange` are the numbers of tokens whose words are hidden,
    as those are that `known` does not hold."""
    words = [
        STRANGE if i in strange or token.word.lower() not in known else token.word.lower()
        for i, token in enumerate(found)
    ]
    shapes = [_RUN.sub(r"\1", shape(token.word)) for token in found]
    around = ["^^", "^", *words, "$", "$$"]
    outline = ["^", *shapes, "$"]
    marks = _marks(text, found)
    out = []
    for i, token in enumerate(found):
        before, after = around[i + 1], around[i + 3]
        names = [
            "t=" + tool, "s=" + shapes[i], "w=" + words[i], f"t|w-1={tool}|{before}",
            "w-1=" + before, "w+1=" + after, "w-2=" + around[i], "w+2=" + around[i + 4],
            f"w-2-1={around[i]} {before}", f"w+1+2={after} {around[i + 4]}",
            "s-1=" + outline[i], "s+1=" + outline[i + 2], f"s-1+0={outline[i]} {shapes[i]}",
            f"n={min(len(token.word), 6)}", *marks[i],
        ]  # fmt: skip
        if i not in strange:
            names += ["p=" + token.word[:3].lower(), "e=" + token.word[-3:].lower()]
        out.append(names)
    return out


def _marks(text: str, found: Sequence[Token]) -> list[list[str]]:
    """What a token is part of: an e-mail address, words in quotes."""
    out: list[list[str]] = [[] for _ in found]
    for name, pattern, group in (("address", _ADDRESS, 0), ("quoted", _QUOTED, 1)):
        for match in pattern.finditer(text):
            inside = [
                i for i, t in enumerate(found) if match.start(group) <= t.start < match.end(group)
            ]
            for i in inside:
                out[i].append(f"{name}={'B' if i == inside[0] else 'I'}")
    return out
