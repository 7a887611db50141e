"""`shortstop contract`, `shortstop replay --contract` and `shortstop bench routing`."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer

from shortstop import registry
from shortstop.config import Config, load
from shortstop.errors import ConfigError
from shortstop.routing import Brain, Pair, Promise, Report, State, packaged
from shortstop.routing.examine import Outcome, Score, Table, examine, out_of_fold, table
from shortstop.routing.replay import Verdict, replay, synthetic
from shortstop.types import Caller, Clearance, Message, Reach, Request, Target, Text, Tier

OPEN_SET = Path("../shared/data/routing/routellm_pairs.parquet")

ConfigFile = Annotated[Path | None, typer.Option("--config", help="Configuration to read.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON, for machines.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Parquet, CSV or JSONL with the open set's columns.")
]


# ---------------------------------------------------------------- shortstop contract


def contract_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What is promised per task, and how well it is supported."""
    settings = load(config, os.environ)
    file = registry.home(settings.data_dir, os.environ) / "brain.bin"
    reports = _reports(State.restore(file.read_bytes()), settings) if file.exists() else {}
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(reports)).decode())
        return
    for line in explained(reports, settings):
        typer.echo(line)


def _reports(state: State, config: Config) -> dict[str, Report]:
    reports = {}
    for name, evidence in sorted(state.evidence.items()):
        task = config.tasks.get(name.split("|")[0])
        contract = task.contract if task and task.contract else config.contract
        promise = Promise(
            contract.max_quality_loss,
            contract.confidence,
            contract.audit_rate,
            per_answer=contract.scope == "answers",
        )
        reports[name] = evidence.report(promise)
    return reports


def explained(reports: Mapping[str, Report], config: Config) -> Iterable[str]:
    promise = config.contract
    yield (
        f"Promise: at most {promise.max_quality_loss:.1%} of quality lost against the frontier, "
        f"over {'all traffic' if promise.scope == 'traffic' else 'local answers'} of a task, "
        f"at {promise.confidence:.0%} confidence."
    )
    if promise.uncertified == "estimate":
        yield (
            "A task without a certificate is NOT under the promise: the router keeps local what it "
            f"believes good (score {config.routing.min_score:g} or more). "
            'Set contract.uncertified = "escalate" to keep nothing local before proof.'
        )
    else:
        yield "A task without a certificate goes to the frontier."
    if not reports:
        yield "No evidence yet: nothing is certified."
    for name, report in reports.items():
        yield from _lines(name, report)
    if reports:
        pairs = sum(r.pairs for r in reports.values())
        share = sum(r.certified_share * r.pairs for r in reports.values()) / max(pairs, 1)
        yield f"overall: {share:.1%} of paired traffic certified local, {pairs} pairs"


def _lines(name: str, report: Report) -> Iterable[str]:
    yield (
        f"{name}: {report.standing}, {report.certified_share:.1%} certified local, "
        f"{report.pairs} pairs, mean loss of all-local {report.mean_loss:.3f}"
    )
    evidence = f"  evidence {report.evidence:.3g} of {report.needed:.3g} needed"
    if report.standing == "alarm":
        evidence += f", attempt {report.attempt} after {report.alarms} alarm(s)"
    yield evidence
    if report.must_escalate is not None and report.must_escalate_traffic is not None:
        yield (
            f"  whatever the router does, {report.must_escalate:.1%} must be escalated for local "
            f"answers within the limit, {report.must_escalate_traffic:.1%} for traffic within it"
        )
    if report.standing != "certified":
        if report.audits_needed is None:
            yield "  all of it cannot be certified at this loss; a part of it may be"
        else:
            yield f"  about {report.audits_needed} more pairs to certify all of it, if they go well"


# ---------------------------------------------------------------- shortstop replay --contract


