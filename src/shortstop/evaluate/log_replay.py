"""What would have happened: logged requests through guard and router, no model asked.

Lines are read by `dialects.logs`. Cost uses the logged usage where there is one,
else an estimate from its bytes. A local answer is kept with the probability that the router gave
it; the rest is billed as escalated, local try included. The logged `model` is not kept: the
question is what `auto` would have done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from shortstop.dialects.logs import asked
from shortstop.errors import ShortstopError
from shortstop.ports import Accountant, Guard, Router
from shortstop.tokens import assumed_usage
from shortstop.types import Attempt, Bill, Caller, Decision, Json, Reach, Request, Target, Usage

ZERO = Decimal(0)

Decode = Callable[[str, Json, str], Request]


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a log does not say: answer length, and the speed of the local model in tokens/s."""

    output_tokens: int = 150
    prefill_per_second: float = 500.0
    decode_per_second: float = 50.0

    def seconds(self, usage: Usage) -> float:
        return usage.prompt / self.prefill_per_second + usage.completion / self.decode_per_second


@dataclass(slots=True)
class ReplaySummary:
    """Counts over a log. `escalations` is expected, from the router's scores; money in dollars."""

    lines: int = 0
    requests: int = 0
    local: int = 0
    remote: int = 0
    pinned: int = 0
    refused: int = 0
    escalations: float = 0.0
    estimated: int = 0
    unpriced: int = 0
    cost: Decimal = ZERO
    all_llm: Decimal = ZERO
    baseline: str | None = None
    prices: str = ""
    tasks: Counter[str] = field(default_factory=Counter)
    local_tasks: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str]] = field(default_factory=list)

    @property
    def saved(self) -> Decimal:
        return self.all_llm - self.cost


def replay(
    lines: Iterable[str | bytes],
    decode: Decode,
    guard: Guard,
    router: Router,
    books: Accountant,
    targets: Mapping[str, Target],
    *,
    assumed: Assumed = Assumed(),
) -> ReplaySummary:
    """Judge every line. A bad line is noted with its number and does not stop the others."""
    summary = ReplaySummary()
    judge = _Replayer(summary, guard, router, books, targets, assumed)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        summary.lines += 1
        try:
            call = asked(line)
            body = {**(call.body or {}), "model": "auto"}
            request = decode(call.dialect, body, f"line-{number}")
        except (ShortstopError, ValueError) as e:
            summary.bad.append((number, str(e)))
            continue
        judge.take(request, call.usage)
    return summary


class _Replayer:
    def __init__(
        self,
        summary: ReplaySummary,
        guard: Guard,
        router: Router,
        books: Accountant,
        targets: Mapping[str, Target],
        assumed: Assumed,
    ) -> None:
        self._summary = summary
        self._guard = guard
        self._router = router
        self._books = books
        self._targets = targets
        self._assumed = assumed

    def take(self, request: Request, logged: Usage | None) -> None:
        summary, caller = self._summary, Caller()
        summary.requests += 1
        clearance = self._guard.clear(request, caller)
        summary.pinned += clearance.reach >= Reach.LOCAL_ONLY
        try:
            decision = self._router.decide(request, clearance, caller)
        except ShortstopError as e:
            summary.refused += 1
            summary.refusals[e.code or type(e).__name__] += 1
            return
        usage = logged or assumed_usage(request, self._assumed.output_tokens)
        summary.estimated += usage.estimated
        self._count(decision)
        self._bill(request, decision, usage)

    def _count(self, decision: Decision) -> None:
        summary, first = self._summary, self._targets[decision.plan[0]]
        summary.tasks[decision.task] += 1
        summary.targets[first.name] += 1
        if first.local:
            summary.local += 1
            summary.local_tasks[decision.task] += 1
        else:
            summary.remote += 1

    def _bill(self, request: Request, decision: Decision, usage: Usage) -> None:
        """The expected bill: the first target's, and for a local one the way on."""
        summary = self._summary
        plan = [self._targets[name] for name in decision.plan]
        answer = self._attempt(plan[0], usage)
        kept = self._books.bill(request, (answer,), answer)
        bills = [(Decimal(1), kept)]
        backup = next((target for target in plan[1:] if not target.local), None)
        if plan[0].local and backup is not None and decision.verify:
            lost = Decimal(repr(1.0 - min(1.0, max(0.0, decision.score))))
            summary.escalations += float(lost)
            tries = (self._attempt(plan[0], usage), self._attempt(backup, usage))
            bills = [(1 - lost, kept), (lost, self._books.bill(request, tries, tries[-1]))]
        self._add(bills)

    def _add(self, bills: list[tuple[Decimal, Bill]]) -> None:
        summary, last = self._summary, bills[-1][1]
        summary.baseline, summary.prices = last.baseline, last.prices
        costs = [(weight, bill.cost) for weight, bill in bills if bill.cost is not None]
        if len(costs) < len(bills) or last.counterfactual is None:
            summary.unpriced += 1
            return
        summary.cost += sum((weight * cost for weight, cost in costs), ZERO)
        summary.all_llm += last.counterfactual

    def _attempt(self, target: Target, usage: Usage) -> Attempt:
        seconds = self._assumed.seconds(usage) if target.local else 0.0
        return Attempt(target.name, target.local, "ok", seconds=seconds, usage=usage)
