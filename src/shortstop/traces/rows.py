"""A trace as a row: the columns that reports filter and group by, beside its document."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import msgspec

from shortstop.money import pico
from shortstop.types import Span, Trace
from shortstop.types.rows import Row

log = logging.getLogger(__name__)


def row(trace: Trace, document: bytes) -> Row:
    """Never raises: a bill that holds no plain figures is left out of the columns."""
    try:
        return Row(values(trace), document)
    except (ArithmeticError, ValueError, TypeError) as error:
        log.warning("trace %s: its bill cannot be kept in columns (%s)", trace.id, error)
        return Row(values(msgspec.structs.replace(trace, bill=None)), document)


def values(trace: Trace) -> tuple[Any, ...]:
    """One value for each of COLUMNS."""
    decision, usage = trace.decision, trace.usage
    return (
        trace.id, trace.at, trace.tenant, trace.key, trace.conversation, trace.dialect,
        trace.model, trace.digest, trace.outcome, trace.status, trace.stream,
        decision.task if decision else None, trace.target, trace.local,
        int(trace.clearance.tier), int(trace.clearance.reach), len(trace.attempts),
        escalated(trace), bool(decision and decision.explored), trace.seconds, trace.first_byte,
        usage.prompt if usage else None, usage.completion if usage else None,
        bool(usage and usage.estimated), *_money(trace), trace.run, trace.run_refusal,
        trace.user, trace.tag, trace.specialist, deployment(trace),
    )  # fmt: skip


def deployment(trace: Trace) -> str | None:
    """The one that answered or, where nobody did, the last one that was asked."""
    asked = [a for a in trace.attempts if a.deployment and trace.target in (None, a.target)]
    return asked[-1].deployment if asked else None


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
