# ruff: noqa: SIM905 - lists of words are read as such
"""Names of people in a text, from a tagger's entities and from first names, titles and greetings.

Read before an escalation only, to take names out; nothing is pinned by it. Its cue words are
English, its first names those of many languages. It misses nicknames and surnames alone in lower
case.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from shortstop.privacy.names.name_book import NameBook

Span = tuple[int, int]

MISTAKEN = frozenset(
    """
    ORG GPE LOC NORP PRODUCT WORK_OF_ART FAC LANGUAGE EVENT LAW
    """.split()
)
"""What the tagger often calls a person's name that is new to it."""
FIRMS = frozenset(
    """
    inc incorporated corp corporation company co ltd limited llc llp plc gmbh ag kg sa srl spa bv
    nv ab as oy group holdings bank university college school hospital institute ministry
    department foundation association agency council committee partners systems technologies
    solutions services software labs media news times orchestra band club museum church
    """.split()
)
TITLES = frozenset(
    """
    mr mrs ms miss mx dr prof professor sir madam herr herrn frau fr hr mme mlle monsieur madame sr
    sra señor señora don doña sig signor signora pan pani dhr mevr
    """.split()
)
PARTICLES = frozenset(
    """
    van von der den de del della di da do dos du la le ten ter bin ibn al el
    """.split()
)
NOT_NAMES = frozenset(
    """
    i you he she it we they my your his her our their the a an and or but not no yes if when where
    what who whom whose which why how is are was were be am do does did can could will would shall
    should may might must has have had of in on at to for from by with about into after before
    this that these those there here then than so as please thanks thank hello hi hey dear regards
    monday tuesday wednesday thursday friday saturday sunday january february march april june
    july august september october november december street road avenue lane drive court place
    square suite apt apartment flat box unit floor north south east west new st saint claude
    anthropic openai chatgpt gemini llama shortstop phone patient name note subject date tel email
    user customer same
    """.split()
)
"""Words that are capitalised for other reasons, and models that are addressed by name."""
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_GAP = re.compile(r"[ \t]{1,2}|\.[ \t]?")
_CUES = re.compile(
    r"(?:\b(?i:my name is|name is|name's|names? ?:|i am|i'm|this is|it's under|called|call me|"
    r"calls me|"
    r"calling|dear|hi|hello|hey|user:|patient:?|customer:?|client:?|employee:?|contact:?|attn:?|"
    r"attention:?|signed,?|regards,|sincerely,|cheers,|thanks,|best,|directed by:?|written by|"
    r"born to|married to|wife|husband|brother|sister|son|daughter|kid|mother|father|uncle|aunt|"
    r"friend|colleague|boss|neighbou?r|founders?:?|said|told|asked|with|and|shouted at|add|"
    r"remove|not by|from:|to:)\s+)$"
)
_SPEAKS = re.compile(
    r"(?:['’]s\b|:\s|\s(?:said|says|shouted|asked|told|wrote|replied|answered|called|lives|lived|spent|"
    r"works|worked|is (?:a|an|from|very|my|the|our)\b))"
)


@dataclass(frozen=True, slots=True)
class Entity:
    """What a tagger found at text[start:end], with the tagger's label."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int

    @property
    def low(self) -> str:
        return self.text.casefold()

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()


@cache
def first_names() -> NameBook:
    """Name -> whether it is only a name: "will" is a word as well."""
    data = files("shortstop.privacy").joinpath("data/first_names.txt.gz").read_bytes()
    return NameBook(gzip.decompress(data).decode())


def covered(text: str, spans: Iterable[Span]) -> bytearray:
    """One byte for each character of `text`: 1 inside one of the spans."""
    mask = bytearray(len(text))
    for start, end in spans:
        mask[start:end] = b"\1" * (end - start)
    return mask


def people(text: str, entities: Sequence[Entity], taken: Sequence[Span] = ()) -> list[Span]:
    """(start, end) of people's names, titles not included. Nothing is read inside `taken`."""
    return _PeopleReader(text, entities, taken).spans()


