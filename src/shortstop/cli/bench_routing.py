"""`shortstop bench routing`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from shortstop.cli.options import AsJson
from shortstop.cli.output import end, on_terminal, print_json, progress, say
from shortstop.cli.tables import Data, graded
from shortstop.errors import ConfigError
from shortstop.evaluate.certificates import Certificate
from shortstop.evaluate.curves import page
from shortstop.evaluate.footprint import DecisionTime, Memory, decision_time, memory
from shortstop.evaluate.ranking import Score
from shortstop.evaluate.routing import Calibration, RoutingReport, Saving, examine

MAX_SPREAD = 3.0
"""An interval that leaves [-3, 3] says only that the models are equally good there."""


def bench_routing(
    data: Data = None,
    as_json: AsJson = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write curves to this file.")] = None,
    boots: Annotated[int, typer.Option(help="Bootstrap draws for the intervals.")] = 200,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out learning curves.")] = False,
    least: Annotated[
        list[str] | None,
        typer.Option(
            "--least",
            help='A bar, as "BENCHMARK RANKING=APGR": exit status 1 if missed. Repeatable.',
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of --json, and end.")
    ] = False,
) -> None:
    """Examine the router on graded pairs: in-domain, transfer, learning, certificates.

    A row has id, bench, prompt, score_small and score_big; it may have domain, fold, contaminated,
    cost_small, cost_big, response_small, response_other or response_other_1, _2, ... (answers of
    helpers to the same prompt) and grader (exact, numeric, json, similar).
    """
    if schema:
        print_json(msgspec.json.schema(BenchReport))
        return
    bars = [_bar(text) for text in least or ()]
    with progress("steps", hidden=not on_terminal()) as steps:
        step = steps.add_task("reading the table")
        table = graded(data)
        report = examine(
            table, boots=boots, quick=quick, tell=lambda what: steps.update(step, description=what)
        )
    if plot is not None:
        plot.write_text(page(report), encoding="utf-8")
    pace = decision_time(table.prompts)
    room = None if quick else memory(table.prompts)
    if as_json:
        print_json(BenchReport(report, pace, room))
    else:
        for line in (*printed(report), *_footprint(pace, room)):
            say(line)
    missed = [text for bar in bars if (text := _missed(report, *bar))]
    if missed:
        end(1, " ".join(missed))


class BenchReport(Struct, frozen=True):
    """What `--json` prints."""

    routing: RoutingReport
    decision_ms: DecisionTime
    memory: Memory | None


def _bar(text: str) -> tuple[str, float]:
    """Raises ConfigError."""
    name, _, value = text.rpartition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise ConfigError(
            f"--least {text!r} is no bar.", hint='Write it as "gsm8k prompt only=0.65".'
        ) from None


def _missed(report: RoutingReport, name: str, least: float) -> str | None:
    """Raises ConfigError where there is no such ranking."""
    scores = {f"{s.bench} {s.router}": s for s in (*report.in_domain, *report.learning)}
    if name not in scores:
        raise ConfigError(
            f"There is no ranking {name!r} to hold to a bar.",
            hint=f"There are: {', '.join(scores)}.",
        )
    value = scores[name].apgr.value
    return f"{name} has an APGR of {value:.3f}, less than {least:g}." if value < least else None


def printed(report: RoutingReport) -> Iterable[str]:
    yield from _scores(report)
    yield from _published(report)
    yield from _certificates(report.certificates)
    yield from map(_calibration, report.calibration)
    yield from _savings(report.savings)


def _scores(report: RoutingReport) -> Iterable[str]:
    parts = [
        ("In-domain, 5-fold", report.in_domain),
        ("Transfer: learned there, examined here", report.transfer),
        ("Learning from own requests", report.learning),
        ("By domain, in-domain", report.domains),
    ]
    for title, scores in parts:
        if scores:
            yield ""
            yield f"{title}  (APGR [95% interval] / CPT50 / CPT80, n)"
            yield from map(_score, scores)


def _score(s: Score) -> str:
    name = f"{s.bench} {s.router}"
    if s.gap.high <= 0:
        equal = s.gap.low == 0
        why = "no gap: the small model is as good" if equal else "the small model is better"
        return f"  {name:46} {why:37} n={s.gap.n}"
    if s.apgr.low < -MAX_SPREAD or s.apgr.high > MAX_SPREAD:
        return f"  {name:46} {'gap too small to tell':37} n={s.gap.n}"
    return (
        f"  {name:46} {s.apgr.value:.3f} "
        f"[{s.apgr.low:.3f}, {s.apgr.high:.3f}] / {s.cpt50.value:4.1f} / {s.cpt80.value:4.1f}"
        f"  n={s.apgr.n}"
    )


def _published(report: RoutingReport) -> Iterable[str]:
    for bench, routers in report.published.items():
        yield ""
        yield f"To compare with, {bench}"
        for router, (apgr, half, most) in routers.items():
            yield f"  {router:46} {apgr:.3f}                / {half:4.1f} / {most:4.1f}"


def _certificates(certificates: list[Certificate]) -> Iterable[str]:
    if certificates:
        yield ""
        yield "Certified local share (95% confidence)"
    for c in certificates:
        yield (
            f"  {c.method:46} {c.share.value:.1%} [{c.share.low:.1%}, {c.share.high:.1%}] at limit "
            f"{c.limit:g} from {c.labels} labels; limit broken in {c.broken.value:.1%} "
            f"[{c.broken.low:.1%}, {c.broken.high:.1%}] of {c.broken.n} replays"
        )


def _calibration(calibration: Calibration) -> str:
    e = calibration.error
    return (
        f"Calibration error of expected local quality, {calibration.bench}: {e.value:.3f} "
        f"[{e.low:.3f}, {e.high:.3f}] n={e.n}"
    )


def _savings(savings: list[Saving]) -> Iterable[str]:
    if savings:
        yield ""
        yield "Quality against cost, prompt only (share kept local, 95% intervals)"
    for saving in savings[::2]:
        q, cost = saving.quality, saving.cost
        yield (
            f"  {saving.bench} {saving.local:4.0%} local: quality {q.value:.3f} "
            f"[{q.low:.3f}, {q.high:.3f}], cost {cost.value:.1%} of all-frontier "
            f"[{cost.low:.1%}, {cost.high:.1%}]  n={q.n}"
        )


def _footprint(pace: DecisionTime, room: Memory | None) -> Iterable[str]:
    yield ""
    yield (
        f"Decision time, {pace.chars} characters, n={pace.n}: p50 {pace.p50:.2f} ms, "
        f"p95 {pace.p95:.2f} ms (CPU of the thread: {pace.cpu_p50:.2f}, {pace.cpu_p95:.2f}); "
        "must 1 / 2 ms, aim 0.3 / 1"
    )
    if room is not None:
        yield (
            f"Memory after {room.requests:,} requests, {room.pairs:,} of them paired: "
            f"{room.grown_mb:+.0f} MB resident, snapshot {room.snapshot_mb:.1f} MB; must 200 MB"
        )
