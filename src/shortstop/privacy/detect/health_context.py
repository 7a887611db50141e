# ruff: noqa: E501 - patterns are read whole
"""What all words of a passage together say of whether it speaks of somebody's health.

Where `combine` asks for a listed illness and a mark of a person, this looks at every word, at its
parts, and at pairs of words: "stopped eating and weighs", "off my", "wandered off again".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any

from shortstop.privacy.detect.combine import (
    has_options,
    health_of_a_person,
    may_speak_of_health,
    spelled,
)
from shortstop.privacy.detect.frames import is_framed, is_made_up
from shortstop.privacy.detect.letters import bare
from shortstop.privacy.detect.lexicon import latin_sign, marked, told
from shortstop.privacy.detect.linear import linear_model
from shortstop.privacy.detect.rules import lettered
from shortstop.privacy.detect.word_reader import WordReader, features_of

NAME = "health_context"
READER = WordReader(NAME, lambda digits: "0" * min(len(digits), 5))
PASSAGE = 300
"""Characters that are read together: a few sentences."""
FRAMED = 1.0
"""Log-odds that are asked for in addition in a statistic or a leaflet; twice in a novel."""
DENIED = -2.5
"""Log-odds below which a passage is nobody's health although the lists say so."""
_CAPITALS = re.compile(r"\b[A-Z]{2,5}\b")
_END = re.compile(r"(?<=[.!?;\n\x1f。！？])\s*")


def by_context(text: str) -> tuple[int, int] | None:
    """(start, end) of the first passage that speaks of somebody's health; None when there is none.
    Passages in which no list has a word are not read, nor is a question with answers to choose."""
    if has_options(text):
        return None
    for start, end in passages(text):
        low = spelled(text[start:end])
        if not may_speak_of_health(_without_things(low)):
            continue
        least = linear_model(NAME).threshold + FRAMED * (is_framed(low) + is_made_up(low))
        if score(text[start:end], low) >= least:
            return start, end
    return None


def denied(text: str, place: int) -> tuple[int, int] | None:
    """(start, end) of the passage around a term, when the lists believe the passage by itself and
    all its words say that it is about nobody. What the lists see only in several passages together
    is not denied."""
    for start, end in passages(text):
        if end > place:
            passage = text[start:end]
            low = spelled(passage)
            if score(passage, low) >= DENIED or not health_of_a_person(passage, [], low):
                return None
            return start, end
    return None


def _without_things(low: str) -> str:
    """A passage in small letters without things that are said to be ill: "my code is sick"."""
    data = low.encode("utf-8", "replace")
    cut = things().sub(b" ", data)
    return low if cut == data else cut.decode("utf-8", "replace")


@cache
def things() -> Any:
    return lettered(
        r"(?:my|our|the|this|that|your|legacy) (?:\pL+ ){0,2}(?:code|codebase|server|app|module|build|pipeline|script|laptop|pc|computer|"
        r"printer|cluster|database|db|website|site|system|engine|car|tv|router|battery|phone|test suite|tests|query|spreadsheet|economy|budget|project|"
        r"server\pL*|rechner|drucker|programm|wagen|auto|serveur|ordinateur|code source|servidor|ordenador|sistema|sito|servis)"
        r"(?:['’]s| is| are| was| has| have| gets| got| feels| looks| seems| ist| hat| est| a| está| es| è)(?: \pL+){1,3}"
        r"|bleed(?:s|ing)? (?:memory|cash|money|users|battery|data|cpu|ram|customers)"
    )


def passages(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of what is read together: whole sentences where they are not too long."""
    if len(text) <= PASSAGE * 1.3 and "\x1f" not in text:
        yield 0, len(text)
        return
    start = end = 0
    for stop in chain((m.end() for m in _END.finditer(text) if m.end()), (len(text),)):
        if stop - start > PASSAGE and end > start:
            yield start, end
            start = end
        while stop - start > PASSAGE:
            yield start, start + PASSAGE
            start += PASSAGE
        end = stop
        if text[max(0, end - 2) : end].strip(" \n") == "\x1f":
            yield start, end
            start = end
    if end > start:
        yield start, end


def score(passage: str, low: str) -> float:
    """Log-odds that a passage speaks of somebody's health. `low`: as the lists spell it."""
    words = READER.words(passage)
    return READER.score(words, _looks(passage, low, len(words)))


def features(passage: str, low: str) -> list[str]:
    """All of a passage, by name."""
    words = READER.words(passage)
    return features_of(words, _looks(passage, low, len(words)))


def _looks(passage: str, low: str, count: int) -> list[str]:
    """Capitals, length, and whether the lists know an illness and a mark of a person in it."""
    capitals = len(_CAPITALS.findall(passage))
    known = [
        name
        for name, found in (
            ("T", bool(told().of(low))),
            ("X", latin_sign().search(bare(low).encode("utf-8", "replace")) is not None),
            ("M", bool(marked().of(low))),
        )
        if found
    ]
    return [f"caps={min(5, capitals)}", f"len={min(8, count // 8)}", f"E={''.join(known)}"] + [
        f"E1={name}" for name in known
    ]
