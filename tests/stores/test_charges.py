"""Charges add up to the report, whatever the order of the rows; and to the exported files."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from shortstop.cli.exports import write_focus
from shortstop.errors import ConfigError
from shortstop.ledger.focus import COLUMNS, focus_rows
from shortstop.stores.sqlite.reading import SqliteReports
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.traces.document import encode
from shortstop.traces.rows import row
from shortstop.types import Attempt, Bill, Span, Trace
from shortstop.types.report import GroupBy
from tests.traces.example import trace

DAY = 86_400
EVERY: tuple[GroupBy, ...] = (
    "day", "task", "target", "tenant", "key", "user", "tag", "run", "specialist", "deployment",
)  # fmt: skip


def some(count: int, seed: int = 0) -> list[Trace]:
    chance = random.Random(seed)
    out = []
    for n in range(count):
        local, known = chance.random() < 0.5, chance.random() < 0.9
        remote = Decimal(chance.randrange(10**9)) / 10**12
        own = Decimal(chance.randrange(10**6)) / 10**12
        bill = Bill(
            own + remote if known else None, own, remote if known else None, 3 * remote, "big",
            Span(1.5 * n, n, 2 * n, "modelled"), Span(3 * n, n, 4 * n, "modelled"),
            unpriced=() if known else ("x",), prices="p",
        )  # fmt: skip
        out.append(
            replace(
                trace(), id=f"t{n}", at=chance.randrange(5 * DAY) + 1_790_000_000.0, bill=bill,
                local=local, target="small" if local else "vendor/big",
                tenant=chance.choice(["a", "b"]), key=chance.choice([None, "k1", "k2"]),
                user=chance.choice([None, "u-1"]), tag=chance.choice([None, "shop", "=1+1"]),
                specialist="head-1" if local and n % 2 else None, run=None,
                attempts=() if local else (
                    Attempt("vendor/big", False, "ok", deployment=chance.choice(["v/a", "v/b"])),
                ),
            )
        )  # fmt: skip
    return out


def kept(tmp_path: Path, traces: Sequence[Trace], name: str = "traces.db") -> SqliteReports:
    store = SqliteRows(tmp_path / name)
    store.open()
    store.insert([row(one, encode(one, None, None)) for one in traces])
    store.close()
    return SqliteReports(tmp_path / name)


def test_every_grouping_has_the_same_total(tmp_path: Path) -> None:
    reports = kept(tmp_path, some(150))
    summary = reports.summary(by=EVERY)
    charges = list(reports.charges())
    for by in EVERY:
        slices = summary.groups[by]
        assert sum(one.requests for one in slices) == summary.total.requests == 150
        assert sum((one.cost for one in slices), Decimal(0)) == summary.total.cost
    assert sum((one.effective for one in charges), Decimal(0)) == summary.total.cost
    assert sum((one.counterfactual for one in charges), Decimal(0)) == summary.total.counterfactual
    billed = sum((one.billed for one in charges), Decimal(0))
    assert billed == summary.total.cost - summary.total.cost_local
    assert sum(one.unpriced for one in charges) == summary.total.unpriced > 0
    assert {one.key for one in summary.groups["specialist"]} == {"(none)", "head-1"}
    assert {one.key for one in summary.groups["deployment"]} == {"(none)", "v/a", "v/b"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_of_rows_gives_the_same_day(tmp_path: Path, seed: int) -> None:
    traces = some(80)
    shuffled = random.Random(seed).sample(traces, len(traces))
    one, other = (
        kept(tmp_path, rows, name) for rows, name in ((traces, "a.db"), (shuffled, "b.db"))
    )
    assert [replace(c, joules=0.0) for c in one.charges()] == [
        replace(c, joules=0.0) for c in other.charges()
    ]
    days = [report.summary(by=("day",)).groups["day"] for report in (one, other)]
    assert [d.cost for d in days[0]] == [d.cost for d in days[1]]
    assert [d.joules.value for d in days[0]] == pytest.approx([d.joules.value for d in days[1]])


def test_focus_as_csv_and_parquet_are_the_books(tmp_path: Path) -> None:
    reports = kept(tmp_path, some(60))
    total = reports.summary().total
    rows = list(focus_rows(reports.charges()))
    assert all(set(one) == set(COLUMNS) for one in rows)
    write_focus(tmp_path / "f.csv", rows)
    write_focus(tmp_path / "f.parquet", rows)
    with (tmp_path / "f.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "f.parquet")
    for cost in (
        sum((Decimal(one["EffectiveCost"]) for one in read), Decimal(0)),
        sum(table["EffectiveCost"].to_pylist(), Decimal(0)),
    ):
        assert cost == total.cost
    local = [one for one in read if one["ProviderName"] == "this machine"]
    assert {one["BillingCurrency"] for one in read} == {"USD"}
    assert {one["x_Tag"] for one in read} == {"", "shop", "'=1+1"}
    assert local
    assert read[0]["ChargePeriodStart"].endswith("T00:00:00Z")
    with pytest.raises(ConfigError, match="neither"):
        write_focus(tmp_path / "f.xlsx", rows)
