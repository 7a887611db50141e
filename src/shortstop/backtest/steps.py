"""What to do first, from what was found."""

from __future__ import annotations

from collections.abc import Iterator

from shortstop.backtest.result import Backtest, TaskResult

SHOWN = 3
MATTERS = 0.05
"""Share of the bill or of the rows from which on something is worth a step."""


def steps(result: Backtest) -> Iterator[str]:
    """In their order."""
    yield from _log(result)
    yield from _tasks(result)
    pinned = result.pinned_share.value
    if pinned >= MATTERS / 5:
        yield (
            f"Choose a local model for the {pinned:.0%} of requests that privacy keeps here"
            " (`shortstop doctor` says which suits this machine): it is compared with the frontier"
            " unseen, and `shortstop contract` says what it may take over."
        )
    cloud, bill = result.baselines.cloud_if_good_enough, float(result.bill)
    if cloud is not None and float(cloud) < 0.5 * result.baselines.ours.value and bill:
        yield (
            f"Put {result.baselines.cloud_model} beside today's model as a second target: if its"
            " answers hold on your tasks, it is cheaper than anything here. The contract tells."
        )
    if result.saved.high <= 0:
        yield "Do not adopt this for the money: the machine costs more than it saves here."


def _log(result: Backtest) -> Iterator[str]:
    rows = {one.kind: one.rows for one in result.problems}
    whole = max(result.calls, 1)
    if rows.get("no-content", 0) >= MATTERS * whole:
        yield "Log what is asked and answered: without it nothing can be learned or tried."
    if rows.get("no-price", 0):
        models = ", ".join(list(result.unpriced_models)[:SHOWN])
        yield f"Give a price to {models} under [prices]: their requests are in no sum of money."
    if rows.get("no-time", 0) >= MATTERS * whole:
        yield "Log the time of each request: newest requests examine, and a month needs days."


def _tasks(result: Backtest) -> Iterator[str]:
    month = result.month
    best = sorted((t for t in result.tasks if t.evidence), key=lambda t: -t.avoidable.value)
    for task in best[:SHOWN]:
        kinds = ", ".join(one.kind for one in task.evidence)
        yield (
            f"Let {task.name} go local ({kinds}): about ${task.avoidable.value * month:,.2f} a"
            f" month; {_proof(task)}"
        )
    waiting = [t for t in result.tasks if not t.evidence and t.learnable > 0]
    for task in sorted(waiting, key=lambda t: -t.cost)[:1]:
        if float(task.cost) >= 2 * MATTERS * float(result.bill) > 0:
            yield f"The dearest task that stays is {task.name}: {task.why}"


def _proof(task: TaskResult) -> str:
    if task.proven:
        return "this log alone proves that it keeps within the margin."
    if task.more is not None:
        return f"about {task.more:,} more requests would prove it."
    return "where it differs from today's model, somebody has to say who is right."
