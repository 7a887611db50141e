"""A report as one HTML file that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from importlib import resources
from string import Template

from shortstop.console import charts
from shortstop.console.charts import Bar, Series
from shortstop.evaluate.figures import wilson
from shortstop.traces.queries import By, Slice, TrafficReport
from shortstop.types import Span

_TITLES: dict[By, str] = {
    "task": "By task",
    "target": "By who answered",
    "tenant": "By tenant",
    "day": "By day",
}
_LONG = 20


@dataclass(frozen=True, slots=True)
class Panel:
    """A further card of the page. `html` is trusted markup, e.g. from `charts`."""

    title: str
    html: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """How many answers of a task were right, ours and, where known, the frontier's alone."""

    task: str
    requests: int
    right: int
    frontier_right: int | None = None


def render(report: TrafficReport, extras: Sequence[Panel] = (), notes: Sequence[str] = ()) -> str:
    """The page. `extras` are shown after the charts, `notes` are added to the conditions."""
    page = (resources.files(__package__) / "report.html").read_text(encoding="utf-8")
    return Template(page).substitute(
        title=escape(f"Shortstop report, {period(report)}"),
        when=escape(period(report) + (f" · tenant {report.tenant}" if report.tenant else "")),
        lead=_lead(report.total),
        warning=_warning(report.total),
        tiles="".join(_tiles(report)),
        charts="".join(_card(panel) for panel in _charts(report)),
        panels="".join(_card(panel, wide=True) for panel in extras),
        tables="".join(_card(panel, wide=True) for panel in _tables(report)),
        basis="".join(f"<li>{escape(text)}</li>" for text in (*basis(report), *notes)),
        footer=escape(f"Made by Shortstop on {_stamp(datetime.now(UTC).timestamp())} UTC."),
    )


def quality_panel(rows: Sequence[Quality], note: str = "") -> Panel:
    """Share of right answers for each task, beside the frontier's where that is known."""
    made: list[Bar] = []
    for row in rows:
        if not row.requests:
            continue
        share = row.right / row.requests
        text = f"{share:.0%} of {row.requests}"
        made.append(Bar(row.task, "local", share, text, *wilson(row.right, row.requests)))
        if row.frontier_right is not None:
            alone = row.frontier_right / row.requests
            made.append(Bar("", "frontier", alone, f"{alone:.0%} frontier alone"))
    return Panel("Quality by task", charts.bars(made), note)


# ---------------------------------------------------------------- words and figures


def period(report: TrafficReport) -> str:
    if report.first is None or report.last is None:
        return "no requests"
    first, last = _stamp(report.first), _stamp(report.last)
    if first[:10] == last[:10]:
        return f"{first[:10]}, {first[11:]} to {last[11:]} UTC"
    return f"{first[:10]} to {last[:10]} UTC"


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def usd(amount: Decimal | float) -> str:
    """As many digits as matter: $12,345, $12.35, $0.50, $0.0123, $0.000123."""
    value = Decimal(amount)
    size = abs(value)
    sign = "-" if value < 0 else ""
    if size >= 1000:
        return f"{sign}${size:,.0f}"
    if size == 0:
        return "$0"
    digits = 2 if size >= Decimal("0.1") else min(9, 2 - size.adjusted())
    return f"{sign}${size:.{digits}f}"


def axis_usd(value: float) -> str:
    """A round amount with no more digits than it needs: $2, $0.50, $0.0005."""
    text = f"{Decimal(repr(value)).normalize():f}"
    whole, _, rest = text.partition(".")
    return f"${int(whole):,}" + (f".{rest.ljust(2, '0')}" if rest else "")


def share(value: float | None) -> str:
    if value is None:
        return "–"
    return "0%" if abs(value) < 0.005 else f"{value:.0%}"


def seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def energy(joules: float) -> str:
    wh = joules / 3600
    if wh >= 100_000:
        return f"{wh / 1000:,.0f} kWh"
    return f"{wh / 1000:,.1f} kWh" if wh >= 1000 else f"{wh:.3g} Wh"


def span(value: Span) -> str:
    return f"{energy(value.low)} to {energy(value.high)}"


def grams(value: float) -> str:
    return f"{value / 1000:,.1f} kg" if value >= 1000 else f"{value:.3g} g"


