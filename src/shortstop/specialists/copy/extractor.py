"""A flat JSON answer, copied field by field out of the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Literal

import msgspec

from shortstop.specialists.copy.tagger import FieldOpinion, FieldTagger, sequence
from shortstop.specialists.copy.tokens import MAX_TOKENS, features, tokens
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query

Scalar = Literal["text", "number"]


class CopyExtractor:
    """`fields` in the order of the answer; `kinds` says which values are written as numbers. `key`
    is the field whose value being known or new makes the stratum, None where none repeats."""

    def __init__(
        self,
        fields: Mapping[str, FieldTagger],
        kinds: Mapping[str, Scalar],
        key: str | None,
    ) -> None:
        self.fields = dict(fields)
        self.kinds = dict(kinds)
        self.key = key

    def read(self, text: str) -> dict[str, FieldOpinion | None]:
        """What each field says; {} for a text that is too long or empty."""
        found = tokens(text)
        if not 0 < len(found) <= MAX_TOKENS:
            return {}
        seen = sequence(features(found))
        return {name: tagger.opine(text, found, seen) for name, tagger in self.fields.items()}

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        """None where a field has no value: a small model never guesses what is absent."""
        return [self.answer(query.text) for query in queries]

    def answer(self, text: str) -> Opinion | None:
        """The whole answer to one text."""
        read = self.read(text)
        values = {name: one for name, one in read.items() if one is not None}
        if not read or len(values) < len(read):
            return None
        confidence = prod(one.confidence for one in values.values())
        stratum = "all"
        if self.key is not None:
            stratum = "known" if values[self.key].known else "new"
        answer = {name: self.scalar(name, one.value) for name, one in values.items()}
        return Opinion(msgspec.json.encode(answer).decode(), confidence, 1.0, stratum)

    def scalar(self, name: str, value: str) -> str | float | int:
        if self.kinds.get(name) != "number":
            return value
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() and "." not in value else number
