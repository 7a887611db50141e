"""What a logged call becomes: priced, estimated, judged, kept; never silently nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from shortstop.backtest.count import UNSEEN, Takes
from shortstop.backtest.pricing import LogPrices
from shortstop.backtest.problems import Problems
from shortstop.backtest.reading import LoggedCall
from shortstop.backtest.tally import LogTally
from shortstop.dialects import get
from shortstop.dialects.logs import read_line
from shortstop.flywheel.examples import Examples
from shortstop.ledger import price_sheet
from shortstop.types import Caller, Clearance, Reach, Request, Tier
from tests.backtest.logs import row


class Everyone:
    def __contains__(self, target: object) -> bool:
        return True


def judge(request: Request, caller: Caller) -> Clearance:
    secret = "secret" in request.messages[-1].text
    return Clearance(Tier.S2, Reach.LOCAL_ONLY if secret else Reach.ANYWHERE)


def take(*rows: Any, cloud: tuple[str, ...] = ()) -> Takes:
    takes = Takes(
        LogTally(1000), LogPrices(price_sheet(), cloud, 1.79e9), Problems(),
        Examples(Everyone(), lambda d, b, i: get(d).decode_request(b, i), pinned=True),  # type: ignore[arg-type]
        judge, 150, 1.79e9,
    )  # fmt: skip
    for number, one in enumerate(rows, start=1):
        for line in read_line(json.dumps(one)):
            takes.take(LoggedCall(line, "log", number))
    return takes


def kinds(takes: Takes) -> dict[str, int]:
    return {problem.kind: problem.rows for problem in takes.problems.all()}


def test_the_list_price_of_its_tokens() -> None:
    takes = take(row(1, "a", "b"), cloud=("gpt-6-luna",))
    (task,) = takes.tally.tasks.values()
    assert task.cost == (200 * 4 + 10 * 20) / Decimal(10**6)
    assert task.cloud == {"gpt-6-luna": (200 * Decimal("0.1") + 10 * Decimal("0.5")) / 10**6}
    assert (task.prompt_tokens, task.completion_tokens) == (200, 10)
    assert task.joules.low < task.joules.value < task.joules.high
    assert kinds(takes) == {}


def test_the_logs_own_figure_comes_first() -> None:
    (task,) = take(row(1, "a", "b", cost=0.5)).tally.tasks.values()
    assert task.cost == Decimal("0.5")


def test_nothing_is_priced_at_zero() -> None:
    takes = take(row(1, "a", "b", model="nobody-knows-it"), row(2, "a", "b"))
    assert takes.unpriced == {"nobody-knows-it": 1}
    assert kinds(takes) == {"no-price": 1}
    assert sum(t.priced for t in takes.tally.tasks.values()) == 1


def test_missing_usage_is_estimated_and_said() -> None:
    whole = row(1, "word " * 400, "b " * 100)
    del whole["response"]["usage"]
    takes = take(whole)
    (task,) = takes.tally.tasks.values()
    assert kinds(takes) == {"no-usage": 1}
    assert 300 < task.prompt_tokens < 700
    assert 5 < task.completion_tokens < 100
    assert task.cost > 0


def test_an_answer_without_its_request_still_costs() -> None:
    told = row(1, "a", "b")["response"]
    takes = take(told)
    (task,) = takes.tally.tasks.values()
    assert UNSEEN in task.task
    assert task.cost > 0
    assert kinds(takes) == {"no-content": 1}


def test_what_is_pinned_is_counted_and_learned_from() -> None:
    takes = take(row(1, "a secret", "b"), row(2, "plain", "b"))
    (task,) = takes.tally.tasks.values()
    assert task.pinned_share == 0.5
    assert len(task.rows) == 2


def test_our_own_local_answers_teach_nothing() -> None:
    mine = {
        "clearance": {}, "dialect": "openai.chat", "outcome": "ok", "local": True, "at": 1.79e9,
        "target": "small", "decision": {"task": "sort"}, "bill": {"cost": "0.00001"},
        "request": {"messages": [{"role": "user", "content": "a"}]},
        "response": {"choices": [{"parts": [{"type": "text", "text": "b"}], "finish": "stop"}]},
    }  # fmt: skip
    takes = take(mine)
    task = takes.tally.tasks["sort"]
    assert (task.local, task.requests, task.rows) == (1, 1, [])
    assert task.cost == Decimal("0.00001")
