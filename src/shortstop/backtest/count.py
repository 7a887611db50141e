"""Logged calls into the tally: decoded, priced, judged by a draw, and kept where they teach."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from shortstop.backtest.pricing import Cost, LogPrices
from shortstop.backtest.problems import Problems
from shortstop.backtest.reading import LoggedCall
from shortstop.backtest.sample import DrawnRow, RequestSample
from shortstop.backtest.tally import LearnRow, LogTally, TaskTally
from shortstop.errors import ShortstopError
from shortstop.flywheel.examples import Example, Examples
from shortstop.flywheel.mine.logs import Judge, logged_trace
from shortstop.ledger.energy import plus
from shortstop.routing.task import system_prompt, task_of
from shortstop.tokens import assumed_usage, estimated_usage
from shortstop.types import Caller, Clearance, Reach, Reply, Request, Tier, Usage

UNSEEN = "(content not logged)"
ABOUT = 2000
"""Characters of a task's first system prompt or request that name it."""
ANYONE = Caller()
_OPEN = Clearance(Tier.S0, Reach.ANYWHERE)


@dataclass(slots=True)
class Takes:
    """`output` are the tokens of an answer that was not kept."""

    tally: LogTally
    prices: LogPrices
    problems: Problems
    examples: Examples
    judge: Judge
    output: int
    now: float
    sample: RequestSample | None = None
    calls: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    unpriced: Counter[str] = field(default_factory=Counter)

    def take(self, call: LoggedCall) -> None:
        request = self._request(call)
        if request is None and call.line.body is not None:
            return
        line = call.line
        self.calls += 1
        self.forms[line.form] += 1
        task = self._task(call, request)
        usage = line.usage or self._estimated(call, request)
        cost = self.prices.of(line, usage)
        self._note(call, cost)
        _add(task, call, usage, cost, self.prices.cloud)
        if line.at is not None:
            self.tally.seen_at(line.at)
        if request is not None:
            self._learn(call, task, request, cost.usd)

    def _request(self, call: LoggedCall) -> Request | None:
        line = call.line
        if line.body is None:
            return None
        try:
            return self.examples.decode(line.dialect, line.body, f"{call.file}:{call.number}")
        except (ShortstopError, KeyError, RecursionError) as error:
            self.problems.add("not-a-request", call.file, call.number, str(error))
            return None

    def _task(self, call: LoggedCall, request: Request | None) -> TaskTally:
        named = call.line.task
        if request is None:
            task = self.tally.task(f"{named or call.line.model or ''} {UNSEEN}".strip())
        else:
            task = self.tally.task(named or task_of(request, ANYONE))
            if not task.about:
                task.about = (system_prompt(request) or request.messages[-1].text)[:ABOUT]
        task.requests += 1
        return task

    def _estimated(self, call: LoggedCall, request: Request | None) -> Usage | None:
        if request is None:
            return None
        answer = call.line.answer
        if answer is None:
            return assumed_usage(request, self.output)
        return estimated_usage(request, Reply("", "", answer, None))

    def _note(self, call: LoggedCall, cost: Cost) -> None:
        line, place = call.line, (call.file, call.number)
        if line.usage is None:
            self.problems.add("no-usage", *place)
        if cost.usd is None:
            self.unpriced[line.model or "(no model)"] += 1
            self.problems.add("no-price", *place, line.model or "(no model)")
        if line.at is None:
            self.problems.add("no-time", *place)
        if line.body is None:
            self.problems.add("no-content", *place)
        elif line.answer is None:
            self.problems.add("no-answer", *place)

    def _learn(
        self, call: LoggedCall, task: TaskTally, request: Request, usd: Decimal | None
    ) -> None:
        self.tally.asked(task, "\n".join(message.text for message in request.messages))
        clearance, weight = _OPEN, self.tally.draw(task)
        if weight:
            clearance = self.judge(request, ANYONE)
            self.tally.judge(task, weight, pinned=clearance.reach >= Reach.LOCAL_ONLY)
        if call.line.local:
            return
        trace = logged_trace(
            call.line, request.id, request, lambda *_: clearance, ANYONE.tenant, self.now
        )
        example = self.examples.one(trace, None)
        if isinstance(example, Example):
            self.tally.keep(task, LearnRow(example, float(usd or 0)))
            if self.sample is not None:
                self.sample.add(task.task, DrawnRow(request, example))
        else:
            task.left_out[example] += 1


def _add(
    task: TaskTally, call: LoggedCall, usage: Usage | None, cost: Cost, cloud: tuple[str, ...]
) -> None:
    task.local += call.line.local
    task.models[call.line.model or "(no model)"] += 1
    task.joules = plus(task.joules, cost.joules)
    if usage is not None:
        task.prompt_tokens += usage.prompt
        task.completion_tokens += usage.completion
    if cost.usd is None:
        return
    task.priced += 1
    task.cost += cost.usd
    for name, usd in zip(cloud, cost.cloud, strict=False):
        task.cloud[name] = task.cloud.get(name, Decimal(0)) + (cost.usd if usd is None else usd)
