"""Tallies and trials -> the document: what could go local, what it saves, what to do first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from msgspec.structs import replace as with_fields

from shortstop.backtest.cloud import CloudEvidence
from shortstop.backtest.count import Takes
from shortstop.backtest.outlook import (
    FORECAST,
    Z90,
    Interval,
    Outlook,
    Premise,
    TaskDraws,
    draws,
    pinned_of_all,
)
from shortstop.backtest.result import (
    DAYS_A_MONTH,
    Backtest,
    Baselines,
    Energy,
    LocalAsking,
    LocalTrial,
    Sensitivity,
    TaskResult,
)
from shortstop.backtest.steps import steps
from shortstop.backtest.tally import TaskTally
from shortstop.backtest.trial import TARGETS, Trial
from shortstop.config import HardwareConfig
from shortstop.evaluate.figures import wilson
from shortstop.flywheel.mine.naming import names_for
from shortstop.ledger import MachineCost
from shortstop.ledger.breakeven import LISTED, Flow, HostMachine, MachineVerdict, verdict
from shortstop.ledger.energy import carbon, plus
from shortstop.ledger.hardware import exact
from shortstop.types import Span

LEAST_DAYS = 1.0
"""A log of less is too short to say what a month is like."""


@dataclass(frozen=True, slots=True)
class LogFindings:
    """What was read, tried and assumed. `days`: what somebody said that the log covers. `limits`
    are what could not be tried here, in words. Carbon is in grams a kilowatt-hour."""

    files: Sequence[str]
    takes: Takes
    trials: Mapping[str, Trial]
    clouds: Mapping[str, Sequence[CloudEvidence]]
    hardware: HardwareConfig
    local_gco2: float
    remote_gco2: float
    days: float | None
    audited: float
    limits: Sequence[str]
    local_trials: Sequence[LocalTrial] = ()
    local_asking: LocalAsking | None = None
    seconds: float = 0.0


def concluded(told: LogFindings) -> Backtest:
    """The document."""
    tally = told.takes.tally
    tallies = sorted(tally.tasks.values(), key=lambda t: (-t.cost, -t.requests, t.task))
    trials = [told.trials.get(t.task, Trial()) for t in tallies]
    pinned = pinned_of_all(tallies)
    pairs = enumerate(zip(tallies, trials, strict=True))
    drawn = [draws(t, trial, pinned, n) for n, (t, trial) in pairs]
    outlook = Outlook(tallies, drawn)
    days, basis = _days(told)
    month = DAYS_A_MONTH / days
    machine = float(MachineCost(told.hardware).usd_per_month) / month
    base = Premise(audited=told.audited, machine=machine)
    avoided, saved = outlook.avoided(base), outlook.saved(base)
    bill = sum((t.cost for t in tallies), Decimal(0))
    names = names_for({t.task: t.about for t in tallies if t.about})
    alone = {one.task: one for one in told.local_trials}
    tasks = tuple(
        _task(t, trial, one, names.get(t.task, t.task), tally.repetition(), alone.get(t.task))
        for t, trial, one in zip(tallies, trials, drawn, strict=True)
    )
    result = Backtest(
        files=tuple(told.files),
        forms=dict(told.takes.forms.most_common()),
        calls=told.takes.calls,
        requests=sum(t.requests for t in tallies),
        first=tally.first,
        last=tally.last,
        days=days,
        days_basis=basis,
        problems=tuple(told.takes.problems.all()),
        unpriced_models=dict(told.takes.unpriced.most_common(20)),
        bill=bill,
        prices=told.takes.prices.version,
        local_share=outlook.local_share(base),
        pinned_share=outlook.pinned_share(),
        avoided=avoided,
        avoided_without_pinned=outlook.avoided(base, pinned=False),
        saved=saved,
        saved_share=_part(saved, float(bill)),
        wrong_a_day=_wrong(tasks, days),
        tasks=tasks,
        baselines=_baselines(told, tallies, bill, saved),
        machines=_machines(told, outlook, base, bill, days),
        sensitivity=tuple(_sensitivity(outlook, base, month)),
        energy=_energy(told, tallies, days),
        steps=(),
        notes=tuple(_notes(told)),
        local_asking=told.local_asking,
        seconds=told.seconds,
    )
    return with_fields(result, steps=tuple(steps(result))) if result.calls else result


def _days(told: LogFindings) -> tuple[float, str]:
    tally = told.takes.tally
    if told.days is not None:
        return told.days, "as you said"
    if tally.first is None or tally.last is None:
        return DAYS_A_MONTH, "taken for one month: the log holds no times (--days)"
    days = (tally.last - tally.first) / 86_400
    if days < LEAST_DAYS:
        return LEAST_DAYS, "taken for one day: the log covers less (--days)"
    return days, "from the first to the last request"


def _part(money: Interval, whole: float) -> Interval:
    return money.times(1 / whole) if whole else Interval(0.0, 0.0, 0.0)


def _task(
    tally: TaskTally, trial: Trial, one: TaskDraws, name: str,
    repetition: Mapping[str, float], alone: LocalTrial | None,
) -> TaskResult:  # fmt: skip
    evidence = tuple(kind for kind in trial.kinds if kind.target == TARGETS[FORECAST])
    return TaskResult(
        name=name,
        task=tally.task,
        requests=tally.requests,
        cost=tally.cost,
        unpriced=tally.requests - tally.priced,
        models=dict(tally.models.most_common(5)),
        repetition=repetition.get(tally.task, 0.0),
        pinned=tally.pinned_share,
        learnable=tally.learnable,
        left_out={str(k): v for k, v in tally.left_out.most_common()},
        local=one.requests.at(FORECAST),
        avoidable=one.spend.at(FORECAST).times(float(tally.cost) * (1 - one.pin)),
        evidence=evidence,
        tested=trial.asked,
        trained=trial.trained,
        right=_right(trial),
        proven=trial.proven,
        more=trial.more,
        why="" if evidence else _why(tally, trial),
        alone=alone,
    )


def _right(trial: Trial) -> Interval | None:
    """Of answers that would have been served: as the log's."""
    if not trial.served or not any(trial.served[FORECAST]):
        return None
    rows = [
        (right, count)
        for served, right, count in zip(
            trial.served[FORECAST], trial.right[FORECAST], trial.counts, strict=True
        )
        if served
    ]
    value = sum(r * c for r, c in rows) / sum(c for _, c in rows)
    low, high = wilson(round(value * len(rows)), len(rows), Z90)
    return Interval(value, min(low, value), max(high, value))


