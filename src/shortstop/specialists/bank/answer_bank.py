"""An answer bank: which of the vetted answers a request wants, if any.

The same head as for labels, with the answers as its labels and one class more for requests that
none of them fits. What is served is one of the answers, verbatim.
"""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.specialists.encoder import Encoder
from shortstop.specialists.head.files import dump_head, load_head
from shortstop.specialists.head.label_head import HeadSpecialist, LabelHead
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query

NO_ANSWER = ""
"""The class of requests that no answer of the bank fits."""


class AnswerBank:
    """`head` has the answers as labels; it says nothing where NO_ANSWER is the likeliest."""

    def __init__(self, head: LabelHead, encoder: Encoder) -> None:
        self._whole = HeadSpecialist(head, encoder)

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        told = self._whole.opine(queries)
        return [one if one is not None and one.answer != NO_ANSWER else None for one in told]


def dump_bank(head: LabelHead) -> dict[str, bytes]:
    return dump_head(head)


def _load(files: Files, encoder: GetEncoder) -> AnswerBank:
    return AnswerBank(load_head(files), encoder())


ANSWER_BANK = SpecialistKind("answer-bank", _load)
