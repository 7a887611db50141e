"""What may be kept of a request and its answer, by the operator's policy."""

from __future__ import annotations

import logging
from typing import Literal, Protocol

from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.traces.rows import encode, placeless, without_content
from shortstop.traces.seal import Seal
from shortstop.types import Json, Tier, Trace

log = logging.getLogger(__name__)

Content = Literal["full", "redacted", "digest"]


class Redact(Protocol):
    """Takes out of a tenant's body what privacy finds in it. Raises when it cannot."""

    def __call__(self, body: Json, tenant: str) -> Json: ...


class ContentPolicy:
    """Decides what of a request and its answer is kept; everything else of a trace always is.

    With a `seal` what is kept is encrypted.
    """

    def __init__(
        self, config: TracesConfig, redact: Redact | None = None, seal: Seal | None = None
    ) -> None:
        self._content: Content = config.content
        self._sensitive: Content = config.sensitive_content
        self._redact = redact
        self._seal = seal

    def seal(self, trace: Trace) -> bytes:
        """The trace as JSON, content by policy. Never raises: what cannot be kept is left out."""
        kept = self._kept(trace)
        try:
            return encode(kept if self._seal is None else _sealed(kept, self._seal))
        except (UnicodeEncodeError, TypeError, ValueError, OverflowError) as error:
            log.warning("trace %s: content not kept, it is not plain JSON (%s)", trace.id, error)
            return encode(without_content(trace))

    def _kept(self, trace: Trace) -> Trace:
        content = self._sensitive if trace.clearance.tier >= Tier.S3 else self._content
        if content == "full":
            return trace
        if content == "redacted" and self._redact is not None:
            try:
                return self._redacted(trace, self._redact)
            except Exception as error:
                kind = type(error).__name__
                log.warning("trace %s: content not kept, redaction failed (%s)", trace.id, kind)
        return without_content(trace)

    @staticmethod
    def _redacted(trace: Trace, redact: Redact) -> Trace:
        return replace(
            trace,
            clearance=placeless(trace.clearance),
            request=None if trace.request is None else redact(trace.request, trace.tenant),
            response=None if trace.response is None else redact(trace.response, trace.tenant),
        )


def _sealed(trace: Trace, seal: Seal) -> Trace:
    return replace(seal.close(trace), clearance=placeless(trace.clearance))
