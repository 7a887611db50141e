"""Words about health and about people, from `data/health`: one list of words for each language.

In the lists "*" stands for more letters and a blank for any gap; the rest is RE2. Patterns made of
them read a bare text (`letters.bare`) in lower case, but for the sign, which reads any. A match may
take in one character on each side of the word.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import re2
from msgspec import Struct

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.letters import bare, tight
from shortstop.privacy.detect.rules import compile_pattern

FOLDER = files("shortstop.privacy").joinpath("data/health")
LATIN = "latin"
"""The list of what is the same in most languages: word parts, drugs, shorthand, codes."""
TERMS = ("idiom", "illness", "symptom", "care")
MARKS = ("first", "kin", "patient", "age", "chart", "pronoun", "noted", "label", "title", "given")
VOTING = 800
"""Characters that tell the language."""
FEW = 3
"""Known words below which a text may be in any language."""
AUTOMATON_BYTES = 64 << 20
_ITEM = re.compile(r",\s+")
_LETTERS = re.compile(r"\[a-z[^\]]*\]\{\d+,\}")
_BLANK = re.compile(r"\[[^\]]*\]| ")
_INNER = {r"\pL": r"[^\x00-@\[-`{-\x7f]", r"\w": r"[^\x00-/:-@\[-^`{-\x7f]"}
"""What a letter inside a word of the lists is read as: all that is not ASCII counts as one. A class
of all letters takes hundreds of states, and RE2's \\w none with an accent."""
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0590-\u06ff]")
"""Scripts that put no space between words, or join small words to the next one."""
_SCRIPTS = {
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "mr": re.compile(r"[\u0900-\u097f]"),
    "ne": re.compile(r"[\u0900-\u097f]"),
    "bn": re.compile(r"[\u0980-\u09ff]"),
    "ta": re.compile(r"[\u0b80-\u0bff]"),
    "te": re.compile(r"[\u0c00-\u0c7f]"),
    "am": re.compile(r"[\u1200-\u137f]"),
    "hy": re.compile(r"[\u0530-\u058f]"),
    "ka": re.compile(r"[\u10a0-\u10ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "fa": re.compile(r"[\u0600-\u06ff]"),
    "ur": re.compile(r"[\u0600-\u06ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "uk": re.compile(r"[\u0400-\u04ff]"),
    "bg": re.compile(r"[\u0400-\u04ff]"),
    "sr": re.compile(r"[\u0400-\u04ff]"),
    "mk": re.compile(r"[\u0400-\u04ff]"),
    "kk": re.compile(r"[\u0400-\u04ff]"),
    "be": re.compile(r"[\u0400-\u04ff]"),
}
_BEFORE, _AFTER = r"(?:^|[^\pL\pN])", r"(?:[^\pL\pN]|$)"


class HealthWords(Struct, frozen=True):
    """The words of one language: compiled patterns by kind of evidence. `topic` are words that
    turn a mention into a subject, `trade` those that make it goods or a talk, `exam` those of
    questions that have a right answer."""

    terms: Mapping[str, Any]
    marks: Mapping[str, Any]
    topic: Any | None
    trade: Any | None
    exam: Any | None
    ask: frozenset[str]
    """Words before "I take" that make it a question."""


@cache
def languages() -> tuple[str, ...]:
    """The codes of all languages that have a list, in order of the alphabet."""
    names = sorted(f.name.removesuffix(".toml") for f in FOLDER.iterdir())
    return tuple(n for n in names if len(n) == 2)


@cache
def _written(code: str) -> dict[str, str]:
    """The lists of one language as they are written: a tenth of the memory of their words."""
    text = FOLDER.joinpath(f"{code}.toml").read_text("utf-8")
    return tomllib.loads(canonical(text).text)


def _lists(code: str) -> dict[str, list[str]]:
    """The words of one language by kind."""
    return {kind: _split(words) for kind, words in _written(code).items()}


def _list(code: str, kind: str) -> list[str]:
    """The words of one kind; none where a language has no list of it."""
    return _split(_written(code).get(kind, ""))


def _split(words: str) -> list[str]:
    return [w for w in _ITEM.split(words.strip().rstrip(",")) if w]


def any_of(words: Iterable[str], *, loose: bool = False) -> str:
    """One RE2 pattern for all words. A `loose` one holds wherever the other does and needs fewer
    states; it need not take in whole words. Sorted, so that RE2 can share beginnings."""
    ways: dict[tuple[bool, bool, bool], set[str]] = {}
    for word in words:
        core = word.removeprefix("*").removesuffix("*").strip()
        open_left = word.startswith("*")
        if loose and (letters := _LETTERS.match(core)):
            open_left, core = True, core[letters.end() :]
        free = _UNSPACED.search(core) is not None
        body = _BLANK.sub(_gap, core.replace("* ", r"\pL* "))
        for letter, cheap in _INNER.items():
            body = body.replace(letter, cheap)
        ways.setdefault((free, open_left, word.endswith("*")), set()).add(body)
    return "|".join(
        _start(free, left, loose) + f"(?:{'|'.join(sorted(bodies))})" + _end(free, right, loose)
        for (free, left, right), bodies in sorted(ways.items())
    )


def _gap(blank: re.Match[str]) -> str:
    return blank.group() if blank.group() != " " else r"[\s_-]{1,3}"


def _start(free: bool, open_left: bool, loose: bool) -> str:
    if free or (open_left and loose):
        return ""
    return _BEFORE + (r"\pL*" if open_left else "")


def _end(free: bool, open_right: bool, loose: bool) -> str:
    if free or (open_right and loose):
        return ""
    return (r"\pL*" if open_right else "") + _AFTER


def _compiled(words: Iterable[str]) -> Any:
    """One pattern for all words, for a bare text."""
    return compile_pattern(tight(any_of(words)))


@cache
def lexicon(code: str) -> HealthWords:
    """The words of one language."""
    lists = _lists(code)
    made = {
        kind: _compiled(lists[kind])
        for kind in (*TERMS, *MARKS, "topic", "trade", "exam")
        if lists.get(kind)
    }
    return HealthWords(
        {kind: made[kind] for kind in TERMS if kind in made},
        {kind: made[kind] for kind in MARKS if kind in made},
        made.get("topic"),
        made.get("trade"),
        made.get("exam"),
        frozenset(lists.get("ask", ())),
    )


@cache
def latin() -> tuple[dict[str, Any], dict[str, Any]]:
    """The patterns of what belongs to no language, by kind: for a bare text in lower case, and for
    one as it is."""
    lists = _lists(LATIN)
    lower = {kind: _compiled(words) for kind, words in _formed().items()}
    kinds = {"shorthand": "shorthand", "code": "codes", "value": "values"}
    return lower, {kind: _compiled(lists[name]) for kind, name in kinds.items()}


def _formed() -> dict[str, list[str]]:
    """Words of no language in lower case, by kind."""
    lists = _lists(LATIN)
    drugs, endings = [*lists["drugs"], *lists["drug_stems"]], [*lists["endings"], _compound()]
    return {"drug": drugs, "ending": endings}


def _compound() -> str:
    """A word of Greek and Latin parts that ends as illnesses and their treatments do."""
    lists = _lists(LATIN)
    elements, forms = "|".join(lists["elements"]), "|".join(lists["forms"])
    return rf"\pL{{0,12}}(?:{elements})\pL{{0,10}}(?:{forms})"


@cache
def excepted() -> frozenset[str]:
    """Words that end as an illness or a drug does and are none."""
    return frozenset(_list(LATIN, "not_endings") + _list(LATIN, "not_drugs"))


class LanguageSet:
    """Which lists have some of their words in a text, in one pass."""

    def __init__(self, kinds: Iterable[str]) -> None:
        options = re2.Options()
        options.max_mem = AUTOMATON_BYTES
        options.log_errors = False
        self._codes: list[str] = []
        self._set = re2.Set.SearchSet(options)
        for code in languages():
            if words := [w for kind in kinds for w in _list(code, kind)]:
                self._codes.append(code)
                self._set.Add(tight(any_of(words)))
        self._set.Add("")  # matches every text: its absence means that the set gave up
        self._set.Compile()

    def of(self, low: str) -> frozenset[str]:
        """The codes. All of them when the set ran out of memory."""
        found = self._set.Match(bare(low).encode("utf-8", "replace"))
        if len(self._codes) not in found:
            return frozenset(self._codes)
        return frozenset(self._codes[i] for i in found if i < len(self._codes))


@cache
def told() -> LanguageSet:
    """Where an illness or a symptom is named."""
    return LanguageSet(("illness", "symptom"))


@cache
def marked() -> LanguageSet:
    """Where a person is spoken of."""
    return LanguageSet(MARKS)


@cache
def latin_sign() -> Any:
    """Holds in a bare text in lower case wherever `latin` may."""
    lists = _lists(LATIN)
    words = (*lists["shorthand"], *lists["codes"], *lists["values"])
    every = [*map(any_of, _formed().values()), any_of(map(_small, words), loose=True)]
    return compile_pattern(tight("|".join(f"(?:{p})" for p in every)))


class SignSet:
    """Whether `sign_pattern` holds. A set needs no place, and so half the automata."""

    def __init__(self) -> None:
        options = re2.Options()
        options.max_mem = AUTOMATON_BYTES
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        self._set.Add(sign_pattern())
        self._set.Add("")  # matches every text: its absence means that the set gave up
        self._set.Compile()

    def matches(self, low: str) -> bool:
        """Of a text in lower case. True as well when the set ran out of memory."""
        return bool(self._set.Match(low.encode("utf-8", "replace")) != [1])


@cache
def sign_set() -> SignSet:
    return SignSet()


def sign_pattern() -> str:
    """A pattern that holds in a text in lower case wherever a term may be that counts without
    others, or a word that is worth a look at all words around it ("look"). Loose, so that one pass
    over every text is cheap."""
    lists = _lists(LATIN)
    words = [
        w
        for code in languages()
        for kind in ("illness", "symptom", "look")
        for w in _list(code, kind)
    ]
    words += [*lists["drugs"], *lists["drug_stems"], *lists["endings"]]
    strong = [w for w in lists["shorthand"] if len(w) > 2]
    words += [_small(w) for w in (*strong, *lists["codes"], *lists["values"])]
    return f"{any_of(words, loose=True)}|{any_of([_compound()])}"


def _small(pattern: str) -> str:
    """A pattern that holds in lower case where the other holds in any."""
    return re.sub(r"(?<!\\)[A-Z]", lambda m: m.group().lower(), pattern).replace("(?i:", "(?:")


@cache
def _voters() -> dict[str, tuple[str, ...]]:
    """Word -> the languages that have it."""
    table: dict[str, tuple[str, ...]] = {}
    same: dict[tuple[str, ...], tuple[str, ...]] = {}
    for code in languages():
        words = {word for kind in _lists(code).values() for word in kind}
        for word in filter(str.isalpha, words):
            codes = (*table.get(word, ()), code)
            table[word] = same.setdefault(codes, codes)
    return table


def spoken(low: str) -> list[str]:
    """The languages that a text in lower case may be in. English always: shorthand is English."""
    found = [] if low.isascii() else [c for c, script in _SCRIPTS.items() if script.search(low)]
    votes: dict[str, int] = {}
    for word in set(low[:VOTING].split()):
        for code in _voters().get(word, ()):
            votes[code] = votes.get(code, 0) + 1
    most = max(votes.values(), default=0)
    if most >= FEW or found or votes.get("en", 0) == most == 2:
        found += [code for code, n in votes.items() if n >= most / 2]
    else:
        found += languages()
    return list(dict.fromkeys(["en", *found]))
