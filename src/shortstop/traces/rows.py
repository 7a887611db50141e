"""A trace as a row: what of it may be kept, and the columns that reports filter and group by."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from shortstop.config import TracesConfig
from shortstop.money import pico
from shortstop.traces.seal import Seal
from shortstop.types import Clearance, Json, Span, Tier, Trace

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Trace).decode

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
            return _encode(kept if self._seal is None else _sealed(kept, self._seal))
        except (UnicodeEncodeError, TypeError, ValueError, OverflowError) as e:
            log.warning("trace %s: content not kept, it is not plain JSON (%s)", trace.id, e)
            return _encode(_without_content(trace))

    def _kept(self, trace: Trace) -> Trace:
        s3 = trace.clearance.tier >= Tier.S3
        content = self._sensitive if s3 else self._content
        if content == "full":
            return trace
        if content == "redacted" and self._redact is not None:
            try:
                return self._redacted(trace, self._redact)
            except Exception as e:
                log.warning("trace %s: content not kept, redaction failed (%s)", trace.id, type(e))
        return _without_content(trace)

    @staticmethod
    def _redacted(trace: Trace, redact: Redact) -> Trace:
        return msgspec.structs.replace(
            trace,
            clearance=_placeless(trace.clearance),
            request=None if trace.request is None else redact(trace.request, trace.tenant),
            response=None if trace.response is None else redact(trace.response, trace.tenant),
        )


def _sealed(trace: Trace, seal: Seal) -> Trace:
    return msgspec.structs.replace(seal.close(trace), clearance=_placeless(trace.clearance))


def _without_content(trace: Trace) -> Trace:
    return msgspec.structs.replace(
        trace, clearance=_placeless(trace.clearance), request=None, response=None
    )


def _placeless(clearance: Clearance) -> Clearance:
    """Where something was found may tell it: an object's key can be the secret itself."""
    findings = tuple(msgspec.structs.replace(f, path="") for f in clearance.findings)
    return msgspec.structs.replace(clearance, findings=findings)


def emptied(blob: bytes | str) -> bytes:
    """A row's JSON without what was asked and answered."""
    return _encode(_without_content(unseal(blob)))


def unseal(blob: bytes | str) -> Trace:
    """Raises msgspec.DecodeError when the bytes are no trace."""
    return _decode(blob)


COLUMNS = (
    "id", "at", "tenant", "key", "conversation", "dialect", "model", "template", "digest",
    "outcome", "status", "stream", "task", "target", "local", "tier", "reach", "attempts",
    "escalated", "explored", "seconds", "first_byte", "prompt_tokens", "completion_tokens",
    "tokens_estimated", "cost_pico", "cost_local_pico", "cost_remote_pico",
    "counterfactual_pico", "baseline", "unpriced", "prices", "joules", "joules_low",
    "joules_high", "joules_basis", "counterfactual_joules", "counterfactual_joules_low",
    "counterfactual_joules_high", "gco2", "gco2_low", "gco2_high",
)  # fmt: skip


class Row(NamedTuple):
    """A trace on its way into the database: its columns and its JSON, but not the trace itself.
    What a request is made of would else wait in memory until it is written, and fall out of every
    cache."""

    columns: tuple[Any, ...]
    blob: bytes


def row(trace: Trace, blob: bytes) -> Row:
    """Never raises: a bill that holds no plain figures is left out of the columns."""
    try:
        return Row(values(trace), blob)
    except (ArithmeticError, ValueError, TypeError) as e:
        log.warning("trace %s: its bill cannot be kept in columns (%s)", trace.id, e)
        return Row(values(msgspec.structs.replace(trace, bill=None)), blob)


def values(trace: Trace) -> tuple[Any, ...]:
    """One value for each of COLUMNS."""
    decision, usage = trace.decision, trace.usage
    return (
        trace.id, trace.at, trace.tenant, trace.key, trace.conversation, trace.dialect,
        trace.model, trace.template, trace.digest, trace.outcome, trace.status, trace.stream,
        decision.task if decision else None, trace.target, trace.local,
        int(trace.clearance.tier), int(trace.clearance.reach), len(trace.attempts),
        escalated(trace), bool(decision and decision.explored), trace.seconds, trace.first_byte,
        usage.prompt if usage else None, usage.completion if usage else None,
        bool(usage and usage.estimated), *_money(trace),
    )  # fmt: skip


def escalated(trace: Trace) -> bool:
    """Whether a local model tried and a remote one answered."""
    return bool(trace.target) and not trace.local and any(a.local for a in trace.attempts)


def _money(trace: Trace) -> tuple[Any, ...]:
    bill = trace.bill
    if bill is None:
        return (None, None, None, None, None, False, None, *(None,) * 10)
    return (
        _pico(bill.cost), _pico(bill.cost_local), _pico(bill.cost_remote),
        _pico(bill.counterfactual),
        bill.baseline, bool(bill.unpriced), bill.prices,
        *_span(bill.joules), bill.joules.basis, *_span(bill.counterfactual_joules),
        *_span(bill.gco2),
    )  # fmt: skip


def _pico(amount: Decimal | None) -> int | None:
    return None if amount is None else pico(amount)


def _span(span: Span) -> tuple[float, float, float]:
    return span.value, span.low, span.high
