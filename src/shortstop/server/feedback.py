"""Feedback on an answer or a whole run. As whom it counts is the caller's role."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from shortstop.errors import Forbidden, InvalidRequest
from shortstop.types import CallerRole, Json


class FeedbackRequest(Struct, frozen=True):
    """How good an answer was: a score, a label or a correction. Or how a run ended: a score or a
    label of the run that `run` names, in place of `request_id`."""

    request_id: Annotated[str, Meta(description="The `x-request-id` of the answer.")] = ""
    run: Annotated[
        str | None,
        Meta(description="The `x-shortstop-run` of a run: solved from a score of 0.5 on."),
    ] = None
    score: Annotated[
        float | None,
        Meta(description="From 0 (useless) to 1 (perfect); values outside are clamped."),
    ] = None
    label: Annotated[bool | None, Meta(description="Whether the answer was good.")] = None
    correction: Annotated[
        str | None, Meta(description="The answer that should have been given.")
    ] = None
    answer: Annotated[
        str | None, Meta(description="The answer that was given, to compare with the correction.")
    ] = None
    target: Annotated[
        str | None, Meta(description="The model that answered; by default the local one.")
    ] = None
    source: Annotated[
        CallerRole | None,
        Meta(description="The role of the key, which decides; any other role is refused."),
    ] = None


def decode(body: Json) -> FeedbackRequest:
    """Raises InvalidRequest."""
    try:
        feedback = msgspec.convert(body, FeedbackRequest)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"Invalid feedback: {error}.") from error
    if bool(feedback.request_id) == bool(feedback.run):
        raise InvalidRequest(
            "Feedback is about one answer (`request_id`) or one run (`run`).",
            hint="Send exactly one of them.",
            param="run" if feedback.run else "request_id",
        )
    if feedback.run and feedback.score is None and feedback.label is None:
        raise InvalidRequest(
            "How the run ended is not said.", hint="Send a `score` or a `label`.", param="score"
        )
    return feedback


def require_role(feedback: FeedbackRequest, role: CallerRole) -> None:
    """Raises Forbidden where the body claims another role than the caller has."""
    if feedback.source not in (None, role):
        raise Forbidden(
            f"This caller has the role {role!r} and cannot give feedback as {feedback.source!r}.",
            hint="Leave `source` out, or use a key that has this role.",
        )