def contract_replay(
    data: Data = None,
    replays: Annotated[int, typer.Option(help="Histories per scenario.", min=1)] = 1000,
    length: Annotated[int, typer.Option(help="Requests per history.", min=100)] = 4000,
    max_loss: Annotated[float, typer.Option(help="The promise's limit.")] = 0.02,
    confidence: Annotated[float, typer.Option(help="The promise's confidence.")] = 0.95,
    audit_rate: Annotated[float, typer.Option(help="Least share of audits.")] = 0.05,
    seed: int = 0,
    as_json: AsJson = False,
) -> None:
    """Try to break the contract: replay a log with drift, mix shift and worse.

    The log has columns `score` and `loss`, or those of the open routing set; without one a
    routine task is simulated. Exit 1 when a scenario breaks the promise too often.
    """
    scores, losses = _log(data)
    promise = Promise(max_loss, confidence, audit_rate)
    verdicts = replay(scores, losses, promise, replays=replays, length=length, seed=seed)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(verdicts)).decode())
    else:
        typer.echo(
            f"{replays} replays of {length} requests; limit {max_loss:g} at {confidence:g}, "
            f"loss of all-local {losses.mean():.4f}"
        )
        for verdict in verdicts:
            typer.echo(_verdict(verdict))
    if not all(v.held for v in verdicts):
        raise typer.Exit(1)


def _verdict(v: Verdict) -> str:
    return (
        f"{v.scenario:10} broken {v.rate:6.2%} [{v.low:.2%}, {v.high:.2%}]  "
        f"lost {v.mean_lost:+.4f}  local {v.local_share:.1%}  certified {v.certified:.0%}  "
        f"alarms {v.alarms:.2f}  {'held' if v.held else 'BROKEN'}"
    )


