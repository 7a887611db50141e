"""What an upstream's non-2xx answer means, in any dialect."""

from __future__ import annotations

import re
from typing import Any

from shortstop.errors import (
    FailureClass,
    TargetError,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from shortstop.types import Json

MAX_MESSAGE_CHARS = 300
NO_REASON = "no reason given"
TOO_LONG, NO_CREDIT, FILTERED = "context_length_exceeded", "insufficient_quota", "content_filter"
_SECRET = re.compile(
    r"(?i)\b(?:bearer\s+\S+|(?:sk|pk|rk|xai|gsk|key|hf|ghp|pat)[-_][\w*.-]{6,}|AIza[\w-]{10,}"
    r"|eyJ[\w-]{8,}\.[\w.-]+|(?:api[-_ ]?key|token|password|secret)[\"']?\s*[:=]\s*\S+)"
)
_TOO_LONG = re.compile(
    r"(?i)maximum context length|context[ _](?:length|limit|window|size)|prompt is too long"
    r"|input is too long|exceeds? the (?:available )?context|too many (?:input )?tokens"
)

_FILTERED = re.compile(
    r"(?i)content[ _]?(?:filter|policy|management[ _]policy|moderation)|moderation_blocked"
    r"|responsibleai|data_?inspection_?failed|content exists risk|prohibited_content"
    r"|safety_check_type|violates? (?:our |the )?usage (?:guidelines|polic)"
    r"|violating our usage policy|requires moderation|guardrail_intervened"
)
"""As Azure, OpenAI, Anthropic, Bedrock, DeepSeek, Gemini, OpenRouter, Qwen and xAI call it."""

_STATUSES = {
    word: status
    for status, text in {
        400: "invalid_request_error invalid_request bad_request badrequesterror invalid_prompt"
        " context_length_exceeded invalid_argument string_above_max_length content_filter"
        " content_policy_violation moderation_blocked",
        401: "authentication_error invalid_api_key",
        402: "billing_error",
        403: "permission_error permission_denied",
        404: "not_found_error model_not_found",
        413: "request_too_large",
        429: "rate_limit_error rate_limit_exceeded insufficient_quota too_many_requests"
        " resource_exhausted ratelimiterror",
        503: "service_unavailable engine_overloaded",
        504: "timeout_error",
        529: "overloaded_error",
    }.items()
    for word in text.split()
}
"""What vendors call an error, and the HTTP status that it has where it has one."""


def failure(
    status: int,
    message: str | None,
    *,
    code: str | None = None,
    kind: str | None = None,
    param: str | None = None,
    retry_after: float | None = None,
) -> TargetError:
    """The error for `status`, with the vendor's message, cut short and stripped of secrets, and
    what the vendor calls the error: a `code`, a `kind` or both; `param`: the field at fault."""
    message = message or NO_REASON
    if status in (408, 504):
        return UpstreamTimeout("The model did not answer in time.", retry_after=retry_after)
    filtered = _is_filtered(status, message, code, kind)
    if status in (401, 403) and not filtered:
        # The operator's key is wrong, not the client's: the client cannot fix it.
        failed = UpstreamFailed(
            "The upstream does not accept the gateway's key.", code="upstream_auth"
        )
        failed.about_key = True
        return failed
    if status == 529:
        return UpstreamFailed(
            "The upstream is overloaded.", status=503, code="overloaded", retry_after=retry_after
        )
    if not 400 <= status < 500:
        return UpstreamFailed(f"The upstream answered {status}.", retry_after=retry_after)
    error = UpstreamRejected(
        f"The upstream refused the request ({status}): {clean(message)}",
        status=400 if status == 403 else status,
        code=_code(status, message, code, kind) or (FILTERED if filtered else None),
        param=clean(param) if param else None,
        retry_after=retry_after,
    )
    error.about_key = status == 402 or error.code == NO_CREDIT
    error.failure = "content_filter" if filtered else _class_of(error)
    return error


def _class_of(error: UpstreamRejected) -> FailureClass | None:
    """What a refusal is about, if another model may do better. A model that its vendor no longer
    has is an outage."""
    if error.status in (402, 429):
        return "rate_limit"
    if error.status == 413 or error.code == TOO_LONG:
        return "context"
    gone = error.status == 404 and "model" in f"{error.code} {error.message}".lower()
    return "outage" if gone else None


def _is_filtered(status: int, message: str, code: str | None, kind: str | None) -> bool:
    """Whether a vendor's filter objects to what was asked or to what would be answered."""
    if status not in (400, 403, 422, 451):
        return False
    return _FILTERED.search(f"{code} {kind} {message[:4000]}") is not None


def refuse_failure(tree: Any) -> None:
    """Raises the TargetError that a vendor told in place of an answer or in it, with status 200."""
    if not isinstance(tree, dict):
        return
    base = tree.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        raise told_failure({"message": base.get("status_msg")})
    choices = tree.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("error"):
            raise told_failure(choice)
    if tree.get("error") or "error" in (tree.get("object"), tree.get("type")):
        raise told_failure(tree)
    if not choices and "message" in tree and "code" in tree:
        raise told_failure(tree)


def told_failure(tree: Json) -> TargetError:
    """The error that an answer with status 200 tells; without a status it is the upstream's."""
    details = tree.get("error") or tree
    if not isinstance(details, dict):
        details = {"message": str(details)}
    status = told_status(details)
    message = details.get("message") or details.get("detail")
    message = str(message) if message else None
    code, kind = (v if isinstance(v := details.get(key), str) else None for key in ("code", "type"))
    if status is None or (status >= 500 and status != 504):
        text, full = clean(message or NO_REASON), 503 if status in (503, 529) else None
        told = f"The upstream failed mid-answer: {text}"
        return UpstreamFailed(told, status=full, code=code or kind)
    return failure(status, message, code=code or kind, kind=kind)


def told_status(details: Json) -> int | None:
    """The status that the numbers or words of an error stand for."""
    for key in ("code", "status", "status_code", "http_code", "type"):
        value = details.get(key)
        if isinstance(value, str) and value.lower() in _STATUSES:
            return _STATUSES[value.lower()]
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if type(number) is int and 400 <= number < 600:
            return number
    return None


def clean(message: str) -> str:
    """A vendor's message, fit to be shown: at most `MAX_MESSAGE_CHARS` long, no secrets in it."""
    return _SECRET.sub("[removed]", message[: 4 * MAX_MESSAGE_CHARS])[:MAX_MESSAGE_CHARS]


def _code(status: int, message: str, code: str | None, kind: str | None) -> str | None:
    if status == 429:
        no_credit = NO_CREDIT in (code, kind) or "billing" in f"{code} {kind}"
        return NO_CREDIT if no_credit else "rate_limit_exceeded"
    if status in (400, 413, 422) and (
        code == TOO_LONG or _TOO_LONG.search(f"{kind} {message[:4000]}")
    ):
        return TOO_LONG
    return clean(code) if code else None
