"""The kinds of specialists there are. Their order is that of cost: who answers first where several
could, and who must beat whom to be worth having."""

from __future__ import annotations

from shortstop.errors import StoreError
from shortstop.specialists.adapter.files import ADAPTER
from shortstop.specialists.bank.answer_bank import ANSWER_BANK
from shortstop.specialists.composed.files import COMPOSED
from shortstop.specialists.head.files import LABEL_HEAD
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind
from shortstop.specialists.opinion import Specialist
from shortstop.specialists.prompt.files import PROMPT
from shortstop.specialists.repeats.files import REPEATS
from shortstop.specialists.tools.files import TOOLS

KINDS: tuple[SpecialistKind, ...] = (
    REPEATS,
    LABEL_HEAD,
    ANSWER_BANK,
    COMPOSED,
    TOOLS,
    PROMPT,
    ADAPTER,
)
"""Cheapest first."""


def load(kind: str, files: Files, encoder: GetEncoder) -> Specialist:
    """Raises StoreError for an unknown kind, damaged files, or a lack of the encoder."""
    for known in KINDS:
        if known.name == kind:
            return known.load(files, encoder)
    raise StoreError(f"A specialist ({kind}) is of a kind that is not known here.")
