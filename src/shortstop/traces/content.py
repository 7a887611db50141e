"""What may be kept of a request and its answer, by the operator's policy."""

from __future__ import annotations

import logging
from typing import Literal, Protocol

import msgspec
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.traces.document import answer, encode, parts, placeless
from shortstop.traces.grades import about_correction, grade_row
from shortstop.traces.seal import LOCKED, Seal, is_sealed, locked
from shortstop.types import Grade, Json, Tier, Trace
from shortstop.types.rows import GradeRow

log = logging.getLogger(__name__)

Content = Literal["full", "redacted", "digest"]
KEYED = "k"
"""How a digest begins that was made with a key; a plain one is hexadecimal."""


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

    @property
    def seals(self) -> bool:
        """Whether what is kept is encrypted."""
        return self._seal is not None

    def seal(self, trace: Trace) -> bytes:
        """The trace as JSON, content by policy. Never raises: what cannot be kept is left out."""
        try:
            request, response = self._closed(trace.id, *self.allowed(trace))
            plain = self._content_for(trace.clearance.tier) == "full" and self._seal is None
            return encode(trace if plain else placeless(trace), request, response)
        except (UnicodeEncodeError, TypeError, ValueError, OverflowError) as error:
            log.warning("trace %s: content not kept, it is not plain JSON (%s)", trace.id, error)
            return encode(placeless(trace), None, None)

    def allowed(self, trace: Trace) -> tuple[Json | None, Json | None]:
        """What may be kept of the request and of its answer, before it is sealed."""
        content = self._content_for(trace.clearance.tier)
        if content == "digest":
            return None, None
        request, response = trace.request, answer(trace.response)
        if content == "redacted":
            return self._redacted(trace.id, trace.tenant, request, response)
        return request, response

    def keyed(self, trace: Trace) -> Trace:
        """With a digest that tells nothing to who lacks the key: a plain one confirms a guess."""
        digest = self._keyed(trace.digest)
        return trace if digest == trace.digest else replace(trace, digest=digest)

    def sealed(self, document: bytes) -> tuple[bytes, str]:
        """A document that an earlier version wrote, and its digest, as they are written today.

        Raises msgspec.DecodeError when it is none.
        """
        trace, request, response = parts(document)
        digest = self._keyed(trace.digest)
        if self._seal is None or digest == trace.digest:
            return document, trace.digest
        if not any(map(is_sealed, (request or {}, response or {}))):
            request, response = self._closed(trace.id, request, response)
        return encode(placeless(replace(trace, digest=digest)), request, response), digest

    def sealed_grade(self, row: GradeRow) -> GradeRow:
        """A grade that an earlier version wrote, its correction sealed."""
        data = row.correction
        if data is None or data.startswith(LOCKED):
            return row
        return replace(row, correction=locked(self._seal, data, about_correction(row)))

    def _keyed(self, digest: str) -> str:
        if self._seal is None or digest.startswith(KEYED):
            return digest
        return KEYED + self._seal.digest(digest.encode()).hex()

    def grade(self, grade: Grade, tier: Tier) -> GradeRow:
        """The grade as a row, its correction by the policy for content of `tier`. Never raises."""
        row = grade_row(grade)
        if grade.correction is None:
            return row
        try:
            text = self._correction(grade.correction, grade.tenant, self._content_for(tier))
            if text is None:
                return row
            data = locked(self._seal, msgspec.json.encode(text), about_correction(row))
        except Exception as error:
            kind = type(error).__name__
            log.warning("trace %s: a correction is not kept (%s)", grade.trace, kind)
            return row
        return replace(row, correction=data)

    def _correction(self, text: str, tenant: str, content: Content) -> str | None:
        if content == "full":
            return text
        if content == "digest" or self._redact is None:
            return None
        redacted: str = self._redact({"text": text}, tenant)["text"]
        return redacted

    def _content_for(self, tier: Tier) -> Content:
        return self._sensitive if tier >= Tier.S3 else self._content

    def _closed(
        self, id: str, request: Json | None, response: Json | None
    ) -> tuple[Json | None, Json | None]:
        if self._seal is None:
            return request, response
        return (
            None if request is None else self._seal.close(request, f"{id} request"),
            None if response is None else self._seal.close(response, f"{id} response"),
        )

    def _redacted(
        self, id: str, tenant: str, request: Json | None, response: Json | None
    ) -> tuple[Json | None, Json | None]:
        if self._redact is None:
            return None, None
        try:
            return (
                None if request is None else self._redact(request, tenant),
                None if response is None else self._redact(msgspec.to_builtins(response), tenant),
            )
        except Exception as error:
            log.warning(
                "trace %s: content not kept, redaction failed (%s)", id, type(error).__name__
            )
            return None, None
