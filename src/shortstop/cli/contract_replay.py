"""`shortstop replay --contract`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from shortstop.cli.output import print_json, say
from shortstop.cli.tables import column, read_rows
from shortstop.evaluate.contract_stress import StressResult, replay
from shortstop.evaluate.fitting import out_of_fold
from shortstop.evaluate.histories import synthetic
from shortstop.evaluate.pair_table import pair_table
from shortstop.routing import Promise, packaged

Floats = NDArray[np.float64]


def contract_replay(
    log: Path | None,
    promise: Promise,
    *,
    replays: int,
    length: int,
    seed: int,
    as_json: bool,
) -> None:
    """Try to break the contract in `replays` histories of `length` requests for each scenario.

    The log has columns `score` and `loss`, or those of the open routing set; without one a
    routine task is simulated. Exit 1 when a scenario breaks the promise too often.
    """
    scores, losses = _log(log)
    verdicts = replay(scores, losses, promise, replays=replays, length=length, seed=seed)
    if as_json:
        print_json(verdicts)
    else:
        say(
            f"{replays} replays of {length} requests; limit {promise.max_loss:g} at "
            f"{promise.confidence:g}, loss of all-local {losses.mean():.4f}"
        )
        for verdict in verdicts:
            say(_verdict(verdict))
    if not all(v.held for v in verdicts):
        raise typer.Exit(1)


def _verdict(v: StressResult) -> str:
    return (
        f"{v.scenario:10} broken {v.rate:6.2%} [{v.low:.2%}, {v.high:.2%}]  "
        f"lost {v.mean_lost:+.4f}  local {v.local_share:.1%}  certified {v.certified:.0%}  "
        f"alarms {v.alarms:.2f}  {'held' if v.held else 'BROKEN'}"
    )


def _log(data: Path | None) -> tuple[Floats, Floats]:
    """Scores and losses, both of shape (pairs,)."""
    if data is None:
        return synthetic()
    rows = read_rows(data)
    if rows and "loss" in rows[0] and "score" in rows[0]:
        return column(rows, "score"), np.clip(column(rows, "loss"), -1.0, 1.0)
    table = pair_table(rows, packaged().embedder)
    largest = max((table.where(bench) for bench in table.benches), key=len)
    gaps, _ = out_of_fold(table, largest, table.fold[largest])
    return np.clip(1.0 - gaps, 0.0, 1.0), table.gap[largest]
