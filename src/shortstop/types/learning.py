"""What the workshop learns from: judgements of answers that outlive the process."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

GradeSource = Literal["comparison", "judge", "user", "reviewer", "client"]
"""Who judged: a program that compared two answers, a judge model, an end user through any key, a
person whom the operator trusts to review, or what the client did next (retried, went on)."""


class Grade(Struct, frozen=True):
    """One judgement of the answer that `target` gave to the request with the id `trace`.

    `value` is in [0, 1], 1 as good as can be; None where only a correction was given.
    `reference` names the target whose answer was the yardstick, `grader` the program that
    compared. `correction` is the answer that should have been given: content, kept as the
    row's request and response are. `at` is Unix time in seconds.
    """

    trace: str
    tenant: str
    source: GradeSource
    target: str
    value: float | None
    at: float
    reference: str | None = None
    grader: str | None = None
    correction: str | None = None


RUN_OUTCOME = "run"
"""The `grader` of how a whole run ended: the grade's `trace` is the run, its `target` empty."""
