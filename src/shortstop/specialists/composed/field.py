"""A field of a JSON answer, as whoever learned it reads it in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from shortstop.specialists.copy.page import Page
from shortstop.specialists.head.label_head import LabelHead
from shortstop.specialists.novelty import Slot


class _Missing:
    """The value of a field that an answer leaves out."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


class FieldOpinion(NamedTuple):
    """A value, JSON or MISSING, and how sure it is, in [0, 1]. `known`: it was met in training.
    `slots` are the places in the text that it was read from."""

    value: Any
    confidence: float
    known: bool = True
    slots: Sequence[Slot] = ()


class FieldReader(Protocol):
    """Reads one field. Pure."""

    def read(self, page: Page) -> FieldOpinion | None:
        """None where it has nothing to say."""


class ConstantField(Struct, frozen=True):
    """One value, whatever was asked; `share` of the answers had it."""

    spelled: str
    share: float

    def read(self, page: Page) -> FieldOpinion | None:
        return FieldOpinion(value_of(self.spelled), self.share)


class LabelField:
    """One of few values: the labels of `head` are their spellings."""

    def __init__(self, head: LabelHead) -> None:
        self.head = head

    def read(self, page: Page) -> FieldOpinion | None:
        (opinion,) = self.head.judge([page.text], page.unit[None, :])
        return FieldOpinion(value_of(opinion.answer), opinion.confidence)


def spelling(value: Any) -> str:
    """The same for equal JSON values; "" for one that is missing."""
    return "" if value is MISSING else msgspec.json.encode(value, order="sorted").decode()


def value_of(spelled: str) -> Any:
    return msgspec.json.decode(spelled) if spelled else MISSING
