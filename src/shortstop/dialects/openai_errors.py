"""OpenAI's error body, out and in."""

from __future__ import annotations

import msgspec

from shortstop.errors import (
    ShortstopError,
    TargetError,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)

_LONGEST = 300


def encode_error(error: ShortstopError) -> bytes:
    """`{"error": {message, type, param, code}}`."""
    body = {
        "message": str(error),
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    return msgspec.json.encode({"error": body})


def decode_error(status: int, body: bytes, retry_after: float | None) -> TargetError:
    """What a non-2xx answer means. Never raises."""
    message, code, kind = _read(body)
    if status in (408, 504):
        return UpstreamTimeout("The model did not answer in time.", retry_after=retry_after)
    if not 400 <= status < 500:
        return UpstreamFailed(f"The upstream answered {status}.", retry_after=retry_after)
    if status == 429 and "insufficient_quota" in (code, kind):
        code = "insufficient_quota"
    elif status == 429:
        code = code or "rate_limit_exceeded"
    elif "context" in f"{code} {kind}" or "maximum context length" in message:
        code = "context_length_exceeded"
    error = UpstreamRejected(
        f"The upstream refused the request ({status}): {message}",
        status=status,
        code=code,
        retry_after=retry_after,
    )
    if status in (401, 403):
        # The operator's key is wrong, not the client's: no client can mend it.
        return UpstreamFailed(
            "The upstream does not accept the gateway's key.", code="upstream_auth"
        )
    return error


def _read(body: bytes) -> tuple[str, str | None, str | None]:
    try:
        error = msgspec.json.decode(body)["error"]
        if isinstance(error, str):
            return error[:_LONGEST], None, None
        code, kind = error.get("code"), error.get("type")
        return (
            str(error.get("message") or "")[:_LONGEST],
            code if isinstance(code, str) else None,
            kind if isinstance(kind, str) else None,
        )
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return "no reason given", None, None
