"""One error tree. Outside exceptions are mapped into it at the edge where they occur.

ShortstopError
├── RequestError                    the client's to mend
│   ├── InvalidRequest        400   ├── Unauthenticated     401
│   ├── ContextTooLong        400   ├── Forbidden           403
│   ├── PrivacyRefused        403   ├── NotFound            404
│   ├── MethodNotAllowed      405   ├── Conflict            409
│   ├── TooLarge              413   ├── Unsupported         415
│   ├── RateLimited           429   └── QuotaExceeded       429
├── TargetError                     a model could not answer
│   ├── UpstreamRejected  4xx       ├── UpstreamFailed      502
│   ├── UpstreamTimeout       504   ├── EngineBusy          503
│   └── EngineDown            503
├── Overloaded                503   the gateway itself is full or leaving
├── ConfigError                     the operator's file
├── ModelFileError                  a model file is missing, corrupt or unknown
└── StoreError                      a store could not be written or read
    └── StoreUnavailable      503   the same call may succeed later
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class ShortstopError(Exception):
    """Base of everything Shortstop raises on purpose.

    Attributes:
        message: what happened and why, fit for the client; never holds a secret or a prompt.
        hint: what to do next, or "".
        status: HTTP status to answer with.
        type, code, param: the fields of OpenAI's error body; dialects translate them.
        retry_after: seconds after which a retry makes sense, or None.
        headers: more to tell in the answer's head, by lower-case name.
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


class RequestError(ShortstopError):
    status = 400
    type = "invalid_request_error"
    code: str | None = None


class InvalidRequest(RequestError):
    """The body is not what the dialect promises; `param` names the field."""


class ContextTooLong(RequestError):
    code = "context_length_exceeded"


class Unauthenticated(RequestError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class Forbidden(RequestError):
    status = 403
    type = "permission_error"
    code = "permission_denied"


class PrivacyRefused(Forbidden):
    """The request may not travel to any target that could answer it."""

    code = "privacy_refused"


class TargetRefused(PrivacyRefused):
    """The policy lets nothing go to this target, whatever the request holds."""


class NotFound(RequestError):
    status = 404
    type = "not_found_error"
    code = "not_found"


class MethodNotAllowed(RequestError):
    status = 405
    code = "method_not_allowed"


class Conflict(RequestError):
    status = 409
    code = "conflict"


class TooLarge(RequestError):
    status = 413
    code = "request_too_large"


class Unsupported(RequestError):
    status = 415
    code = "unsupported_media_type"


class RateLimited(RequestError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class QuotaExceeded(RequestError):
    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class TargetError(ShortstopError):
    """A model could not answer. `target` is its name, where known; `advice` what its vendor says
    of a retry (`x-should-retry`)."""

    status = 502
    type = "upstream_error"
    code = "upstream_error"
    target: str | None = None
    advice: bool | None = None

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
    """Connection lost, 5xx, or an answer that is not in the dialect."""


class UpstreamTimeout(TargetError):
    status = 504
    code = "upstream_timeout"


class EngineBusy(TargetError):
    """The local engine's queue is full."""

    status = 503
    type = "server_error"
    code = "engine_busy"


class EngineDown(TargetError):
    """The local engine is not running (starting, restarting or given up)."""

    status = 503
    type = "server_error"
    code = "engine_unavailable"


class Overloaded(ShortstopError):
    status = 503
    code = "overloaded"


class ConfigError(ShortstopError):
    """A setting is unknown, of the wrong type or contradicts another; names the key and line."""


class ModelFileError(ShortstopError):
    """A model file is missing, corrupt, or not of a kind that the engine can load."""


class StoreError(ShortstopError):
    """A store could not be written or read."""


class StoreUnavailable(StoreError):
    """Locked, full, read-only or out of reach: the same call may succeed later."""

    status = 503
