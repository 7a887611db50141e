"""`shortstop contract` and `shortstop replay --contract`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from shortstop import registry
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json
from shortstop.cli.tables import Data, column, read_rows
from shortstop.config import Config, load
from shortstop.evaluate.contract_stress import StressResult, replay, synthetic
from shortstop.evaluate.fitting import out_of_fold
from shortstop.evaluate.pair_table import pair_table
from shortstop.routing import (
    ContractReport,
    OverallReport,
    Promise,
    State,
    load_state,
    packaged,
    promise_of,
)
from shortstop.stores import Paths

# ---------------------------------------------------------------- shortstop contract


def contract_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What is promised per task, and how well it is supported."""
    settings = load(config, os.environ)
    file = Paths.of(registry.home(settings.data_dir, os.environ), settings).brain
    state = load_state(file.read_bytes()) if file.exists() else State()
    reports = _reports(state, settings)
    overall = state.overall.report(promise_of(settings.contract))
    if as_json:
        print_json({"tasks": reports, "overall": overall})
        return
    for line in explained(reports, overall, settings):
        typer.echo(line)


def _reports(state: State, config: Config) -> dict[str, ContractReport]:
    reports = {}
    for name, evidence in sorted(state.evidence.items()):
        task = config.tasks.get(name.split("|")[0])
        contract = task.contract if task and task.contract else config.contract
        reports[name] = evidence.report(promise_of(contract))
    return reports


def explained(
    reports: Mapping[str, ContractReport], overall: OverallReport, config: Config
) -> Iterable[str]:
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
        yield f"all tasks: {share:.1%} of paired traffic certified local, {pairs} pairs"
    if overall.pairs:
        yield (
            f"overall: {overall.standing}, mean loss of what was served {overall.mean_loss:.4f} in "
            f"{overall.pairs} pairs ({overall.served_local} served local), evidence "
            f"{overall.evidence:.3g} of {overall.needed:.3g} needed"
        )


def _lines(name: str, report: ContractReport) -> Iterable[str]:
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
        print_json(verdicts)
    else:
        typer.echo(
            f"{replays} replays of {length} requests; limit {max_loss:g} at {confidence:g}, "
            f"loss of all-local {losses.mean():.4f}"
        )
        for verdict in verdicts:
            typer.echo(_verdict(verdict))
    if not all(v.held for v in verdicts):
        raise typer.Exit(1)


def _verdict(v: StressResult) -> str:
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
        return column(rows, "score"), np.clip(column(rows, "loss"), -1.0, 1.0)
    table = pair_table(rows, packaged().embedder)
    largest = max((table.where(bench) for bench in table.benches), key=len)
    gaps, _ = out_of_fold(table, largest, table.fold[largest])
    return np.clip(1.0 - gaps, 0.0, 1.0), table.gap[largest]
