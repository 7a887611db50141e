"""A finished row as spans: the request, and in it clearance, decision, each attempt and its check.

Names are those of OpenTelemetry's conventions for generative AI (1.44); what they have no name for
begins with `shortstop.`. Nothing here is text from a request, unless `content` gives it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from shortstop.telemetry.otel.wire import (
    CLIENT,
    FAILED,
    INTERNAL,
    SERVER,
    OtlpSpan,
    SpanStatus,
    Value,
    attributes,
    encode,
    nanoseconds,
)
from shortstop.types import UNNAMED, Attempt, Bill, Trace, TraceContext, Usage

GATEWAY = "shortstop"
"""What clients see as their provider."""
EMBEDDINGS, COMPLETIONS = "embeddings", "completions"
FAULTS = ("error", "interrupted")
"""Outcomes of a request that failed here: not the client's fault, nor its wish."""
BROKEN = ("error", "timeout")
"""Outcomes of an attempt that failed."""


class Peer(NamedTuple):
    """A target as others call it: who provides it, its model's name, where it is."""

    provider: str
    model: str
    address: str | None = None
    port: int | None = None


Peers = Callable[[str], Peer]
Content = Callable[[Trace], Mapping[str, Value]]
"""Attributes that hold what was asked and answered, as far as that may be kept."""


def no_content(trace: Trace) -> Mapping[str, Value]:
    return {}


def operation(trace: Trace) -> str:
    """`gen_ai.operation.name`."""
    surface = trace.dialect.rpartition(".")[2]
    if surface == EMBEDDINGS:
        return EMBEDDINGS
    return "text_completion" if surface == COMPLETIONS else "chat"


def finish_reasons(trace: Trace) -> tuple[str, ...]:
    return tuple(choice.finish for choice in trace.response or () if choice.finish)


def count(trace: Trace) -> int:
    """How many spans it makes."""
    if trace.trace_context is None or not trace.trace_context.sampled or trace.outcome == "shadow":
        return 0
    inner = (trace.cleared is not None) + (trace.decided is not None)
    return 1 + inner + sum(1 + (one.verified is not None) for one in trace.attempts)


def written(trace: Trace, peers: Peers, content: Content = no_content) -> bytes:
    """Its spans as JSON, separated by commas; b"" where it is not to be traced.

    A shadow run is none of its request, and when it ran is not on its row: only metrics count it.
    """
    if not count(trace):
        return b""
    assert trace.trace_context is not None
    return b",".join(map(encode, _SpanWriter(trace, trace.trace_context, peers).spans(content)))


