"""A backtest in words and as one HTML file that needs nothing else. The terminal says the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from string import Template

from shortstop.backtest.outlook import Interval
from shortstop.backtest.problems import Kind
from shortstop.backtest.result import Backtest, LocalTrial, TaskResult
from shortstop.console.format import energy, grams, share, span, timestamp, usd
from shortstop.ledger.breakeven import MachineVerdict

PROBLEMS: Mapping[Kind, str] = {
    "not-readable": "lines could not be read and are in no figure",
    "no-model-call": "rows are of something else than an answered call of a model",
    "not-a-request": "requests could not be decoded and are in no figure",
    "file-breaks-off": "files end in the middle; what stood before counts",
    "no-usage": "rows without usage: their tokens are estimated",
    "no-price": "rows whose price nobody knows: in no sum of money",
    "no-time": "rows without a time",
    "no-content": "rows without what was asked: they count, and nothing is learned of them",
    "no-answer": "rows without an answer: they count, and nothing is learned of them",
}


def percent(one: Interval) -> str:
    """52% (48 to 57%)."""
    return f"{one.value:.0%} ({one.low * 100:.0f} to {one.high:.0%})"


def dollars(one: Interval) -> str:
    return f"{usd(one.value)} ({usd(one.low)} to {usd(one.high)})"


def headline(result: Backtest) -> list[str]:
    """The answer in a few sentences."""
    month = result.month
    lines = [
        f"{percent(result.local_share)} of {result.calls:,} requests could be answered here;"
        f" {share(result.pinned_share.value)} because privacy keeps them, the rest by evidence.",
        f"That saves {dollars(result.saved.times(month))} of"
        f" {usd(float(result.bill) * month)} a month, {percent(result.saved_share)}, this machine"
        " and comparing paid for.",
        f"Without what is pinned it avoids {dollars(result.avoided_without_pinned.times(month))} a"
        f" month. About {result.wrong_a_day.value:,.0f} ({result.wrong_a_day.low:,.0f} to"
        f" {result.wrong_a_day.high:,.0f}) local answers a day would not be as today's.",
        f"The log: {result.days:,.1f} days ({result.days_basis}); {_forms(result)}.",
    ]
    unpriced = sum(result.unpriced_models.values())
    if unpriced:
        lines.append(f"{unpriced:,} requests have no known price and are in no sum of money.")
    return lines


def _forms(result: Backtest) -> str:
    return ", ".join(f"{count:,} rows as {form}" for form, count in result.forms.items())


def evidence(task: TaskResult) -> str:
    """By what a task could be answered, and how sure that is; or why not."""
    if not task.evidence:
        return task.why
    kinds = ", ".join(f"{one.kind} {one.served:.0%}" for one in task.evidence)
    right = f"{percent(task.right)} as today's" if task.right else ""
    if task.proven:
        state = "proven by this log"
    elif task.more is not None:
        state = f"about {task.more:,} more requests to prove it"
    else:
        state = "somebody must say who is right where they differ"
    return f"{kinds}; {right} on {task.tested:,} new requests; {state}"


ASKED_HEADS = ("task", "asked", "as good as the log's", "local without asking", "how it was judged")


def asking_line(result: Backtest) -> str:
    """What the local model was asked, and why not more; "" where it was not."""
    told = result.local_asking
    if told is None:
        return ""
    ended = f"; not all of {told.drawn:,}: {told.ended}" if told.ended else ""
    return (
        f"{told.model} was asked {told.asked:,} requests of the log in {told.seconds:,.0f} s, of"
        f" {told.cap:g} s allowed{ended}. Only a local model is asked: no vendor was paid."
    )


def asked_rows(result: Backtest) -> list[tuple[str, ...]]:
    """By task: what the local model made of the sample, beside what is known without asking it."""
    return [
        (
            task.name, f"{alone.asked:,}",
            "words do not tell" if _prose(alone) else percent(alone.share),
            percent(task.local) if task.evidence else "0%", _judged(alone),
        )
        for task in result.tasks if (alone := task.alone) is not None
    ]  # fmt: skip


def _prose(alone: LocalTrial) -> bool:
    return alone.grader not in ("exact", "numeric", "json")


def _judged(alone: LocalTrial) -> str:
    failed = f"; {alone.failed:,} without a whole answer" if alone.failed else ""
    if _prose(alone):
        return (
            f"prose: {alone.mean:.0%} of the words in common; whether that is as good, a judge or"
            f" people must say{failed}"
        )
    return f"by the grader {alone.grader!r}, mean {alone.mean:.2f}{failed}"


def baseline_rows(result: Backtest) -> list[tuple[str, str, str]]:
    """Today, the cheapest cloud model that is shown to do, and ours: a month each."""
    told, month = result.baselines, result.month
    rows = [
        ("as it is today", usd(float(told.today) * month), ""),
        (
            "cheapest certified cloud model",
            usd(float(told.cloud_certified) * month),
            "where this log shows that a cheaper model answers alike"
            if told.cloud_certified < told.today
            else "this log shows of no cheaper model that it answers alike",
        ),
    ]
    if told.cloud_if_good_enough is not None:
        price = usd(float(told.cloud_if_good_enough) * month)
        rows.append(
            (f"{told.cloud_model} for everything", price, "nobody knows whether it will do")
        )
    rows.append(("with Shortstop on this machine", dollars(told.ours.times(month)), ""))
    return rows


def sensitivity_rows(result: Backtest) -> list[tuple[str, str, str]]:
    return [(one.change, dollars(one.saved), percent(one.share)) for one in result.sensitivity]


MACHINE_HEADS = ("machine", "how many", "a month", "saved", "pays from", "payback")


def machine_cells(one: MachineVerdict) -> tuple[str, ...]:
    """Under MACHINE_HEADS; it pays from so many requests a day."""
    even = "never" if one.break_even is None else f"{one.break_even:,.0f} a day"
    months = one.payback_months
    payback = "never" if months is None else "at once" if not months else f"{months:,.1f} months"
    part = None if one.saved_share is None else float(one.saved_share)
    return (
        one.machine, str(one.machines), usd(one.month), f"{usd(one.saved)} ({share(part)})",
        even, payback,
    )  # fmt: skip


def energy_line(result: Backtest) -> str:
    told = result.energy
    verdict = (
        "less than what the models took"
        if told.machine.value < told.models.low
        else "more than what the models took: a machine that waits still draws power"
        if told.machine.value > told.models.high
        else "within the range of what the models took"
    )
    return (
        f"Energy over the log's time: the models {energy(told.models.value)}"
        f" ({span(told.models)}, {told.models.basis}), {grams(told.models_gco2.value)} CO2e"
        f" ({told.models_gco2.basis}); this machine, on all of that time,"
        f" {energy(told.machine.value)} ({span(told.machine)}, {told.machine.basis}),"
        f" {grams(told.machine_gco2.value)} CO2e ({told.machine_gco2.basis}): {verdict}. Carbon is"
        " the operational part of SCI (ISO/IEC 21031), without what it took to make the machines."
    )


# ---------------------------------------------------------------- page


def render(result: Backtest) -> str:
    """The page. Everything that stands in the log is escaped."""
    template = (resources.files(__package__) / "backtest.html").read_text(encoding="utf-8")
    first, *others = headline(result)
    lead = f'<p class="lead">{escape(first)}</p>' + "".join(f"<p>{escape(o)}</p>" for o in others)
    when = "" if result.first is None else f" {timestamp(result.first)} UTC"
    return Template(template).substitute(
        title="Shortstop backtest",
        lead=lead,
        sections="".join(_sections(result)),
        footer=escape(f"{', '.join(result.files)}{when}. {result.seconds:,.0f} s on this machine."),
    )


def _sections(result: Backtest) -> Iterable[str]:
    if result.steps:
        yield _section("What to do first", _list(result.steps, "ol"))
    yield _section("Tasks, dearest first", _tasks(result), words=True)
    if result.local_asking is not None:
        line = f"<p>{escape(asking_line(result))}</p>"
        table = _table(ASKED_HEADS, asked_rows(result))
        yield _section("What the local model made of a sample", line + table, words=True)
    yield _section("A month", _table(("", "cost", ""), baseline_rows(result)), words=True)
    yield _section("Machines", _table(MACHINE_HEADS, map(machine_cells, result.machines)))
    yield _section(
        "If something were otherwise",
        _table(("", "saved a month", "share"), sensitivity_rows(result)),
    )
    yield _section("Energy", f"<p>{escape(energy_line(result))}</p>")
    if result.problems:
        yield _section("What is wrong with the log", _problems(result))
    yield _section("How these figures are made", _list(result.notes, "ul"))


def _section(title: str, html: str, *, words: bool = False) -> str:
    body = f'<div class="scroll{" words" if words else ""}">{html}</div>'
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _list(items: Sequence[str], tag: str) -> str:
    return f"<{tag}>{''.join(f'<li>{escape(item)}</li>' for item in items)}</{tag}>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _tasks(result: Backtest) -> str:
    heads = ("task", "requests", "cost", "repeated", "could be local", "pinned", "avoidable")
    rows = [
        (
            task.name, f"{task.requests:,}", usd(task.cost), share(task.repetition),
            percent(task.local) if task.evidence else "0%", share(task.pinned),
            usd(task.avoidable.value), evidence(task),
        )
        for task in result.tasks
    ]  # fmt: skip
    return _table((*heads, "by what, how sure"), rows)


def _problems(result: Backtest) -> str:
    items = [
        f"{problem.rows:,} {PROBLEMS[problem.kind]}: "
        + "; ".join(f"{p.file} line {p.line} {p.why}".rstrip() for p in problem.first)
        for problem in result.problems
    ]
    return _list(items, "ul")
