"""OpenAI's error body, both ways."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.failures import failure
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed

NO_REASON = "no reason given"


def error_body(error: ShortstopError) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`."""
    return {
        "error": {
            "message": str(error),
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


def encode_error(error: ShortstopError) -> bytes:
    """`error_body` as JSON."""
    return msgspec.json.encode(error_body(error))


def decode_error(status: int, body: bytes, retry_after: float | None) -> TargetError:
    """The error of a non-2xx answer. Never raises."""
    try:
        tree = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        tree = None
    return failure(status, *_fields(tree), retry_after)


def mid_stream_failure(frame: Any) -> UpstreamFailed:
    """The error of an error frame. No status came with it, so it counts as the upstream's."""
    message, code, kind = _fields(frame)
    error = failure(400, message, code, kind, None)
    return UpstreamFailed(error.message.replace(" (400)", "", 1), code=code)


def _fields(tree: Any) -> tuple[str, str | None, str | None]:
    """Message, code and type of `{"error": {...}}`, `{"error": "..."}` or the bare object."""
    if not isinstance(tree, dict):
        return NO_REASON, None, None
    error = tree.get("error") or tree
    if isinstance(error, str):
        return error, None, None
    if not isinstance(error, dict):
        return NO_REASON, None, None
    code, kind = error.get("code"), error.get("type")
    return (
        str(error.get("message") or error.get("detail") or NO_REASON),
        code if isinstance(code, str) else None,
        kind if isinstance(kind, str) else None,
    )
