"""What a specialist would answer, and when that is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from shortstop.specialists.invocation import Invocation
from shortstop.specialists.query import Query

NEVER = 2.0
"""A threshold that no confidence reaches."""


class Shot(Struct, frozen=True):
    """A vetted example: what was asked, and its answer."""

    text: str
    answer: str


class Opinion(Struct, frozen=True):
    """An answer with how much it is worth.

    `confidence` in [0, 1] orders a task's opinions, it is no probability. `similarity` in [0, 1]
    says how like the request is to what was learned from, its values left out. `stratum` names the
    kind of request whose threshold counts, such as "known" or "new" for a value met before or not.
    An answer that is `calls` of tools is their spelling (`invocation.spelled`).
    `unsure` names the fields of a JSON answer (`a.b` for one in an object `a`) that stand in it as
    null: somebody else is asked for these alone, and everything said here is about the others.
    With `shots` there is no answer yet: a local model gives it, with these before the request.
    With `writes` there is none yet either: a local model writes it under the specialist's adapter,
    in at most so many tokens, and the confidence is known afterwards.
    """

    answer: str
    confidence: float
    similarity: float = 1.0
    stratum: str = "all"
    calls: tuple[Invocation, ...] = ()
    unsure: tuple[str, ...] = ()
    shots: tuple[Shot, ...] = ()
    writes: int = 0


class Specialist(Protocol):
    """Answers one task. Pure: the same request gets the same opinion."""

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        """One for each request; None where it has nothing to say. Never raises, whatever was
        asked."""


class Gate(Struct, frozen=True, forbid_unknown_fields=True):
    """Which opinions are served: `thresholds` of the confidence by stratum (one that is not listed
    is never served), and the least similarity of the novelty guard."""

    thresholds: Mapping[str, float]
    least_similarity: float = 0.0

    def serves(self, opinion: Opinion) -> bool:
        threshold = self.thresholds.get(opinion.stratum, NEVER)
        return opinion.confidence >= threshold and opinion.similarity >= self.least_similarity
