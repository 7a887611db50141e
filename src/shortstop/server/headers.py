"""The headers that our answers carry in addition to HTTP's own, each with its meaning.

One list: browsers may read these (CORS), and the OpenAPI document describes them.
"""

from __future__ import annotations

from shortstop.errors import ShortstopError

IDS = {
    "x-request-id": "Identifies the request; feedback refers to it",
    "request-id": "The same under Anthropic's name",
}
LIMITS = {
    "x-ratelimit-limit-requests": "Requests a minute that the key may make",
    "x-ratelimit-limit-tokens": "Tokens a minute that the key may use",
    "x-ratelimit-remaining-requests": "Requests that may be made now",
    "x-ratelimit-remaining-tokens": "Tokens that may be used now",
    "x-ratelimit-reset-requests": "Time until all requests may be made, such as 1.500s",
    "x-ratelimit-reset-tokens": "Time until all tokens may be used, such as 1.500s",
}
RETRY = {
    "retry-after": "Seconds after which a retry makes sense",
    "retry-after-ms": "Milliseconds after which a retry makes sense",
    "x-should-retry": "`false` where a retry is pointless although the status suggests one",
}
REPLAY = {"idempotency-replayed": "`true` when an earlier request with this key was answered"}
DECISION = {
    "x-shortstop-target": "The model that answered",
    "x-shortstop-specialist": "The specialist that answered, learned from this task's traffic",
    "x-shortstop-task": "The task that the request was recognized as",
    "x-shortstop-decision": "Why this model: reasons, score, threshold, probability, router",
    "x-shortstop-run": "The run that the request is a step of, for its next steps and for feedback",
    "x-shortstop-tier": "The sensitivity that privacy found, from S0 (public) to S3 (secret)",
    "x-shortstop-cost": "What the answer cost, in US dollars, or `unknown`",
    "x-shortstop-saved": "What the frontier alone would have cost more, in US dollars",
}
RESPONSE_HEADERS = IDS | LIMITS | RETRY | REPLAY | DECISION


def retry_headers(error: ShortstopError) -> dict[str, str]:
    """When a retry makes sense, in both of the SDKs' units; nothing where none is advised."""
    if error.retry_after is None:
        return {}
    milliseconds = str(round(error.retry_after * 1000))
    return {
        "retry-after": str(max(1, round(error.retry_after))),
        "retry-after-ms": milliseconds,
    }
