"""The report's sums over rows whose right answer is worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.stores.sqlite.reading import SqliteReports
from shortstop.types import Clearance, Reach, Span, Tier, Trace
from shortstop.types.report import Slice, TrafficReport
from tests.conftest import FakeClock
from tests.traces.example import LOCAL, open_store, remote, trace

DAY = 86_400.0
AT = LOCAL.at
PINNED = Clearance(Tier.S3, Reach.LOCAL_ONLY)
assert LOCAL.bill is not None
UNPRICED = replace(LOCAL.bill, cost=None, cost_remote=None, unpriced=("mystery",))

ROWS = [
    trace("a", seconds=0.1),
    trace("b", seconds=0.2, clearance=PINNED, tenant="t2"),
    trace("c", seconds=0.3),
    remote("d", seconds=2.0),
    remote("e", seconds=4.0, at=AT + DAY, attempts=remote("e").attempts[1:]),
    trace("f", outcome="error", status=502, target=None, local=False, at=AT + DAY),
    trace("g", outcome="refused", status=403, target=None, local=False, bill=None),
    trace("h", outcome="cancelled", status=499, seconds=9.0),
    trace("i", bill=UNPRICED, seconds=0.4),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return filled(tmp_path / "traces.db", ROWS)


def filled(path: Path, rows: list[Trace]) -> Path:
    store = open_store(path, TracesConfig(), FakeClock())
    for row in rows:
        store.append(row)
    store.close()
    return path


def test_totals(path: Path) -> None:
    total = SqliteReports(path).summary().total
    assert (total.requests, total.answered, total.local) == (9, 6, 4)
    assert (total.pinned, total.escalated) == (1, 1)
    assert (total.failed, total.refused, total.cancelled) == (1, 1, 1)
    assert (total.p50, total.p95) == (0.3, 4.0)
    assert (total.local_p50, total.local_p95) == (0.2, 0.4)
    assert (total.remote_p50, total.remote_p95) == (2.0, 4.0)
    assert total.local_share == pytest.approx(4 / 6)
    assert total.pinned_share == pytest.approx(1 / 9)
    assert total.prompt_tokens == 9 * 60


def test_money_is_summed_over_the_rows_that_have_a_price(path: Path) -> None:
    """Five local bills (a, b, c, f, h) and two remote ones; g and i have none."""
    total = SqliteReports(path).summary().total
    assert total.cost == 5 * Decimal("0.00001") + 2 * Decimal("0.0005")
    assert total.counterfactual == 7 * Decimal("0.00048")
    assert total.saved == total.counterfactual - total.cost
    assert total.unpriced == 2


def test_energy_keeps_its_bars_and_basis(path: Path) -> None:
    total = SqliteReports(path).summary(tenant="t2").total
    assert total.joules == Span(10, 5, 15, "modelled")
    assert total.counterfactual_joules == Span(200, 150, 250, "modelled")


def test_groups(path: Path) -> None:
    report = SqliteReports(path).summary()
    assert [(one.key, one.requests) for one in report.groups["day"]] == [
        ("2026-11-18", 7),
        ("2026-11-19", 2),
    ]
    assert [(one.key, one.requests) for one in report.groups["target"]] == [
        ("small", 5),
        ("(none)", 2),
        ("big", 2),
    ]
    assert [one.key for one in report.groups["tenant"]] == ["default", "t2"]
    assert [one.key for one in report.groups["task"]] == ["intent"]
    for slices in report.groups.values():
        assert sum(one.requests for one in slices) == report.total.requests
        assert sum(one.cost for one in slices) == report.total.cost


def test_filters(path: Path) -> None:
    assert SqliteReports(path).summary(since=AT + 1).total.requests == 2
    assert SqliteReports(path).summary(until=AT + 1).total.requests == 7
    assert SqliteReports(path).summary(tenant="t2").total.requests == 1


def test_the_timeline_adds_up(path: Path) -> None:
    report = SqliteReports(path).summary()
    assert sum(point.requests for point in report.timeline) == 9
    assert sum(point.local for point in report.timeline) == 4
    assert sum(point.cost for point in report.timeline) == report.total.cost
    assert report.timeline[0].at <= AT


def test_the_histogram_adds_up(path: Path) -> None:
    bins = SqliteReports(path).summary().latency
    assert sum(one.local for one in bins) == 4
    assert sum(one.remote for one in bins) == 2
    assert (bins[0].low, bins[-1].high) == (0.1, 5.0)


def test_baselines_and_prices_are_named(path: Path) -> None:
    report = SqliteReports(path).summary()
    assert report.baselines == ("big",)
    assert report.prices == ("2026-11-23 (test)",)


def test_nothing_at_all(tmp_path: Path) -> None:
    report: TrafficReport = SqliteReports(filled(tmp_path / "empty.db", [])).summary()
    assert report.total == Slice("")
    assert (report.timeline, report.latency, report.first) == ((), (), None)
    assert report.total.local_share is None
    assert report.total.saved_share is None


def test_sums_beyond_64_bits_are_exact(tmp_path: Path) -> None:
    dear = replace(LOCAL.bill, cost=Decimal("4000000.000000000001"))
    path = filled(tmp_path / "dear.db", [trace(f"r{i}", bill=dear) for i in range(5)])
    assert SqliteReports(path).summary().total.cost == Decimal("20000000.000000000005")


def test_what_is_absent_or_foreign_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        SqliteReports(tmp_path / "absent.db").summary()
    (tmp_path / "text.db").write_text("this is no database, not at all" * 50)
    with pytest.raises(StoreError, match="Cannot read"):
        SqliteReports(tmp_path / "text.db").summary()
    (tmp_path / "blank.db").touch()
    with pytest.raises(StoreError, match="schema version 0"):
        SqliteReports(tmp_path / "blank.db").summary()
