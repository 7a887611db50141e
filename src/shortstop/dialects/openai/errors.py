"""OpenAI's error body, out and in."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.failures import failure
from shortstop.errors import ShortstopError, TargetError


def error_body(error: ShortstopError) -> dict[str, Any]:
    return {
        "error": {
            "message": str(error),
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


def encode_error(error: ShortstopError) -> bytes:
    """`{"error": {message, type, param, code}}`."""
    return msgspec.json.encode(error_body(error))


def decode_error(status: int, body: bytes, retry_after: float | None) -> TargetError:
    """What a non-2xx answer means. Never raises."""
    return failure(status, *read_error(body), retry_after)


def read_error(body: bytes) -> tuple[str, str | None, str | None]:
    """Message, code and type: `{"error": {...}}`, `{"error": "..."}` or the object bare."""
    try:
        tree = msgspec.json.decode(body)
        error = tree.get("error") or tree
        if isinstance(error, str):
            return error, None, None
        code, kind = error.get("code"), error.get("type")
        return (
            str(error.get("message") or error.get("detail") or "no reason given"),
            code if isinstance(code, str) else None,
            kind if isinstance(kind, str) else None,
        )
    except (ValueError, RecursionError, TypeError, AttributeError):
        return "no reason given", None, None