class _SpanWriter:
    def __init__(self, trace: Trace, context: TraceContext, peers: Peers) -> None:
        self._trace = trace
        self._context = context
        self._peers = peers
        self._operation = operation(trace)

    def spans(self, content: Content) -> Iterator[OtlpSpan]:
        yield self._request(content(self._trace))
        if self._trace.cleared is not None:
            yield self._inner("clearance", 0.0, self._trace.cleared, self._clearance())
        if self._trace.decided is not None:
            began = self._trace.cleared or 0.0
            yield self._inner("decision", began, self._trace.decided, self._decision())
        yield from self._attempts()

    def _request(self, content: Mapping[str, Value]) -> OtlpSpan:
        trace, context = self._trace, self._context
        told: dict[str, Value] = {
            "gen_ai.operation.name": self._operation,
            "gen_ai.provider.name": GATEWAY,
            "gen_ai.request.model": trace.model,
            "gen_ai.request.stream": trace.stream or None,
            "gen_ai.response.model": self._peers(trace.target).model if trace.target else None,
            "gen_ai.response.finish_reasons": finish_reasons(trace),
            "gen_ai.response.time_to_first_chunk": trace.first_byte if trace.stream else None,
            "gen_ai.conversation.id": _named(trace.conversation),
            "http.response.status_code": trace.status,
            "error.type": trace.error,
            "shortstop.request.id": trace.id,
            "shortstop.outcome": trace.outcome,
            "shortstop.tenant": trace.tenant,
            "shortstop.key": trace.key,
            "shortstop.run": trace.run,
            "shortstop.task": trace.decision.task if trace.decision else None,
            "shortstop.target": trace.target,
            "shortstop.local": trace.local if trace.target else None,
            **(_money(trace.bill) if trace.bill else {}),
            **content,
        }
        return OtlpSpan(
            trace_id=context.trace,
            span_id=context.span,
            parent_span_id=context.parent or "",
            trace_state=context.state,
            name=f"{self._operation} {trace.model}",
            kind=SERVER,
            start_time_unix_nano=nanoseconds(trace.at),
            end_time_unix_nano=nanoseconds(trace.at + trace.seconds),
            attributes=attributes(told),
            status=SpanStatus(FAILED) if trace.outcome in FAULTS else None,
        )

    def _clearance(self) -> dict[str, Value]:
        clearance = self._trace.clearance
        return {
            "shortstop.privacy.tier": clearance.tier.name,
            "shortstop.privacy.reach": clearance.reach.name.lower(),
            "shortstop.privacy.labels": clearance.labels,
            "shortstop.privacy.reasons": clearance.reasons,
            "shortstop.privacy.policy": clearance.policy,
        }

    def _decision(self) -> dict[str, Value]:
        decision = self._trace.decision
        if decision is None:
            return {}
        return {
            "shortstop.task": decision.task,
            "shortstop.decision.plan": decision.plan,
            "shortstop.decision.reasons": decision.reasons,
            "shortstop.decision.router": decision.router,
            "shortstop.decision.score": float(decision.score),
            "shortstop.decision.threshold": float(decision.threshold),
            "shortstop.decision.propensity": float(decision.propensity),
            "shortstop.decision.explored": decision.explored,
        }

    def _attempts(self) -> Iterator[OtlpSpan]:
        """Where it is not known when one began, after the one before it."""
        asked: Counter[str] = Counter()
        free = self._trace.decided or 0.0
        for attempt in self._trace.attempts:
            asked[attempt.target] += 1
            again = asked[attempt.target]
            name = attempt.target if again == 1 else f"{attempt.target}#{again}"
            began = free if attempt.began is None else attempt.began
            free = began + attempt.seconds
            yield self._attempt(attempt, name, began)
            if attempt.verified is not None:
                first, last = began + attempt.verified.began, began + attempt.verified.ended
                checks: dict[str, Value] = {
                    "shortstop.verify.checks": [one.name for one in attempt.checks],
                    "shortstop.verify.failed": [c.name for c in attempt.checks if not c.passed],
                    "shortstop.verify.accepted": attempt.outcome != "rejected",
                }
                yield self._inner("verify", first, last, checks, name)

    def _attempt(self, attempt: Attempt, name: str, began: float) -> OtlpSpan:
        peer = self._peers(attempt.target)
        broken = attempt.outcome in BROKEN
        told: dict[str, Value] = {
            "gen_ai.operation.name": self._operation,
            "gen_ai.provider.name": peer.provider,
            "gen_ai.request.model": peer.model,
            "gen_ai.request.stream": self._trace.stream or None,
            "gen_ai.response.time_to_first_chunk": attempt.first_byte,
            "server.address": peer.address,
            "server.port": peer.port,
            "error.type": (attempt.error or attempt.outcome) if broken else None,
            "shortstop.target": attempt.target,
            "shortstop.outcome": attempt.outcome,
            "shortstop.local": attempt.local,
            **(_usage(attempt.usage) if attempt.usage else {}),
        }
        return OtlpSpan(
            trace_id=self._context.trace,
            span_id=self._context.inner(name),
            parent_span_id=self._context.span,
            name=f"{self._operation} {peer.model}",
            kind=CLIENT,
            start_time_unix_nano=self._moment(began),
            end_time_unix_nano=self._moment(began + attempt.seconds),
            attributes=attributes(told),
            status=SpanStatus(FAILED) if broken else None,
        )

    def _inner(
        self,
        name: str,
        began: float,
        ended: float,
        told: Mapping[str, Value],
        of: str | None = None,
    ) -> OtlpSpan:
        """A step of the request, or of the attempt `of`."""
        inner = self._context.inner
        return OtlpSpan(
            trace_id=self._context.trace,
            span_id=inner(name if of is None else f"{of}/{name}"),
            parent_span_id=self._context.span if of is None else inner(of),
            name=name,
            kind=INTERNAL,
            start_time_unix_nano=self._moment(began),
            end_time_unix_nano=self._moment(ended),
            attributes=attributes(told),
        )

    def _moment(self, seconds: float) -> str:
        return nanoseconds(self._trace.at + seconds)


def _named(conversation: str | None) -> str | None:
    """One that the client named: another's name is made of its first words."""
    return None if conversation is None or conversation.startswith(UNNAMED) else conversation


def _usage(usage: Usage) -> dict[str, Value]:
    return {
        "gen_ai.usage.input_tokens": usage.prompt,
        "gen_ai.usage.output_tokens": usage.completion,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read or None,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write + usage.cache_write_1h
        or None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning or None,
        "shortstop.usage.estimated": usage.estimated or None,
    }


def _money(bill: Bill) -> dict[str, Value]:
    return {
        "shortstop.cost.usd": None if bill.cost is None else float(bill.cost),
        "shortstop.saved.usd": None if bill.saved is None else float(bill.saved),
        "shortstop.joules": float(bill.joules.value),
    }
