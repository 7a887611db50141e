"""Who, where and for whom: what is read of a request that is about to leave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from shortstop.privacy.detect.addresses import addresses
from shortstop.privacy.leaves import Leaf, leaves
from shortstop.privacy.names.people import FIRMS, NOBODY, Entity, Span, covered, people
from shortstop.privacy.names.tagging import capitalised
from shortstop.types import Finding, Json, Tier

SAID = ("messages", "input", "system", "instructions", "prompt", "user", "metadata")
"""Where people are spoken of; the rest of a body is settings and tools."""
WIRE = frozenset(
    (
        "role",
        "type",
        "id",
        "call_id",
        "tool_call_id",
        "tool_use_id",
        "model",
        "media_type",
        "status",
    )
)
_NUMBER = re.compile(r"(?<![\w.,/-])\+?\(?\d[\d ().\-/]{6,21}\d(?![\w-]|[.,]\d)")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
KINDS = {"ORG": "ORGANISATION", "GPE": "PLACE", "LOC": "PLACE", "FAC": "PLACE"}


def told(body: Json) -> list[Leaf]:
    """The leaves that are read."""
    said = {key: body[key] for key in SAID if key in body}
    return [leaf for leaf in leaves(said) if not leaf.sealed and _readable(leaf)]


def _readable(leaf: Leaf) -> bool:
    last = leaf.path.rsplit(".", 1)[-1]
    if last in WIRE or leaf.path.endswith((".function.name", "~")):
        return False
    return any(c.isalpha() for c in leaf.text) and not leaf.text.startswith("data:")


def findings(told: Sequence[Leaf], seen: Sequence[Sequence[Entity]]) -> list[Finding]:
    """One list for all leaves, `seen` being what the tagger saw in each.

    Organisations and places are only told beside a person: alone they name nobody.
    """
    found = [
        Finding(label, Tier.S1, f"ner-{label.lower()}", leaf.path, start, end)
        for leaf, entities in zip(told, seen, strict=True)
        for label, start, end in spans(leaf.text, entities)
    ]
    if any(f.label in ("PERSON", "ADDRESS") for f in found):
        return found
    return []


def spans(text: str, entities: Sequence[Entity]) -> Iterator[tuple[str, int, int]]:
    """(label, start, end) of everything that is read in a text; no two overlap."""
    shown = capitalised(text)
    taken = list[Span](addresses(shown))
    yield from (("ADDRESS", *span) for span in taken)
    hidden = covered(text, taken)
    yield from (n for n in _numbers(text) if not any(hidden[n[1] : n[2]]))
    persons = people(shown, entities, taken)
    yield from (("PERSON", *span) for span in persons)
    hidden = covered(text, taken + persons)
    for entity in entities:
        label = KINDS.get(entity.label)
        if label is None or any(hidden[entity.start : entity.end]):
            continue
        start, end = _bare(text, entity)
        if end - start >= 3 and any(c.isupper() for c in shown[start:end]):
            yield (label, start, end)


def _numbers(text: str) -> Iterator[tuple[str, int, int]]:
    """Long numbers as people write those of telephones and cards, whatever their check digits."""
    for match in _NUMBER.finditer(text):
        said = match.group()
        digits = sum(c.isdigit() for c in said)
        if _DATE.fullmatch(said) or not 7 <= digits <= 19:
            continue
        if digits >= 13 and said.replace(" ", "").replace("-", "").isdigit():
            yield ("CARD", *match.span())
        elif digits <= 15 and digits < len(said):
            yield ("PHONE", *match.span())


def _bare(text: str, entity: Entity) -> Span:
    """Without article, possessive and what follows in the next line; (0, 0) for no name at all."""
    said = text[entity.start : entity.end].split("\n")[0]
    start = entity.start + (4 if said.lower().startswith("the ") else 0)
    end = entity.start + len(said.rstrip(" .,;:"))
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    words = text[start:end].casefold().split()
    if not words or all(w in NOBODY or w in FIRMS or not w.isalpha() for w in words):
        return 0, 0
    return start, end