def unaccented(name: str) -> str:
    """The spelling of the list of first names."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


class _PeopleReader:
    """Marks words, pass by pass, and joins neighbouring ones at the end."""

    def __init__(self, text: str, entities: Sequence[Entity], taken: Sequence[Span]) -> None:
        self._text, self._entities = text, entities
        self._words = [_Word(m.group(), *m.span()) for m in _WORD.finditer(text)]
        self._starts = [w.start for w in self._words]
        hidden = covered(text, taken)
        self._free = [not any(hidden[w.start : w.end]) for w in self._words]
        self._firm = self._words_of_firms()
        self._marked: set[int] = set()

    def spans(self) -> list[Span]:
        self._mark_tagged()
        self._mark_mistagged()
        self._mark_first_names()
        self._mark_titled()
        self._mark_cued()
        self._mark_listed()
        self._mark_following()
        self._mark_repeated()
        return list(self._joined())

    # ------------------------------------------------------------ passes

    def _mark_tagged(self) -> None:
        for entity in self._entities:
            if entity.label == "PERSON" and not self._numbered(entity):
                self._mark(i for i in self._within(entity) if self._may_name(i))

    def _mark_mistagged(self) -> None:
        """Up to four words that begin with a first name are a person, whatever the tagger says."""
        for entity in self._entities:
            inside = self._within(entity)
            if entity.label not in MISTAKEN or not 0 < len(inside) <= 4 or self._numbered(entity):
                continue
            if self._firm.isdisjoint(inside) and (
                self._is_first(inside[0]) or (len(inside) > 1 and self._may_be_first(inside[0]))
            ):
                self._mark(i for i in inside if self._may_name(i))

    def _mark_first_names(self) -> None:
        places = {i for e in self._entities if e.label in ("GPE", "NORP") for i in self._within(e)}
        for i in range(len(self._words)):
            if self._may_name(i) and self._is_first(i) and i not in places and i not in self._firm:
                self._mark([i])

    def _mark_titled(self) -> None:
        for i, word in enumerate(self._words[:-1]):
            if word.low in TITLES and self._adjoins(i) and self._may_name(i + 1):
                self._mark([i + 1])

    def _mark_cued(self) -> None:
        """Words that may be a name, where the text before or after speaks of a person."""
        for i, word in enumerate(self._words):
            if not self._may_name(i) or i in self._firm or i in self._marked:
                continue
            before = self._text[max(0, word.start - 24) : word.start]
            after = self._text[word.end : word.end + 24]
            if self._may_be_first(i) and (_CUES.search(before) or _SPEAKS.match(after)):
                self._mark([i])

    def _mark_listed(self) -> None:
        """If one item of a list is a person, its neighbours are."""
        for i in sorted(self._marked):
            for left, right in ((i, i + 1), (i - 1, i)):
                if left < 0 or right >= len(self._words):
                    continue
                other = right if left == i else left
                between = self._text[self._words[left].end : self._words[right].start]
                listed = between in (" and ", ", ", " & ") and self._may_name(other)
                if listed and self._may_be_first(other):
                    self._mark([other])

    def _mark_following(self) -> None:
        """Initials, particles and further capitalised words after a name, in the same line."""
        for i in sorted(self._marked):
            last, steps = i, 0
            while steps < 3 and self._adjoins(last):
                last, steps = last + 1, steps + 1
                if self._words[last].low in PARTICLES and self._words[last].text.islower():
                    continue
                if not (self._may_name(last) or self._initial(last)) or self._possessive(last - 1):
                    break
                self._mark(range(i, last + 1))

    def _mark_repeated(self) -> None:
        """Parts of a name that occur elsewhere."""
        parts = {
            self._words[i].text
            for i in self._marked
            if len(self._words[i].text) > 2 and self._words[i].low not in NOT_NAMES
        }
        self._mark(i for i, w in enumerate(self._words) if w.text in parts and self._may_name(i))

    # ------------------------------------------------------------ words

    def _within(self, entity: Entity) -> list[int]:
        """The indices of the entity's words, up to the end of its first line."""
        line = self._text.find("\n", entity.start, entity.end)
        end = entity.end if line < 0 else line
        first = last = bisect_left(self._starts, entity.start)
        while last < len(self._words) and self._words[last].end <= end:
            last += 1
        return list(range(first, last))

    def _numbered(self, entity: Entity) -> bool:
        return any(c.isdigit() for c in self._text[entity.start : entity.end])

    def _words_of_firms(self) -> set[int]:
        return {
            i
            for e in self._entities
            if e.label == "ORG" and any(self._words[j].low in FIRMS for j in self._within(e))
            for i in self._within(e)
        }

    def _may_name(self, i: int) -> bool:
        """Whether a word can be part of a name: capitalised, free, not known as another word."""
        word = self._words[i]
        return (
            self._free[i]
            and word.capital
            and len(word.text) > 1
            and word.low.split("'")[0] not in NOT_NAMES
            and word.low not in TITLES
            and word.low not in FIRMS
        )

    def _initial(self, i: int) -> bool:
        word = self._words[i]
        return self._free[i] and len(word.text) == 1 and word.capital and word.text != "I"

    def _without_possessive(self, i: int) -> str:
        low = self._words[i].low
        return low[:-2] if low.endswith(("'s", "’s")) else low

    def _is_first(self, i: int) -> bool:
        return bool(first_names().get(unaccented(self._without_possessive(i).split("-")[0])))

    def _may_be_first(self, i: int) -> bool:
        return unaccented(self._without_possessive(i).split("-")[0]) in first_names()

    def _adjoins(self, i: int) -> bool:
        """Whether the next word follows directly, in the same line."""
        if i + 1 >= len(self._words):
            return False
        between = self._text[self._words[i].end : self._words[i + 1].start]
        if not _GAP.fullmatch(between):
            return False
        return "." not in between or len(self._words[i].text) <= 4

    def _possessive(self, i: int) -> bool:
        """Whether the word ends in a possessive, and so ends a name."""
        return self._words[i].low.endswith(("'s", "’s"))

    def _mark(self, indices: Iterable[int]) -> None:
        self._marked.update(i for i in indices if self._free[i])

    def _joined(self) -> Iterator[Span]:
        run: list[int] = []
        for i in sorted(self._marked):
            if run and not self._continues(run[-1], i):
                yield self._span(run)
                run = []
            run.append(i)
        if run:
            yield self._span(run)

    def _continues(self, last: int, i: int) -> bool:
        """Whether word `i` belongs to the name whose last word so far is `last`."""
        return i == last + 1 and self._adjoins(last) and not self._possessive(last)

    def _span(self, run: Sequence[int]) -> Span:
        last = self._words[run[-1]]
        return self._words[run[0]].start, last.end - (2 if self._possessive(run[-1]) else 0)