def _why(tally: TaskTally, trial: Trial) -> str:
    if not tally.learnable:
        reasons = ", ".join(f"{n:,} {why}" for why, n in tally.left_out.most_common(2))
        return f"Nothing to learn from: {reasons or 'the log does not hold what was asked'}."
    if "all" in trial.refused:
        return trial.refused["all"]
    if not trial.refused:
        return "Not tried: the time was used up (--minutes)."
    telling = [w for w in trial.refused.values() if any(c.isdigit() for c in w)]
    return (telling or list(trial.refused.values()))[0]


def _wrong(tasks: Sequence[TaskResult], days: float) -> Interval:
    """Local answers a day that are not as the log's."""
    told = [(t.requests * t.local.value / days, t.right) for t in tasks if t.right is not None]
    return Interval(
        sum(n * (1 - r.value) for n, r in told),
        sum(n * (1 - r.high) for n, r in told),
        sum(n * (1 - r.low) for n, r in told),
    )


def _baselines(
    told: LogFindings, tallies: Sequence[TaskTally], bill: Decimal, saved: Interval
) -> Baselines:
    certified, every = Decimal(0), dict.fromkeys(told.takes.prices.cloud, Decimal(0))
    for tally in tallies:
        proven = [e.model for e in told.clouds.get(tally.task, ()) if e.certified]
        certified += min([tally.cost, *(tally.cloud[m] for m in proven if m in tally.cloud)])
        for model in every:
            every[model] += tally.cloud.get(model, tally.cost)
    cheapest = min(every, key=lambda model: every[model]) if every else None
    ours = float(bill)
    return Baselines(
        today=bill,
        cloud_certified=certified,
        cloud_if_good_enough=None if cheapest is None else every[cheapest],
        cloud_model=cheapest,
        ours=Interval(ours - saved.value, ours - saved.high, ours - saved.low),
        candidates=told.takes.prices.cloud,
    )


