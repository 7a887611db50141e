"""What comes back: pairs and feedback. Each outcome counts once, however often it arrives."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Source = Literal["user", "human", "judge", "implicit"]


class Feedback(Struct, frozen=True):
    """What somebody says about an answer: one of score (0 to 1), label (good or not), correction.

    `correction` is the answer that should have been given; `answer` the one that was. Of a tenant's
    request only this tenant may speak; None: whoever speaks was told apart by nobody.
    """

    request_id: str
    score: float | None = None
    label: bool | None = None
    correction: str | None = None
    answer: str | None = None
    source: Source = "user"
    target: str | None = None
    tenant: str | None = None


class Pair(Struct, frozen=True):
    """Grades of a local answer and the frontier's to the same request, each in [0, 1].

    `marks`: what the local answer's text shows (`gate.text_marks`), where the text was at hand.
    """

    request_id: str
    local: float
    frontier: float = 1.0
    source: Literal["program", "judge", "human"] = "program"
    marks: tuple[float, ...] = ()
