"""What an upstream's non-2xx answer means, in any dialect."""

from __future__ import annotations

import re

from shortstop.errors import TargetError, UpstreamFailed, UpstreamRejected, UpstreamTimeout

MAX_MESSAGE_CHARS = 300
NO_REASON = "no reason given"
_SECRET = re.compile(
    r"(?i)\b(?:bearer\s+\S+|(?:sk|pk|rk|xai|gsk|key|hf|ghp|pat)[-_][\w*.-]{6,}|AIza[\w-]{10,}"
    r"|eyJ[\w-]{8,}\.[\w.-]+|(?:api[-_ ]?key|token|password|secret)[\"']?\s*[:=]\s*\S+)"
)
_TOO_LONG = re.compile(
    r"(?i)maximum context length|context[ _](?:length|limit|window|size)|prompt is too long"
    r"|input is too long|exceeds? the (?:available )?context|too many (?:input )?tokens"
)


def failure(
    status: int,
    message: str | None,
    *,
    code: str | None = None,
    kind: str | None = None,
    retry_after: float | None = None,
) -> TargetError:
    """The error for `status`, with the vendor's message, cut short and stripped of secrets, and
    what the vendor calls the error: a `code`, a `kind` or both."""
    message = message or NO_REASON
    if status in (408, 504):
        return UpstreamTimeout("The model did not answer in time.", retry_after=retry_after)
    if status in (401, 403):
        # The operator's key is wrong, not the client's: the client cannot fix it.
        return UpstreamFailed(
            "The upstream does not accept the gateway's key.", code="upstream_auth"
        )
    if status == 529:
        return UpstreamFailed(
            "The upstream is overloaded.", status=503, code="overloaded", retry_after=retry_after
        )
    if not 400 <= status < 500:
        return UpstreamFailed(f"The upstream answered {status}.", retry_after=retry_after)
    return UpstreamRejected(
        f"The upstream refused the request ({status}): {clean(message)}",
        status=status,
        code=_code(status, message, code, kind),
        retry_after=retry_after,
    )


def clean(message: str) -> str:
    """A vendor's message, fit to be shown: at most `MAX_MESSAGE_CHARS` long, no secrets in it."""
    return _SECRET.sub("[removed]", message[: 4 * MAX_MESSAGE_CHARS])[:MAX_MESSAGE_CHARS]


def _code(status: int, message: str, code: str | None, kind: str | None) -> str | None:
    if status == 429:
        no_credit = "insufficient_quota" in (code, kind) or "billing" in f"{code} {kind}"
        return "insufficient_quota" if no_credit else "rate_limit_exceeded"
    if status in (400, 413, 422) and (
        code == "context_length_exceeded" or _TOO_LONG.search(f"{kind} {message[:4000]}")
    ):
        return "context_length_exceeded"
    return clean(code) if code else None
