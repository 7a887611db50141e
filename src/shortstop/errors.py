"""One error tree. Exceptions of other libraries are mapped into it where they occur.

ShortstopError
├── RequestError                    the client can fix it
│   ├── InvalidRequest        400   ├── Unauthenticated     401
│   │                               │   └── SignOnRefused   401
│   ├── ContextTooLong        400   ├── Forbidden           403
│   ├── PrivacyRefused        403   ├── NotFound            404
│   ├── MethodNotAllowed      405   ├── Conflict            409
│   ├── TooLarge              413   ├── Unsupported         415
│   ├── TooSlow               408   ├── HeadTooLarge        431
│   ├── RateLimited           429   ├── RunBudgetExceeded   429
│   └── QuotaExceeded         429
│       ├── TeamBudgetExceeded  429   └── OrganisationBudgetExceeded  429
├── TargetError                     a model could not answer
│   ├── UpstreamRejected  4xx       ├── UpstreamFailed      502
│   ├── UpstreamTimeout       504   ├── EngineBusy          503
│   ├── EngineDown            503   └── Declined            503
│                                       └── PartlyAnswered 503
├── Overloaded                503   the gateway itself is full or shutting down
├── SignOnUnavailable         503   the identity provider cannot be used now
├── ConfigError                     the operator can fix it: a setting is wrong
├── ModelFileError                  a model file is missing, corrupt or unknown
└── StoreError                      a store could not be written or read
    ├── StoreUnavailable      503   the same call may succeed later
    ├── NotLeading            503   another machine leads by now
    └── StateUnfit                  what the router had learned cannot be used
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

FailureClass = Literal["context", "content_filter", "rate_limit", "outage"]
"""Why a model could not answer what another one may: the prompt does not fit into its context, its
vendor's filter objects, its account's limits are used up, or it is out of order."""


LONGEST_TOLD = 4000


class ShortstopError(Exception):
    """Base of everything Shortstop raises on purpose.

    Attributes:
        message: what happened and why, safe to show the client: no secret, no prompt.
        hint: what to do next, or "".
        status: HTTP status to answer with.
        type, code, param: the fields of OpenAI's error body; dialects translate them.
        retry_after: seconds after which a retry makes sense, or None.
        headers: more headers of the HTTP response, by lower-case name.
    """

    status: int = 500
    type: str = "server_error"
    code: str | None = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        param: str | None = None,
        code: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param
        self.retry_after = retry_after
        self.headers = headers
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    @property
    def told(self) -> str:
        """Message and hint for a client: of `LONGEST_TOLD` characters the first and the last, for
        names in it that somebody else gave may be of any length."""
        words = str(self)
        if len(words) <= LONGEST_TOLD:
            return words
        return f"{words[: LONGEST_TOLD // 2]} ... {words[-(LONGEST_TOLD // 2) :]}"


class RequestError(ShortstopError):
    """The request cannot be served as it is; the client can fix it."""

    status = 400
    type = "invalid_request_error"
    code: str | None = None


class InvalidRequest(RequestError):
    """The body is not what the dialect promises; `param` names the field."""


class ContextTooLong(RequestError):
    """The prompt and its answer do not fit into the context of any target."""

    code = "context_length_exceeded"


class Unauthenticated(RequestError):
    """There is no key, or an unknown, expired or revoked one."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class SignOnRefused(Unauthenticated):
    """What a browser or a program brought from the identity provider does not hold."""

    code = "sso_refused"


class Forbidden(RequestError):
    """The caller is known and may not do this."""

    status = 403
    type = "permission_error"
    code = "permission_denied"


class PrivacyRefused(Forbidden):
    """Privacy lets the request go to no target that could answer it."""

    code = "privacy_refused"


class TargetRefused(PrivacyRefused):
    """The policy lets nothing go to this target, whatever the request contains."""


class NotFound(RequestError):
    """There is no such path, model, key or stored response."""

    status = 404
    type = "not_found_error"
    code = "not_found"


class MethodNotAllowed(RequestError):
    """The path exists, for another HTTP method."""

    status = 405
    code = "method_not_allowed"


class Conflict(RequestError):
    """The request contradicts another one, such as a reused idempotency key."""

    status = 409
    code = "conflict"


class TooLarge(RequestError):
    """The body is larger than the gateway accepts."""

    status = 413
    code = "request_too_large"


class TooSlow(RequestError):
    """The client took too long to send its request."""

    status = 408
    code = "request_timeout"


class HeadTooLarge(RequestError):
    """The request line and the headers are larger than the gateway accepts."""

    status = 431
    code = "request_header_fields_too_large"


