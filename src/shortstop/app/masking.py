"""What was said without what privacy finds in it, for eyes that need not see it."""

from __future__ import annotations

import logging

import msgspec
from msgspec.structs import replace

from shortstop.traces import Redact
from shortstop.traces.document import answer
from shortstop.types import Choice, Grade, Trace

log = logging.getLogger("shortstop")


def masked(trace: Trace, redact: Redact) -> Trace:
    """Without the values that privacy finds; without content where they cannot be told."""
    try:
        request = trace.request and redact(trace.request, trace.tenant)
        whole = msgspec.to_builtins(answer(trace.response))
        clean = whole and redact(whole, trace.tenant)
        response = clean and msgspec.convert(clean["choices"], tuple[Choice, ...])
    except Exception as error:  # whatever a detector may raise
        _failed(trace.id, error)
        return replace(trace, request=None, response=None)
    return replace(trace, request=request, response=response)


def masked_grade(grade: Grade, redact: Redact) -> Grade:
    """The same of what somebody said should have been answered."""
    if grade.correction is None:
        return grade
    try:
        clean = redact({"text": grade.correction}, grade.tenant)["text"]
    except Exception as error:
        _failed(grade.trace, error)
        return replace(grade, correction=None)
    return replace(grade, correction=clean)


def _failed(id: str, error: Exception) -> None:
    kind = type(error).__name__
    log.warning("trace %s: its content is not shown, masking failed (%s)", id, kind)
