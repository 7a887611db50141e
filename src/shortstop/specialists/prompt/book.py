"""Examples for a local model to answer by: some always, in front, and the nearest to the request.

The fixed ones come first and in one order, so that an engine's cache of prompt prefixes holds them;
of the retrieved ones the nearest is last (Brown et al. 2020 for examples in a prompt, Liu et al.
2022 for retrieving them by embedding). It answers nothing itself: whoever serves its opinions asks
a local model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from shortstop.specialists.encoder import Encoder, Matrix
from shortstop.specialists.opinion import Opinion, Shot
from shortstop.specialists.query import Query
from shortstop.specialists.words import Vector
from shortstop.types import Message, Request, Text

LONGEST = 4_000
"""Characters of all examples of a prompt together: small models have small contexts."""
SYSTEM = ("system", "developer")


class PromptBook:
    """`shots` with their embeddings `units` (n, width); the first `fixed` stand in every prompt,
    `near` more are retrieved."""

    def __init__(
        self, shots: Sequence[Shot], units: Matrix, fixed: int, near: int, encoder: Encoder
    ) -> None:
        self.shots = tuple(shots)
        self.units = units
        self.fixed = fixed
        self.near = near
        self._encoder = encoder

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        """The confidence is the cosine with the nearest example."""
        units = self._encoder.encode([query.whole for query in queries])
        return [
            self.judge(unit) if query.text.strip() and not query.must_call else None
            for query, unit in zip(queries, units, strict=True)
        ]

    def judge(self, unit: Vector, without: int | None = None) -> Opinion | None:
        """`without` is the number of a shot that is left out: the request itself."""
        cosines = self.units @ unit
        if without is not None:
            cosines[without] = -1.0
        order = [i for i in np.argsort(-cosines, kind="stable").tolist() if i != without]
        nearest = [i for i in order if i >= self.fixed][: self.near]
        chosen = [i for i in range(self.fixed) if i != without] + nearest[::-1]
        if not order:
            return None
        confidence = float(np.clip(cosines[order[0]], 0.0, 1.0))
        return Opinion("", confidence, confidence, shots=self._fitting(chosen))

    def _fitting(self, chosen: Sequence[int]) -> tuple[Shot, ...]:
        """As many as fit, the last ones rather than the first."""
        kept: list[Shot] = []
        left = LONGEST
        for i in reversed(chosen):
            left -= len(self.shots[i].text) + len(self.shots[i].answer)
            if left < 0:
                break
            kept.append(self.shots[i])
        return tuple(reversed(kept))


def with_shots(request: Request, shots: Sequence[Shot]) -> Request:
    """The request with examples as turns between its system prompt and its own. Its body is empty:
    an engine is sent an encoding of its fields."""
    head = [m for m in request.messages if m.role in SYSTEM]
    own = [m for m in request.messages if m.role not in SYSTEM]
    turns = [
        message
        for shot in shots
        for message in (
            Message("user", (Text(shot.text),)),
            Message("assistant", (Text(shot.answer),)),
        )
    ]
    return replace(request, messages=(*head, *turns, *own), body={})