def _lead(total: Slice) -> str:
    if not total.requests:
        return "No requests yet. Point a client at the gateway and come back."
    text = f"{total.requests:,} requests, <em>{share(total.local_share)} answered locally</em>"
    if total.counterfactual and total.saved > 0:
        text += f", <em>{share(total.saved_share)} cheaper</em> than all-LLM"
    elif total.counterfactual:
        text += f", {usd(-total.saved)} dearer than all-LLM"
    return f"{text}."


def _warning(total: Slice) -> str:
    if not total.unpriced:
        return ""
    return (
        f'<section class="card wide warn"><b>{total.unpriced:,} of {total.requests:,} requests '
        "have no known price</b> and are in no sum of money on this page. Give the models a price "
        "under [prices] in shortstop.toml.</section>"
    )


def _tile(label: str, value: str, more: str = "", tone: str = "") -> str:
    return (
        f'<div class="card tile {tone}"><div class="label">{escape(label)}</div>'
        f'<div class="value">{escape(value)}</div><div class="more">{escape(more)}</div></div>'
    )


def _tiles(report: TrafficReport) -> list[str]:
    total = report.total
    saved = "good" if total.saved > 0 else ""
    return [
        _tile("Requests", f"{total.requests:,}", _outcomes(total)),
        _tile(
            "Answered locally",
            share(total.local_share),
            f"{total.local:,} of {total.answered:,}; {total.escalated:,} escalated",
        ),
        _tile("Pinned by privacy", share(total.pinned_share), f"{total.pinned:,} never left"),
        _tile(
            "Saved",
            usd(total.saved),
            f"{usd(total.cost)} instead of {usd(total.counterfactual)}",
            saved,
        ),
        _tile(
            "Local answer, p50",
            seconds(total.local_p50),
            f"p95 {seconds(total.local_p95)}; remote {seconds(total.remote_p50)} / "
            f"{seconds(total.remote_p95)}",
        ),
        _tile(
            "Energy",
            energy(total.joules.value),
            f"all-LLM {energy(total.counterfactual_joules.value)} ({total.joules.basis})",
        ),
    ]


def _outcomes(total: Slice) -> str:
    named = (
        ("failed", total.failed),
        ("refused", total.refused),
        ("cancelled", total.cancelled),
    )
    bad = [f"{n:,} {name}" for name, n in named if n]
    return ", ".join(bad) or "all answered"


def basis(report: TrafficReport) -> list[str]:
    """What one has to know to believe the figures, or not to."""
    total = report.total
    baselines = " and ".join(report.baselines) or "no baseline"
    reference = any(name.startswith("reference:") for name in report.baselines)
    texts = [
        f"All-LLM is the same requests answered by {baselines}, priced with the token counts of "
        "the answers that were given; a frontier that would have written more would have cost "
        "more.",
        *(
            ["A reference model stands for all-LLM, as no upstream is configured here."]
            if reference
            else []
        ),
        f"Prices: {', '.join(report.prices) or 'none used'}. Remote cost is tokens times list "
        "price of every attempt that was billed, answers that were not kept included.",
        f"Local cost ({usd(total.cost_local)} of {usd(total.cost)}) is the machine's price, "
        "upkeep, care and power spread over its busy seconds at the utilisation stated under "
        "[hardware].",
        f"Energy here is {total.joules.basis}; the vendors' is modelled after EcoLogits from "
        "output tokens alone, with ranges because sizes of closed models are guesses.",
        "Times are from the request's arrival to the answer's end; percentiles are nearest rank "
        "over answered requests. Times and days are UTC.",
    ]
    if total.estimated:
        texts.append(f"Token counts of {total.estimated:,} requests are estimates.")
    return texts


# ---------------------------------------------------------------- cards


def _card(panel: Panel, *, wide: bool = False) -> str:
    note = f'<p class="note">{escape(panel.note)}</p>' if panel.note else ""
    kind = "card wide" if wide else "card"
    return f'<section class="{kind}"><h2>{escape(panel.title)}</h2>{panel.html}{note}</section>'


def _charts(report: TrafficReport) -> list[Panel]:
    if not report.timeline:
        return []
    return [_who_answered(report), _money(report), *_latency(report), _energy(report.total)]


def _labels(report: TrafficReport) -> list[str]:
    pattern = "%d %b" if report.step >= 86_400 else "%H:%M" if report.step >= 60 else "%H:%M:%S"
    return [datetime.fromtimestamp(p.at, UTC).strftime(pattern) for p in report.timeline]


