"""Reports over any period: from roll-ups where days are whole, from rows where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortstop.ports.stores import Stores
from shortstop.stores import Paths
from shortstop.stores.sql import summary
from shortstop.stores.sql.parts import ChosenRows
from shortstop.stores.sqlite import SqliteStores
from shortstop.types.report import TrafficReport
from tests.postgres import PostgresServer
from tests.stores.rows import DAY, START, row

TIMES = st.none() | st.floats(START - DAY, START + 4 * DAY)
MADE = 60
"""Rows, one each 97 minutes: four days of them."""


def filled(stores: Stores) -> Stores:
    with closing(stores.rows()) as store:
        store.open()
        rows = [
            row(i, at=START + i * 5820.0, tenant="ab"[i % 2], key=f"k{i % 3}", prices=f"p{i // 20}")
            for i in range(MADE)
        ]
        assert store.insert(rows) == 0
    return stores


@pytest.fixture
def sqlite(tmp_path: Path) -> Stores:
    return filled(SqliteStores(Paths(tmp_path, tmp_path / "traces.db")))


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def shared(url: str) -> Stores:
    from shortstop.stores.postgres.stores import PostgresStores

    return filled(PostgresStores(url))


def added_up(report: TrafficReport) -> list[tuple[int, int, Decimal, Decimal]]:
    """The sums over each table's lines."""
    return [
        (
            sum(one.requests for one in lines),
            sum(one.local for one in lines),
            sum((one.cost for one in lines), Decimal(0)),
            sum((one.counterfactual for one in lines), Decimal(0)),
        )
        for lines in report.groups.values()
    ]


EACH = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@EACH
@given(since=TIMES, until=TIMES, tenant=st.sampled_from((None, "a")))
def test_a_period_that_cuts_days_has_every_row_once(
    sqlite: Stores, since: float | None, until: float | None, tenant: str | None
) -> None:
    """Keys are summed over the rows themselves."""
    which = {"since": since, "until": until}
    report = sqlite.reports().summary(by=("key", "day", "task", "tenant"), tenant=tenant, **which)
    sums = added_up(report)
    assert sums == [sums[0]] * 4
    assert report.total.requests == sums[0][0]
    assert sum(point.requests for point in report.timeline) == sums[0][0]
    days = sqlite.reports().days(tenant=tenant, **which)
    assert [(one.key, one.requests) for one in days] == [
        (one.key, one.requests) for one in report.groups["day"]
    ]


def test_prices_are_those_of_the_period(sqlite: Stores, shared: Stores) -> None:
    for since, until in ((None, None), (START + 2 * DAY, None), (START + 500, START + 9000)):
        found = [
            stores.reports().summary(since=since, until=until).prices for stores in (sqlite, shared)
        ]
        assert found[0] == found[1]
        assert ("p0" in found[0]) == (since != START + 2 * DAY)


@pytest.mark.parametrize(
    ("since", "until", "ends"),
    [
        (None, None, []),
        (0.0, 200.0, []),
        (50.0, None, [(50.0, 100)]),
        (50.0, 250.0, [(50.0, 100), (200, 250.0)]),
        (110.0, 120.0, [(110.0, 120.0)]),
        (100.0, 120.0, [(100, 120.0)]),
    ],
)
def test_rows_are_read_at_the_ends_alone(
    since: float | None, until: float | None, ends: list[tuple[float, float]]
) -> None:
    found = [(one.since, one.until) for one in ChosenRows(since, until)._ends(100)]
    assert found == ends


def test_of_very_many_answers_times_are_taken_over_some(
    shared: Stores, sqlite: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shared.reports().summary()
    assert whole.timed is None
    monkeypatch.setattr(summary, "MOST_TIMED", 20)
    some = shared.reports().summary()
    assert some.timed is not None
    assert some.timed <= MADE
    assert some.total.requests == MADE, "sums are over all"
    assert sqlite.reports().summary().timed is None, "a file is read whole"


def test_days_come_in_order_and_without_times(sqlite: Stores) -> None:
    days = sqlite.reports().days()
    assert [one.key for one in days] == sorted(one.key for one in days)
    assert {one.p50 for one in days} == {None}
    assert sum(one.requests for one in days) == MADE
