# ruff: noqa: E501, SIM905 - patterns and lists of words are read whole
"""Findings that only count together: an illness and whose it is.

A text speaks of somebody's health when the evidence for health, times the evidence for a person
near it, is enough. What counts as evidence stands in `data/health`: words by language, word parts,
drugs, shorthand, codes, and what each kind weighs. Every part is weak alone: a name is no secret,
and a question about an illness is nobody's.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cache
from importlib.resources import files
from typing import Any

from msgspec import Struct

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.frames import is_framed, is_made_up
from shortstop.privacy.detect.letters import bare
from shortstop.privacy.detect.lexicon import (
    HealthWords,
    excepted,
    latin,
    latin_sign,
    lexicon,
    marked,
    sign_set,
    spoken,
    told,
)
from shortstop.privacy.detect.rules import characters, encodable, lettered
from shortstop.privacy.names.people import NOT_NAMES, PARTICLES, first_names, unaccented

REACH = 400
"""How far from a term a mark of a person may be, in characters."""
STRETCH = 2_000
"""The most that is weighed together, reach not included: a longer text is many stretches."""
WINDOW, OVERLAP = 400, 80
"""Characters of a window in which terms are looked for, and of the longest term that two share."""
WHOLE = 8_000
"""Characters of a request up to which all its parts are read together."""
BOUND = 120
"""How far behind "I have" an illness may be that one has."""
POINTED = ("illness", "drug", "ending", "symptom", "code", "shorthand", "value")
"""Kinds of terms that count without others, strongest first. Words of care do not."""
SHORTHAND = 3
"""Abbreviations and values from which on a text is a note, and notes are about somebody."""
_NOTED = ("shorthand", "value")
_EXAM = {"named": 0.4, "first": 0.25}
"""What is left of a mark in an exam's question; nothing of those that are not here."""
_FRAMED = {"named": 1.0, "first": 1.0, "kin": 0.5}
"""What is left of a mark in a novel, a statistic or a leaflet; `DAMPED` of those that are not here."""
_MADE_UP = {"first": 1.0, "kin": 0.5, "named": 0.25}
"""The same where figures of a book are named; nothing of those that are not here."""
_FORM = re.compile(r"</?[\w:.-]+[^<>]{0,80}>|\"[\w.-]{1,24}\"\s?:")
"""Names of fields, which say nothing of what stands in them."""
DAMPED = 0.25
"""What is left of a mark when the words between it and the term make that a subject to talk of."""
_OPTIONS = re.compile(r"(?:^|\s)\(?A[.)]\s.*\s\(?B[.)]\s.*\s\(?C[.)]\s", re.DOTALL)
_SENTENCE = re.compile(r"[.!?;]\s|\n|[。！？]")
_LINKED = lettered(
    r"\p{Lu}\p{Ll}+(?: \p{Lu}\.)? \p{Lu}[\pL'’-]+(?:,? \(?(?:\d{1,3}\b|(?:was|is|has|had|takes|needs|suffers|"
    r"tested|called|hat|ist|wurde|leidet|nimmt|est|prend|souffre|tiene|toma|padece|está|ha|soffre|prende|"
    r"tem|toma|heeft|slikt|ma|bierze|choruje)\b))"
)
_CAPITALISED = re.compile(r"\b[^\W\d_a-zß-öø-ÿ][^\W\d_]{2,}")
_INITIALS = lettered(r"\b(?:\p{Lu}\. \p{Lu}\p{Ll}{2,}|\p{Lu}\p{Ll}{2,},? \p{Lu}\.(?:[ ,]|$))")
_DOES = re.compile(
    r"(?:['’]s| (?:is|was|has|had|needs|takes|told|called|from|in|who|hat|ist|war|wurde|est|tiene|está|ha|tem|heeft|ma|jest|goes|got|gets|starts|started|lost|went|geht|bekommt|bekam|fängt|va|fait|empieza|fa|faz|begint|krijgt|går|börjar|begynner|starter|får|ide|jde|začenja|počinje|alustab|käib|sāk|iet|pradeda|eina|keeps|came|hasn['’]t))\b"
)
_ADDRESSED = re.compile(
    r"(?:^|\W)(?:to|with|for|from|that|about|by|told|asked|called|mit|für|von|an|à|pour|avec|a|para|con|per|voor|met|"
    r"dla|z|de|di|:)\s$"
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NAME_GAP = re.compile(r"[ \t]{1,2}|\.[ \t]?|,[ \t]?|[\"':|=^_ \t]{1,4}")
_NOT_NAMES = frozenset(
    "care safety portal name names record records id information education experience services data "
    "room diagnosis health number no the monday tuesday wednesday thursday friday saturday sunday doctor doktor dr prof professor may june "
    "iso wat wie hoe jak jaki jakie jaka co czy was welche wer wann warum quel quelle quels quelles que qual quais como come cosa che "
    "cuál cuales nasıl ne hangi vad hvad hva mitä miten ce care kako što koji koje hur hvordan cum mi mik ako apa siapa viết bệnh giải hãy tại bạn đường meine unsere deine seine ihre mon mes meu minha mijn onze moja moje".split()
)


class Term(Struct, frozen=True, gc=False):
    """A word that counts, at [start, end) of a stretch."""

    kind: str
    start: int
    end: int


@cache
def weights() -> dict[str, Any]:
    """`data/health/weights.toml`."""
    path = files("shortstop.privacy").joinpath("data/health/weights.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def lowered(text: str) -> str:
    """The text in lower case, of the same length."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(small if len(small := c.lower()) == 1 else c for c in text)


def spelled(text: str) -> str:
    """The text in lower case as the lists of words spell it."""
    low = lowered(text)
    return low if low.isascii() else canonical(low).text


def health_of_a_person(
    text: str,
    identifiers: Sequence[int],
    low: str | None = None,
    *,
    whole: bool = False,
) -> tuple[int, int] | None:
    """(start, end) of the first term about somebody's health; None when there is none.

    `identifiers` are offsets of what identifies a person by itself, `low` is the text in lower
    case as the lists of words spell it. A `whole` is read together,
    however far apart its parts are.
    """
    text = encodable(text)
    low = spelled(text) if low is None else encodable(low)
    if len(low) != len(text):
        low = lowered(text)
    known, exam = sorted(identifiers), has_options(text)
    together = whole and len(text) <= WHOLE
    for start, end in [(0, len(text))] if together else _stretches(text, low):
        near = bisect_left(known, start) < bisect_left(known, end)
        identified = near or (whole and bool(known))
        reach = len(text) if together else REACH
        scene = _Scene(text[start:end], low[start:end], identified, exam, reach)
        for code in _worth_reading(scene.low):
            found = scene.weigh(lexicon(code))
            if found is not None:
                return start + found.start, start + found.end
    return None


def _worth_reading(low: str) -> Iterator[str]:
    """The languages that a stretch may be in and say something in. English first and whatever it
    says, if it has terms that are in no language."""
    terms = told().of(low)
    anywhere = latin_sign().search(bare(low).encode("utf-8", "replace")) is not None
    if not terms and not anywhere:
        return
    marks: Set[str] = marked().of(low) if anywhere else frozenset()
    for code in spoken(low):
        if code in terms or (anywhere and (code == "en" or code in marks)):
            yield code


def health_of_anybody(text: str) -> tuple[int, int] | None:
    """(start, end) of the first term about health, as if a person were named beside it."""
    return health_of_a_person(text, [0], whole=True)


def has_options(text: str) -> bool:
    """Whether three answers stand there to choose from."""
    return ("B." in text or "B)" in text) and _OPTIONS.search(text) is not None


def may_speak_of_health(low: str) -> bool:
    """Whether a text in lower case may speak of health, whoever's: loosely."""
    return sign_set().matches(low)


def _stretches(text: str, low: str) -> Iterator[tuple[int, int]]:
    """The parts of a text to weigh: terms near each other, and what is in reach of them."""
    first = last = -1
    for start, end in _mentions(text, low):
        if first >= 0 and (start - last > REACH or end - first > STRETCH):
            yield _word_start(low, first - REACH), last + REACH
            first = -1
        if first < 0:
            first = start
        last = max(last, end)
    if first >= 0:
        yield _word_start(low, first - REACH), last + REACH


def _mentions(text: str, low: str) -> Iterator[tuple[int, int]]:
    """Where terms that count without others stand, in order. Windows without a sign are not read."""
    for begin in range(0, len(low), WINDOW):
        offset, end = max(0, begin - OVERLAP), begin + WINDOW + OVERLAP
        if not sign_set().matches(low[offset:end]):
            continue
        scene = _Scene(text[offset:end], low[offset:end], False, False, REACH)
        spans = {
            (offset + term.start, offset + term.end)
            for code in _worth_reading(low[offset:end])
            for term in scene.pointed(lexicon(code))
        }
        yield from sorted(span for span in spans if begin <= span[0] < begin + WINDOW)


def _word_start(low: str, position: int) -> int:
    """The beginning of the word there: half a word may be another one."""
    return low.rfind(" ", 0, position) + 1 if position > 0 else 0


def _spans(pattern: Any, text: str) -> Iterator[tuple[int, int]]:
    """Matches without what they take in on either side. They may share a character there."""
    data = text.encode()
    plain = len(data) == len(text)
    position = 0
    while (match := pattern.search(data, position)) is not None:
        start, end = match.span()
        position = max(end - 1, start + 1)
        if not plain:
            start, end = characters(data, start), characters(data, end)
        while start < end and not text[start].isalnum():
            start += 1
        while end > start and not text[end - 1].isalnum():
            end -= 1
        yield start, end


class _Scene:
    """A stretch of text, read in one language after the other."""

    def __init__(self, text: str, low: str, identified: bool, exam: bool, reach: int) -> None:
        self.text, self.low, self._identified, self._exam = text, low, identified, exam
        self._reach = reach
        self._bare_text, self._bare_low = bare(text), bare(low)

    def _found(self, pattern: Any, *, as_is: bool = False) -> Iterator[tuple[int, int]]:
        return _spans(pattern, self._bare_text if as_is else self._bare_low)

    def weigh(self, words: HealthWords) -> Term | None:
        """The first term, if all that is said is enough."""
        if self._exam and not self._identified and next(self._named(words), None) is None:
            return None
        terms = self._terms(words)
        pointed = [term for term in terms if term.kind != "care"]
        if not pointed:
            return None
        wanted = weights()["enough"] / self._health(terms)
        return pointed[0] if self._is_somebody(words, pointed, wanted) else None

    # ------------------------------------------------------------ health

    def pointed(self, words: HealthWords) -> list[Term]:
        """The terms that count without others."""
        return [term for term in self._terms(words) if term.kind != "care"]

    def _terms(self, words: HealthWords) -> list[Term]:
        lower, as_is = latin()
        patterns = {**words.terms, **lower, **as_is}
        taken = bytearray(len(self.low) + 1)
        terms: list[Term] = []
        for kind in ("idiom", *POINTED, "care"):
            if kind not in patterns or (kind == "care" and not terms):
                continue
            for start, end in self._found(patterns[kind], as_is=kind in as_is):
                if any(taken[start:end]) or self.low[start:end] in excepted():
                    continue
                taken[start:end] = b"\1" * (end - start)
                if kind != "idiom":
                    terms.append(Term(kind, start, end))
        return sorted(terms, key=lambda t: t.start)

    def _health(self, terms: Sequence[Term]) -> float:
        """Different words add up; those of care up to a bound."""
        table, kinds = weights(), {self.low[t.start : t.end]: t.kind for t in terms}
        care = sum(table["health"][k] for k in kinds.values() if k == "care")
        other = sum(table["health"][k] for k in kinds.values() if k != "care")
        return float(min(table["health_most"], other + min(care, table["care_most"])))

    # ------------------------------------------------------------ a person

    def _is_somebody(self, words: HealthWords, terms: Sequence[Term], wanted: float) -> bool:
        """Whether the best marks of each kind reach `wanted` together."""
        table = weights()["person"]
        exam = self._exam or _holds(words.exam, self.low)
        sum_ = table["identifier"] if self._identified else 0.0
        if not exam and len(self._said(t for t in terms if t.kind in _NOTED)) >= SHORTHAND:
            sum_ += table["note"]
        made_up = is_made_up(self.low)
        frame = _MADE_UP if made_up else _FRAMED if is_framed(self.low) else None
        rest = 0.0 if made_up else DAMPED
        alone = {t.kind for t in terms} == {"shorthand"} and len(self._said(terms)) == 1
        for kind, marks in self._marks(words):
            if sum_ >= wanted or (alone and kind == "name"):
                break
            weight = table[kind] * (_EXAM.get(kind, 0.0) if exam else 1.0)
            weight *= 1.0 if frame is None else frame.get(kind, rest)
            if kind == "first":
                sum_ += weight * self._first(words, terms)
            elif weight:
                sum_ += weight * self._best(kind, marks, terms, words)
        return bool(sum_ >= wanted)

    def _said(self, terms: Iterable[Term]) -> set[str]:
        """The different words that they are."""
        return {self.low[t.start : t.end] for t in terms}

    def _best(
        self,
        kind: str,
        marks: Iterator[tuple[int, int]],
        terms: Sequence[Term],
        words: HealthWords,
    ) -> float:
        """How much of a kind's weight its best mark has."""
        best = 0.0
        subjects = (words.trade,) if kind == "named" else (words.trade, words.topic)
        for mark in marks:
            best = max(best, self._near(mark, terms, subjects))
            if best == 1.0:
                break
        return best

    def _marks(self, words: HealthWords) -> Iterator[tuple[str, Iterator[tuple[int, int]]]]:
        """(kind, its marks), strong kinds first."""
        yield "named", self._named(words)
        for kind in ("first", "kin", "noted", "patient", "age", "chart", "given", "pronoun"):
            if kind in words.marks:
                yield kind, self._found(words.marks[kind])
        given = list(self._given())
        yield "full", (span for span in given if self._has_surname(span[1]))
        yield "name", iter(given)

    def _named(self, words: HealthWords) -> Iterator[tuple[int, int]]:
        for kind in ("title", "label", "patient"):
            if kind in words.marks:
                for start, end in self._found(words.marks[kind]):
                    if self._is_called(kind, end):
                        yield start, end
        for start, end in self._found(_LINKED, as_is=True):
            if any(_is_first_name(w) for w in self.low[start:end].split()[:2]):
                yield start, end

    def _is_called(self, kind: str, position: int) -> bool:
        """Whether a name stands behind a title, a label or the word for a patient."""
        names = self._names_after(position)
        if kind == "title":
            return bool(names)
        pair = len(names) > 1
        return (pair or kind == "patient") and any(_is_first_name(n) for n in names[:3])

    def _names_after(self, position: int) -> list[str]:
        """The capitalised words that follow, particles left out."""
        names: list[str] = []
        while (gap := _NAME_GAP.match(self.text, position)) is not None:
            token = _TOKEN.match(self.text, gap.end())
            if token is None or token.group().lower() in _NOT_NAMES:
                break
            if token.group()[0].isupper():
                names.append(token.group())
            elif token.group() not in PARTICLES:
                break
            position = token.end()
        return names

    def _given(self) -> Iterator[tuple[int, int]]:
        """First names."""
        for match in _CAPITALISED.finditer(self.text):
            word = match.group().lower()
            sure = first_names().get(unaccented(word))
            if sure is None or word in NOT_NAMES or word in _NOT_NAMES:
                continue
            if sure or self._is_spoken_of(*match.span()):
                yield match.span()
        for start, end in _spans(_INITIALS, self.text):
            if NOT_NAMES.isdisjoint(self.low[start:end].split()):
                yield start, end

    def _has_surname(self, end: int) -> bool:
        """Whether another capitalised word follows on the same line."""
        return bool(self._names_after(end)) and self.text[end : end + 1] in (" ", "\u00a0")

    def _is_spoken_of(self, start: int, end: int) -> bool:
        """Whether a word that is a name or another word stands where people are spoken of."""
        return (
            len(self._names_after(end)) in (1, 2)
            or _DOES.match(self.text, end) is not None
            or _ADDRESSED.search(self.text[max(0, start - 12) : start]) is not None
        )

    def _first(self, words: HealthWords, terms: Sequence[Term]) -> float:
        """Whether "I have" or "my" stands before a term in the same sentence, and the term is not
        a subject to talk of."""
        best = 0.0
        for term in terms:
            low = max(0, term.start - BOUND)
            before = self.low[low : term.start]
            inside = self.low[term.start : term.end]
            if stops := [m.end() for m in _SENTENCE.finditer(before)]:
                low, before = low + stops[-1], before[stops[-1] :]
            for start, end in _spans(words.marks["first"], bare(before + inside) + " "):
                if start >= len(before):
                    break
                asked = self.low[max(0, low + start - 20) : low + start].split()[-1:]
                doubted = before[start : start + 2] == "i " and bool({*asked} & words.ask)
                subject = _holds(words.topic, before[end:])
                best = max(best, DAMPED if doubted or subject else 1.0)
            if best == 1.0:
                break
        return best

    def _near(self, mark: tuple[int, int], terms: Sequence[Term], subjects: Sequence[Any]) -> float:
        """Less when words between the mark and the nearest term make it a subject to talk of;
        nothing when that is out of reach."""
        start, end = mark
        near = min(terms, key=lambda t: abs(t.start - start))
        if max(near.start - end, start - near.end) > self._reach:
            return 0.0
        between = self.low[min(end, near.end) : max(start, near.start)]
        between = _FORM.sub(" ", between) if "<" in between or ":" in between else between
        if len(between) > REACH:
            between = between[:BOUND] + " " + between[-BOUND:]
        return DAMPED if any(_holds(s, between) for s in subjects) else 1.0


def _is_first_name(word: str) -> bool:
    word = word.lower().strip(".,()")
    return len(word) > 2 and word not in _NOT_NAMES and unaccented(word) in first_names()


def _holds(pattern: Any | None, text: str) -> bool:
    return pattern is not None and pattern.search(bare(text).encode()) is not None