def _log(data: Path | None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    if data is None:
        return synthetic()
    rows = read_rows(data)
    if rows and "loss" in rows[0] and "score" in rows[0]:
        return np.array([float(r["score"]) for r in rows]), np.array(
            [float(r["loss"]) for r in rows]
        )
    whole = table(rows, packaged().embedder)
    largest = max(whole.benches, key=lambda b: len(whole.where(b)))
    at = whole.where(largest)
    gaps, _ = out_of_fold(whole, at, whole.fold[at])
    return np.clip(1.0 - gaps, 0.0, 1.0), whole.gap[at]


# ---------------------------------------------------------------- shortstop bench routing


def bench_routing(
    data: Data = None,
    as_json: AsJson = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write curves to this file.")] = None,
    boots: Annotated[int, typer.Option(help="Bootstrap draws for the intervals.")] = 200,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out learning curves.")] = False,
) -> None:
    """Examine the router on graded pairs: in-domain, transfer, learning, certificates."""
    whole = _table(data)
    outcome = examine(whole, boots=boots, quick=quick)
    if plot is not None:
        plot.write_text(page(outcome), encoding="utf-8")
    pace = decision_time(whole.prompts)
    if as_json:
        both = {"routing": outcome, "decision_ms": pace}
        typer.echo(msgspec.json.format(msgspec.json.encode(both)).decode())
        return
    for line in printed(outcome):
        typer.echo(line)
    typer.echo(
        f"\nDecision time, {pace.chars} characters, n={pace.n}: p50 {pace.p50:.2f} ms, "
        f"p95 {pace.p95:.2f} ms (CPU of the thread: {pace.cpu_p50:.2f}, {pace.cpu_p95:.2f})"
    )


class Pace(msgspec.Struct, frozen=True):
    """Decision time in milliseconds over `n` prompts of `chars` characters: clock and CPU."""

    p50: float
    p95: float
    cpu_p50: float
    cpu_p95: float
    n: int
    chars: int


def decision_time(prompts: Sequence[str], n: int = 1500, chars: int = 800) -> Pace:
    """A 200-token prompt is about 800 characters. Half of the decisions are followed by a pair."""
    targets = [
        Target("small", "small", True, "embedded", 8192),
        Target("big", "big", False, "openai", 128_000),
    ]
    brain = Brain({t.name: t for t in targets}, Config(), None, packaged())
    clearance = Clearance(Tier.S0, Reach.ANYWHERE)
    wall, cpu = [], []
    for i in range(n):
        text = (prompts[i * 7 % len(prompts)] * (chars // 20 + 1))[:chars]
        message = Message("user", (Text(text),))
        request = Request(f"r{i}", "openai.chat", {}, "auto", (message,))
        began, used = time.perf_counter(), time.thread_time()
        brain.decide(request, clearance, Caller())
        wall.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.thread_time() - used))
        if i % 2:
            brain.pair(Pair(request.id, float(i % 3 > 0)))
    half, most = np.quantile(wall, [0.5, 0.95]).round(3).tolist()
    own_half, own_most = np.quantile(cpu, [0.5, 0.95]).round(3).tolist()
    return Pace(half, most, own_half, own_most, n, chars)


def _table(data: Path | None) -> Table:
    path = data or OPEN_SET
    if not path.exists():
        raise ConfigError(
            f"There is no table at {path}.", hint="Give --data FILE (Parquet, CSV or JSONL)."
        )
    return table(read_rows(path), packaged().embedder)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Raises ConfigError when the file cannot be read as what its name says."""
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            return _parquet(path)
        if kind == ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        lines = path.read_bytes().splitlines()
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines if line.strip()]
    except (OSError, ValueError, msgspec.MsgspecError) as e:
        raise ConfigError(f"Cannot read {path}: {e}.") from e


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as e:
        raise ConfigError(
            "Reading Parquet needs pyarrow.", hint="pip install pyarrow, or give CSV or JSONL."
        ) from e
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def printed(outcome: Outcome) -> Iterable[str]:
    parts = [
        ("In-domain, 5-fold", outcome.in_domain),
        ("Transfer: learned there, examined here", outcome.transfer),
        ("Learning from own requests", outcome.learning),
        ("By domain, in-domain", outcome.domains),
    ]
    for title, scores in parts:
        if scores:
            yield f"\n{title}  (APGR [95% interval] / CPT50 / CPT80, n)"
            yield from map(_score, scores)
    for bench, routers in outcome.published.items():
        yield f"\nTo compare with, {bench}"
        for router, (apgr, half, most) in routers.items():
            yield f"  {router:46} {apgr:.3f}                / {half:4.1f} / {most:4.1f}"
    if outcome.certificates:
        yield "\nCertified local share (95% confidence)"
    for c in outcome.certificates:
        yield (
            f"  {c.method:46} {c.share:.1%} at limit {c.limit:g} from {c.labels} labels; "
            f"limit broken in {c.broken:.1%} of {c.replays} replays"
        )
    for one in outcome.calibration:
        yield f"Calibration error of expected local quality, {one.bench}: {one.error:.3f} n={one.n}"
    if outcome.savings:
        yield "\nQuality against cost, prompt only (local share: quality, cost of all-frontier)"
    for bench in dict.fromkeys(row[0] for row in outcome.savings):
        steps = [f"{s:.0%}: {q:.3f}, {c:.0%}" for b, s, q, c in outcome.savings if b == bench]
        yield f"  {bench}  " + "   ".join(steps[::2])


def _score(s: Score) -> str:
    return (
        f"  {s.bench + ' ' + s.router:46} {s.apgr.value:.3f} "
        f"[{s.apgr.low:.3f}, {s.apgr.high:.3f}] / {s.cpt50.value:4.1f} / {s.cpt80.value:4.1f}"
        f"  n={s.apgr.n}"
    )


def page(outcome: Outcome) -> str:
    """The curves as one self-contained page: share of the gap recovered by frontier calls."""
    figures = []
    for s in outcome.in_domain + outcome.transfer:
        points = " ".join(
            f"{40 + 36 * i},{360 - 240 * min(v, 1.4):.0f}" for i, v in enumerate(s.curve)
        )
        figures.append(
            f"<figure><figcaption>{escape(s.bench)}: {escape(s.router)}, APGR {s.apgr.value:.3f}"
            f" [{s.apgr.low:.3f}, {s.apgr.high:.3f}], n={s.apgr.n}</figcaption>"
            '<svg viewBox="0 0 440 400" width="440" height="400">'
            '<path d="M40 20V360H400" fill="none" stroke="#888"/>'
            '<path d="M40 360L400 120" stroke="#bbb" stroke-dasharray="4"/>'
            f'<polyline points="{points}" fill="none" stroke="#0a6" stroke-width="2"/>'
            '<text x="150" y="392">share of frontier calls, 0 to 100%</text>'
            '<text x="4" y="14">share of the quality gap recovered (top: 1.4)</text></svg></figure>'
        )
    style = "body{font:15px sans-serif;margin:2em}figure{display:inline-block;margin:1em}"
    return (
        f"<!doctype html><meta charset='utf-8'><title>Routing</title><style>{style}</style>"
        f"<h1>Routing: quality against frontier calls</h1>{''.join(figures)}"
    )