class Unsupported(RequestError):
    """The body's media type or encoding is not supported."""

    status = 415
    code = "unsupported_media_type"


class RateLimited(RequestError):
    """The key's requests or tokens of this minute are used up."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class QuotaExceeded(RequestError):
    """The key's budget does not cover the request."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class TeamBudgetExceeded(QuotaExceeded):
    """The budget of the key's team does not cover the request."""

    code = "team_budget_exceeded"


class OrganisationBudgetExceeded(QuotaExceeded):
    """The budget of the organisation that the key's team is in does not cover the request."""

    code = "organisation_budget_exceeded"


class RunBudgetExceeded(RequestError):
    """The run has taken the money, steps or time that it may take: a retry is pointless."""

    status = 429
    type = "insufficient_quota"
    code = "run_budget_exceeded"


class TargetError(ShortstopError):
    """A model could not answer. `target` is its name, where known; `advice` is what its vendor says
    about a retry (`x-should-retry`)."""

    status = 502
    type = "upstream_error"
    code = "upstream_error"
    target: str | None = None
    advice: bool | None = None
    failure: FailureClass | None = None
    """None where another model would be no remedy."""
    about_key: bool = False
    """The vendor does not accept the gateway's key, or it has no credit."""

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.advice is not False


class UpstreamRejected(TargetError):
    """The upstream refused the request itself (4xx): a retry will not help."""

    status = 400
    type = "invalid_request_error"
    code = "upstream_rejected"

    @property
    def retryable(self) -> bool:
        if self.advice is not None:
            return self.advice
        return self.status in (408, 409, 429) and self.code != "insufficient_quota"


class UpstreamFailed(TargetError):
    """The connection was lost, the status was 5xx, or the answer is not in the dialect."""

    failure: FailureClass | None = "outage"


class UpstreamTimeout(TargetError):
    """The model did not answer within its deadline. `sent`: it may be at work on an answer, which
    is billed, so it is not asked a second time."""

    status = 504
    code = "upstream_timeout"
    failure: FailureClass | None = "outage"
    sent: bool = False

    @property
    def retryable(self) -> bool:
        return not self.sent and self.advice is not False


class EngineBusy(TargetError):
    """The local engine's queue is full."""

    status = 503
    type = "server_error"
    code = "engine_busy"
    failure: FailureClass | None = "outage"


class EngineDown(TargetError):
    """The local engine is not running (starting, restarting or given up)."""

    status = 503
    type = "server_error"
    code = "engine_unavailable"
    failure: FailureClass | None = "outage"


class Declined(TargetError):
    """A specialist does not answer what it is not sure of: another target is asked. No failure."""

    status = 503
    type = "server_error"
    code = "declined"


class PartlyAnswered(Declined):
    """A specialist is sure of a JSON answer but for the fields `missing`, which stand in it as
    null: `reply` is a `types.Reply`. Who asks may have them from another target; else it has
    declined."""

    def __init__(self, reply: Any, missing: tuple[str, ...]) -> None:
        super().__init__("This specialist is not sure of some fields.")
        self.reply = reply
        self.missing = missing


class Overloaded(ShortstopError):
    """Too many requests are in flight, or the gateway is shutting down."""

    status = 503
    code = "overloaded"


class SignOnUnavailable(ShortstopError):
    """The identity provider is away, slow, or says what nobody can use."""

    status = 503
    code = "sso_unavailable"


class ConfigError(ShortstopError):
    """A setting is unknown, of the wrong type or contradicts another; names the key and line."""


class ModelFileError(ShortstopError):
    """A model file is missing, corrupt, or not of a kind that the engine can load."""


class StoreError(ShortstopError):
    """A database or a saved state could not be written or read."""


class StoreUnavailable(StoreError):
    """Locked, full, read-only or out of reach: the same call may succeed later."""

    status = 503
    code = "store_unavailable"


class NotLeading(StoreError):
    """Something was to be written as the leader of several machines by one that leads no more."""

    status = 503


class StateUnfit(StoreError):
    """A saved router state cannot be used.

    `reason` is one word: "version", "damaged", or "width" where it was learned from other features
    of prompts.
    """

    def __init__(self, message: str, reason: str = "damaged") -> None:
        super().__init__(message)
        self.reason = reason


def fault(error: Exception) -> str:
    """What nobody raised on purpose, in a sentence. Its own words may quote what was worked on: its
    kind and place are enough."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"This is a fault of Shortstop: {type(error).__name__} in {frame.name},"
        f" {Path(frame.filename).name} line {frame.lineno}."
    )