def _machines(
    told: LogFindings, outlook: Outlook, base: Premise, bill: Decimal, days: float
) -> tuple[MachineVerdict, ...]:
    month = exact(DAYS_A_MONTH / days)
    answers = [t for t in told.takes.tally.tasks.values() if t.completion_tokens]
    tokens = sum(t.completion_tokens for t in answers) // max(sum(t.requests for t in answers), 1)
    flow = Flow(
        requests_per_day=exact(told.takes.calls / days),
        bill=bill * month,
        avoided=exact(outlook.avoided(base).value) * month,
        local_share=exact(outlook.local_share(base).value),
        audited=exact(base.audited),
        output_tokens=tokens,
    )
    mine = HostMachine.configured(told.hardware)
    return tuple(verdict(flow, machine) for machine in (mine, *LISTED))


def _sensitivity(outlook: Outlook, base: Premise, month: float) -> list[Sensitivity]:
    cases = [
        ("as it is", base),
        ("models cost half", replace(base, price=0.5)),
        ("models cost a fifth", replace(base, price=0.2)),
        (
            "the machine costs twice as much, or is half as busy",
            replace(base, machine=2 * base.machine),
        ),
        ("half as many again of the tasks that stay", replace(base, hard=1.5)),
        ("half as many of the tasks that stay", replace(base, hard=0.5)),
        (f"{TARGETS[0]:.0%} of local answers must be right", replace(base, target=0)),
        (
            f"{TARGETS[-1]:.0%} of local answers must be right",
            replace(base, target=len(TARGETS) - 1),
        ),
        ("a fifth of local answers is compared", replace(base, audited=0.2)),
    ]
    return [
        Sensitivity(words, saved.times(month), _part(saved, outlook.bill(assumed)))
        for words, assumed in cases
        for saved in [outlook.saved(assumed)]
    ]


def _energy(told: LogFindings, tallies: Sequence[TaskTally], days: float) -> Energy:
    models = Span()
    for tally in tallies:
        models = plus(models, tally.joules)
    busy = days * 86_400 * told.hardware.utilisation
    machine = MachineCost(told.hardware).joules(busy, 1)
    return Energy(
        models=models,
        machine=machine,
        machine_gco2=carbon(machine, told.local_gco2),
        models_gco2=carbon(models, told.remote_gco2),
    )


def _notes(told: LogFindings) -> list[str]:
    return [
        *told.limits,
        "No model was asked: what could go local was learned from the log's own answers and tried"
        " on its newest requests, which it had not seen." if told.local_asking is None else
        "Only the local model was asked, a sample; no other figure knows of it: they were learned"
        " from the log's own answers and tried on its newest requests.",
        "Right means as the log's answer. Where today's model errs, so do these figures.",
        "Intervals are 90 %: examined texts drawn again, wider where shares move with time. They"
        " say nothing of what the log does not hold.",
        "Pinned is what privacy would keep on this machine, from a draw of each task's requests. A"
        " local model must answer those; how well is not known from a log.",
        f"Comparing {told.audited:.0%} of the local answers with the frontier's is taken off.",
        f"Prices: the log's own where it has them, else {told.takes.prices.version}.",
    ]  # fmt: skip
