"""A JSON answer, read field by field, with what it is sure of alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from msgspec import Struct

from shortstop.specialists.composed.field import MISSING, FieldOpinion, FieldReader
from shortstop.specialists.composed.records import Records, Shares
from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.page import Embed, Page
from shortstop.specialists.json_object import Style, write
from shortstop.specialists.novelty import Wordings, masked
from shortstop.specialists.opinion import NEVER, Opinion
from shortstop.specialists.query import Query

MOST_UNSURE = 0.5
"""Share of the fields that may be left to somebody else: more is hardly worth a second question."""
PARTLY = "partly-"
"""Begins the strata of answers with unsure fields."""

Read = Mapping[str, FieldOpinion | None]
"""What each field says; None where it has nothing to say, or was not learned."""


class Levels(Struct, frozen=True):
    """From which confidence on a whole answer is sure, by stratum, and each field, by stratum and
    name. What is not listed is never sure."""

    whole: dict[str, float] = {}
    fields: dict[str, dict[str, float]] = {}


class AnswerLayout(Struct, frozen=True):
    """How fields become an answer. `names` are those of its fields, in order; `keys` are those
    whose values repeat: if all were met before, the stratum is "known", else "new". `records` are
    what is known of their values."""

    names: tuple[str, ...]
    style: Style
    keys: tuple[str, ...] = ()
    levels: Levels = Levels()
    records: dict[str, Records] = {}

    def weighed(self, read: Read) -> dict[str, FieldOpinion | None]:
        """Each confidence times how often the field was right with this value of each key."""
        return weighed(read, [self.records[key].of(*key_of(read.get(key))) for key in self.records])

    def stratum(self, read: Read) -> str:
        if not self.keys:
            return "all"
        opinions = [read.get(key) for key in self.keys]
        return "known" if all(one is not None and one.known for one in opinions) else "new"

    def opinion(self, read: Read, similarity: float) -> Opinion | None:
        """The whole answer where that is sure, or else the sure fields, if most are; or else the
        whole one with the confidence that it has, if it has each field. None if nothing is left.
        """
        stratum = self.stratum(read)
        values = {name: one for name in self.names if (one := read.get(name)) is not None}
        whole = len(values) == len(self.names)
        confidence = prod(one.confidence for one in values.values())
        if not whole or confidence < self.levels.whole.get(stratum, NEVER):
            partly = self._partly(values, stratum, similarity)
            if partly is not None or not whole:
                return partly
        return Opinion(self._written(values), confidence, similarity, stratum)

    def _partly(
        self, values: Mapping[str, FieldOpinion], stratum: str, similarity: float
    ) -> Opinion | None:
        levels = self.levels.fields.get(stratum, {})
        sure = {n: one for n, one in values.items() if one.confidence >= levels.get(n, NEVER)}
        unsure = tuple(name for name in self.names if name not in sure)
        if not unsure or len(unsure) > MOST_UNSURE * len(self.names):
            return None
        confidence = prod(one.confidence for one in sure.values())
        return Opinion(self._written(sure), confidence, similarity, PARTLY + stratum, unsure=unsure)

    def _written(self, values: Mapping[str, FieldOpinion]) -> str:
        fields = {name: values[name].value if name in values else None for name in self.names}
        return write({n: value for n, value in fields.items() if value is not MISSING}, self.style)


class ComposedSpecialist:
    """`fields` by name; None for one that was not learned. `wordings` are those learned from;
    None for papers, whose words are no wording: a new layout is a new value of a key there."""

    def __init__(
        self,
        plan: AnswerLayout,
        fields: Mapping[str, FieldReader | None],
        wordings: Wordings | None = None,
        embed: Embed | None = None,
    ) -> None:
        self.plan = plan
        self.fields = dict(fields)
        self.wordings = wordings
        self._embed = embed

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        """None for what is too long, empty, or lacks too many fields."""
        return [self._opinion(Page(query.whole, self._embed)) for query in queries]

    def _opinion(self, page: Page) -> Opinion | None:
        if not page.readable:
            return None
        read = read_all(self.fields, page)
        similarity = 1.0
        if self.wordings is not None:
            similarity = self.wordings.similarity(wording(page.text, read))
        return self.plan.opinion(self.plan.weighed(read), similarity)


def key_of(opinion: FieldOpinion | None) -> tuple[str, bool]:
    """The loose spelling of a key field's value, and whether it was met before."""
    if opinion is None or not isinstance(opinion.value, str):
        return "", False
    return loose(opinion.value)[0], opinion.known


def weighed(read: Read, shares: Sequence[Shares]) -> dict[str, FieldOpinion | None]:
    return {
        name: one and one._replace(confidence=one.confidence * prod(s[name] for s in shares))
        for name, one in read.items()
    }


def read_all(
    fields: Mapping[str, FieldReader | None], page: Page
) -> dict[str, FieldOpinion | None]:
    return {n: None if field is None else field.read(page) for n, field in fields.items()}


def wording(text: str, read: Read) -> str:
    """The text without the values that were read."""
    return masked(text, [slot for one in read.values() if one is not None for slot in one.slots])
