"""One recorded request in lines of text: what was found, decided, tried, billed and judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shortstop.console.format import usd
from shortstop.types import Attempt, Grade, Trace

Line = tuple[str, str]
"""A heading and what stands beside it."""


def story(trace: Trace, grades: Sequence[Grade]) -> Iterator[Line]:
    at = datetime.fromtimestamp(trace.at, UTC)
    yield "request", f"{trace.id}, {at:%Y-%m-%d %H:%M:%S} UTC, {trace.dialect}, model {trace.model}"
    key = f", key {trace.key}" if trace.key else ""
    yield "from", f"tenant {trace.tenant}{key}"
    yield "ended", f"{trace.outcome}, status {trace.status}, {trace.seconds:.3f} s"
    yield "cleared", _clearance(trace)
    yield from _decision(trace)
    for attempt in trace.attempts:
        yield "asked", _attempt(attempt)
    yield from _bill(trace)
    for grade in grades:
        yield "judged", _grade(grade)


def _clearance(trace: Trace) -> str:
    clearance = trace.clearance
    reach = clearance.reach.name.lower().replace("_", " ")
    found = ", ".join(dict.fromkeys(f"{f.label} ({f.rule})" for f in clearance.findings))
    return f"tier {clearance.tier.name}, reach {reach}; {found or 'nothing found'}"


def _decision(trace: Trace) -> Iterator[Line]:
    decision = trace.decision
    if decision is None:
        return
    yield "task", decision.task
    yield (
        "decided",
        (
            f"{' then '.join(decision.plan)}; {', '.join(decision.reasons) or 'no reason'};"
            f" expected quality {decision.score:.3f} of {decision.threshold:.3f},"
            f" drawn with probability {decision.propensity:.4g}"
        ),
    )
    if decision.shadow:
        yield "compared", f"asked as well, unseen: {', '.join(decision.shadow)}"


def _attempt(attempt: Attempt) -> str:
    usage = attempt.usage
    tokens = f", {usage.prompt} + {usage.completion} tokens" if usage is not None else ""
    failed = ", ".join(check.name for check in attempt.checks if not check.passed)
    why = attempt.error or (f"failed: {failed}" if failed else "")
    by = f" by {attempt.deployment}" if attempt.deployment else ""
    if attempt.spilled:
        by += f" after {', '.join(attempt.spilled)}"
    place = f" in another's place ({attempt.fallback})" if attempt.fallback else ""
    return f"{attempt.target}{by}{place}: {attempt.outcome}, {attempt.seconds:.3f} s{tokens}" + (
        f"; {why}" if why else ""
    )


def _bill(trace: Trace) -> Iterator[Line]:
    bill = trace.bill
    if bill is None:
        return
    cost = f"unknown (no price of {', '.join(bill.unpriced)})"
    if bill.cost is not None:
        cost = usd(bill.cost)
    yield "cost", cost
    if bill.baseline is not None and bill.counterfactual is not None:
        yield "instead", f"{usd(bill.counterfactual)} by {bill.baseline} alone"


def _grade(grade: Grade) -> str:
    value = "no grade" if grade.value is None else f"{grade.value:.2f}"
    correction = f', should have been "{grade.correction}"' if grade.correction else ""
    return f"{value} for {grade.target} by {grade.grader or grade.source}{correction}"
