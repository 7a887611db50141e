"""What became of one line: as it is written into the output or the errors of its batch."""

from __future__ import annotations

import secrets

import msgspec
from msgspec import Raw, Struct


class LineAnswer(Struct, frozen=True):
    """A response to a line. `conversation` is what it is erased by. `again`: the line may be asked
    again after so many seconds; None: this is its answer, good or bad."""

    status: int
    request_id: str
    body: bytes
    conversation: str = ""
    again: float | None = None

    @property
    def failed(self) -> bool:
        return self.status != 200


class LineError(Struct, frozen=True):
    """Why a line was not asked."""

    code: str
    message: str


EXPIRED = LineError(
    "batch_expired",
    "This request could not be executed before the completion window expired.",
)


class _LineResponse(Struct, frozen=True):
    status_code: int
    request_id: str
    body: Raw


class _OutcomeLine(Struct, frozen=True):
    id: str
    custom_id: str
    response: _LineResponse | None
    error: LineError | None


def written(custom_id: str, what: LineAnswer | LineError) -> bytes:
    """The line of the output or the errors file, with its end."""
    id = f"batch_req_{secrets.token_hex(12)}"
    if isinstance(what, LineError):
        outcome = _OutcomeLine(id, custom_id, None, what)
    else:
        response = _LineResponse(what.status, what.request_id, Raw(what.body or b"null"))
        outcome = _OutcomeLine(id, custom_id, response, None)
    return msgspec.json.encode(outcome) + b"\n"
