"""A trace to vary, and a store to keep it in."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.ports import Clock
from shortstop.stores.sqlite.reading import SqliteReports
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.traces import TraceReader, TraceStore
from shortstop.traces.content import Redact
from shortstop.traces.seal import Seal
from shortstop.types import (
    Attempt,
    Bill,
    Choice,
    Clearance,
    Decision,
    Reach,
    Span,
    Text,
    Tier,
    Trace,
    Usage,
)

LOCAL = Trace(
    id="req_1",
    at=1_795_000_000.0,
    tenant="default",
    dialect="openai.chat",
    model="auto",
    outcome="ok",
    status=200,
    stream=False,
    seconds=0.1,
    clearance=Clearance(Tier.S0, Reach.ANYWHERE),
    decision=Decision(("small", "big"), "intent", 0.8, 0.5, 1.0, "test"),
    target="small",
    local=True,
    attempts=(Attempt("small", True, "ok", 0.1, usage=Usage(60, output=12)),),
    usage=Usage(60, output=12),
    bill=Bill(
        cost=Decimal("0.00001"),
        cost_local=Decimal("0.00001"),
        cost_remote=Decimal(0),
        counterfactual=Decimal("0.00048"),
        baseline="big",
        joules=Span(10, 5, 15, "modelled"),
        counterfactual_joules=Span(200, 150, 250, "modelled"),
        gco2=Span(0.001, 0.0005, 0.0015, "modelled"),
        prices="2026-11-23 (test)",
    ),
    digest="d1",
    request={"messages": [{"role": "user", "content": "Where is my card?"}]},
    response=(Choice(parts=(Text("card_arrival"),), finish="stop"),),
)


def open_store(
    path: Path,
    config: TracesConfig,
    clock: Clock,
    *,
    redact: Redact | None = None,
    seal: Seal | None = None,
    busy_seconds: float = 1.0,
) -> TraceStore:
    """As the gateway opens it: a database, and beside it a journal."""
    rows = SqliteRows(path, fsync=config.fsync, busy_seconds=busy_seconds)
    return TraceStore(rows, journal_of(path), config, clock, redact, seal)


def journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.journal")


def reader(path: Path, seal: Seal | None = None) -> TraceReader:
    return TraceReader(SqliteReports(path), seal)


def traces(path: Path, seal: Seal | None = None) -> list[Trace]:
    return list(reader(path, seal).traces())


def trace(id: str = "req_1", **changes: Any) -> Trace:
    return replace(LOCAL, id=id, **changes)


def remote(id: str, **changes: Any) -> Trace:
    """Tried locally, answered by the frontier."""
    bill = Bill(
        cost=Decimal("0.0005"),
        cost_local=Decimal("0.00002"),
        cost_remote=Decimal("0.00048"),
        counterfactual=Decimal("0.00048"),
        baseline="big",
        joules=Span(220, 160, 280, "modelled"),
        counterfactual_joules=Span(200, 150, 250, "modelled"),
        gco2=Span(0.02, 0.01, 0.03, "modelled"),
    )
    attempts = (
        Attempt("small", True, "rejected", 0.2, usage=Usage(60, output=12)),
        Attempt("big", False, "ok", 0.9, usage=Usage(60, output=12)),
    )
    base = {"target": "big", "local": False, "seconds": 1.1, "bill": bill, "attempts": attempts}
    return trace(id, **(base | changes))
