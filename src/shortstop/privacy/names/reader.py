"""Reads people, places and numbers in a request that is about to leave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from shortstop.privacy.detect.addresses import addresses
from shortstop.privacy.leaves import Leaf, LeafReader
from shortstop.privacy.names.people import FIRMS, NOT_NAMES, Entity, Span, covered, people
from shortstop.privacy.names.tagging import capitalised
from shortstop.types import Finding, Json, Tier, WireWords

LABELS = {"ORG": "ORGANISATION", "GPE": "PLACE", "LOC": "PLACE", "FAC": "PLACE"}
"""Our label for a tagger's. People and numbers have rules of their own."""
_NUMBER = re.compile(r"(?<![\w.,/-])\+?\(?\d[\d ().\-/]{6,21}\d(?![\w-]|[.,]\d)")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")


def readable(body: Json, reader: LeafReader) -> list[Leaf]:
    """The leaves in which names are read."""
    spoken = {key: value for key, value in body.items() if key in reader.words.spoken}
    leaves = reader.leaves(spoken)
    return [leaf for leaf in leaves if not leaf.sealed and _is_prose(leaf, reader.words)]


def _is_prose(leaf: Leaf, words: WireWords) -> bool:
    field = leaf.path.rsplit(".", 1)[-1]
    if field in words.verbatim or leaf.path.endswith(("~", *words.call_names)):
        return False
    return any(c.isalpha() for c in leaf.text) and not leaf.text.startswith("data:")


def findings(texts: Sequence[Leaf], entities: Sequence[Sequence[Entity]]) -> list[Finding]:
    """One list for all leaves. `entities` is what the tagger saw, one sequence for each leaf.

    Empty unless a person or an address is among them: organisations and places alone identify
    nobody. Raises ValueError when the two lengths differ.
    """
    read = [
        Finding(label, Tier.S1, f"ner-{label.lower()}", leaf.path, start, end)
        for leaf, tagged in zip(texts, entities, strict=True)
        for label, start, end in spans(leaf.text, tagged)
    ]
    return read if any(f.label in ("PERSON", "ADDRESS") for f in read) else []


def spans(text: str, entities: Sequence[Entity]) -> Iterator[tuple[str, int, int]]:
    """(label, start, end) of everything that is read in a text, end exclusive; no two overlap."""
    shown = capitalised(text)
    taken = list[Span](addresses(shown))
    yield from (("ADDRESS", *span) for span in taken)
    hidden = covered(text, taken)
    yield from (n for n in _numbers(text) if not any(hidden[n[1] : n[2]]))
    persons = people(shown, entities, taken)
    yield from (("PERSON", *span) for span in persons)
    hidden = covered(text, taken + persons)
    for entity in entities:
        label = LABELS.get(entity.label)
        if label is None or any(hidden[entity.start : entity.end]):
            continue
        start, end = _trimmed(text, entity)
        if end - start >= 3 and any(c.isupper() for c in shown[start:end]):
            yield (label, start, end)


def _numbers(text: str) -> Iterator[tuple[str, int, int]]:
    """Long numbers written like those of telephones and cards, whatever their check digits."""
    for match in _NUMBER.finditer(text):
        number = match.group()
        digits = sum(c.isdigit() for c in number)
        if _DATE.fullmatch(number) or not 7 <= digits <= 19:
            continue
        if digits >= 13 and number.replace(" ", "").replace("-", "").isdigit():
            yield ("CARD", *match.span())
        elif digits <= 15 and digits < len(number):
            yield ("PHONE", *match.span())


def _trimmed(text: str, entity: Entity) -> Span:
    """Without article, possessive and following lines; (0, 0) when no name is left."""
    line = text[entity.start : entity.end].split("\n")[0]
    start = entity.start + (4 if line.lower().startswith("the ") else 0)
    end = entity.start + len(line.rstrip(" .,;:"))
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    words = text[start:end].casefold().split()
    if not words or all(w in NOT_NAMES or w in FIRMS or not w.isalpha() for w in words):
        return 0, 0
    return start, end