def _who_answered(report: TrafficReport) -> Panel:
    points = report.timeline
    failed = [float(p.requests - p.local - p.remote) for p in points]
    series = [
        Series("local", "local", [float(p.local) for p in points]),
        Series("remote", "remote", [float(p.remote) for p in points]),
        *([Series("not answered", "failed", failed)] if any(failed) else []),
    ]
    chart = charts.stacked(
        _labels(report), series, describe="Requests over time by who answered them"
    )
    return Panel("Who answered", chart, f"Requests per {_step(report.step)}.")


def _step(step: float) -> str:
    for unit, name in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if step >= unit:
            count = int(step // unit)
            return name if count == 1 else f"{count} {name}s"
    return "second"


def _money(report: TrafficReport) -> Panel:
    spent, would = _running(report)
    chart = charts.lines(
        _labels(report),
        [Series("all-LLM", "frontier", would), Series("with Shortstop", "local", spent)],
        describe="Cumulative cost, with Shortstop and with the frontier alone",
        say=axis_usd,
        between=f"saved {usd(report.total.saved)}",
    )
    return Panel("Cost so far", chart, f"Against {', '.join(report.baselines) or 'no baseline'}.")


def _running(report: TrafficReport) -> tuple[list[float], list[float]]:
    cost, would = Decimal(0), Decimal(0)
    spent: list[float] = []
    all_llm: list[float] = []
    for point in report.timeline:
        cost += point.cost
        would += point.counterfactual
        spent.append(float(cost))
        all_llm.append(float(would))
    return spent, all_llm


def _latency(report: TrafficReport) -> list[Panel]:
    if not report.latency:
        return []
    bins = report.latency
    edges = [_edge(b.low) for b in bins] + [_edge(bins[-1].high)]
    chart = charts.histogram(
        edges,
        [
            Series("local", "local", [float(b.local) for b in bins]),
            Series("remote", "remote", [float(b.remote) for b in bins]),
        ],
        describe="Distribution of answer times, local and remote",
    )
    note = "Share of each side's answers by time to the whole answer; the scale is logarithmic."
    return [Panel("Latency", chart, note)]


def _energy(total: Slice) -> Panel:
    here, there = total.joules, total.counterfactual_joules
    top = max(here.high, there.high) or 1.0
    rows = [
        Bar(name, tone, one.value / top, energy(one.value), one.low / top, one.high / top)
        for name, tone, one in (
            ("with Shortstop", "local", here),
            ("all-LLM", "frontier", there),
        )
    ]
    note = (
        f"Whiskers are low and high estimates: {span(here)} ({here.basis}) against {span(there)} "
        f"({there.basis}). Carbon {grams(total.gco2.low)} to {grams(total.gco2.high)} CO2e."
    )
    return Panel("Energy", charts.bars(rows), note)


def _edge(value: float) -> str:
    if value >= 1e6:
        return "more"
    return f"{value * 1000:g} ms" if value < 1 else f"{value:g} s"


_HEADS = (
    "", "Requests", "Local", "Pinned", "Escalated", "p50", "p95", "Cost", "All-LLM", "Saved",
)  # fmt: skip


def _tables(report: TrafficReport) -> list[Panel]:
    """A table for each grouping that says something."""
    return [
        Panel(title, _table(slices))
        for by, title in _TITLES.items()
        if len(slices := report.groups.get(by, ())) > 1 or (by == "target" and slices)
    ]


def _table(slices: Sequence[Slice]) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in _HEADS)
    body = "".join(f"<tr>{_row(one)}</tr>" for one in slices)
    table = (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    if len(slices) <= _LONG:
        return table
    return f"<details><summary>{len(slices):,} rows</summary>{table}</details>"


def _row(one: Slice) -> str:
    part = one.local_share or 0.0
    meter = f'<span class="meter"><i style="width:{100 * part:.0f}%"></i></span>'
    unpriced = f" ({one.unpriced:,} unpriced)" if one.unpriced else ""
    cells = (
        escape(one.key),
        f"{one.requests:,}",
        meter + share(one.local_share),
        share(one.pinned_share),
        f"{one.escalated:,}",
        seconds(one.p50),
        seconds(one.p95),
        usd(one.cost) + unpriced,
        usd(one.counterfactual),
        f"{usd(one.saved)} ({share(one.saved_share)})" if one.counterfactual else usd(one.saved),
    )
    return "".join(f"<td>{cell}</td>" for cell in cells)
