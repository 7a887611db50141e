"""Anthropic's error body, both ways."""

from __future__ import annotations

from shortstop.dialects.anthropic.describe import OVERLOADED
from shortstop.dialects.failures import NO_REASON, failure
from shortstop.dialects.parsing import optional_text, parse_error
from shortstop.errors import ShortstopError, TargetError
from shortstop.types import Json

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


def error_body(error: ShortstopError, request_id: str) -> Json:
    """`{"type": "error", "error": {type, message}, "request_id": ...}`."""
    kind = _TYPES.get(error.status) or (
        "invalid_request_error" if 400 <= error.status < 500 else "api_error"
    )
    details = {"type": kind, "message": error.told}
    return {"type": "error", "error": details, "request_id": request_id}


def decode_error(status: int, body: bytes, retry_after: float | None) -> TargetError:
    """The error of a non-2xx answer. Never raises."""
    message, kind = _details(parse_error(body))
    code = "insufficient_quota" if kind == "billing_error" else kind
    return failure(status, message, code=code, kind=kind, retry_after=retry_after)


def _details(tree: Json) -> tuple[str, str | None]:
    """Message and type."""
    error = tree.get("error")
    if not isinstance(error, dict):
        return NO_REASON, None
    return str(error.get("message") or NO_REASON), optional_text(error.get("type"))
