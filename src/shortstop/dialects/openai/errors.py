"""OpenAI's error body, both ways."""

from __future__ import annotations

import msgspec

from shortstop.dialects.failures import failure
from shortstop.dialects.parsing import optional_text, parse_error
from shortstop.errors import ShortstopError, TargetError
from shortstop.types import Json


def error_body(error: ShortstopError) -> Json:
    """`{"error": {message, type, param, code}}`."""
    return {
        "error": {
            "message": error.told,
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
    return _failure(status, parse_error(body), retry_after)


def _failure(status: int, tree: Json, retry_after: float | None) -> TargetError:
    details = _details(tree)
    return failure(
        status,
        _message(details),
        code=optional_text(details.get("code")),
        kind=optional_text(details.get("type")),
        param=optional_text(details.get("param")),
        retry_after=retry_after,
    )


def _details(tree: Json) -> Json:
    """The object in `{"error": {...}}`, `{"error": "..."}` or `{"message": ...}`."""
    error = tree.get("error") or tree
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _message(details: Json) -> str | None:
    message = details.get("message") or details.get("detail")
    return str(message) if message else None
