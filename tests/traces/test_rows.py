"""The columns beside a document: one value for each, whatever the trace lacks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from shortstop.traces import rows
from shortstop.types import Clearance, Reach, Tier
from shortstop.types.rows import COLUMNS, Row
from tests.traces.example import LOCAL, remote, trace


def column(row: Row, name: str) -> object:
    return row.columns[COLUMNS.index(name)]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "sNaN"])
def test_a_bill_that_is_no_figure_costs_only_its_columns(amount: str) -> None:
    assert LOCAL.bill is not None
    odd = replace(LOCAL, bill=replace(LOCAL.bill, cost=Decimal(amount)))
    row = rows.row(odd, b"{}")
    assert len(row.columns) == len(COLUMNS)
    assert column(row, "cost_pico") is None
    assert row.columns[0] == LOCAL.id


def test_unknown_money_stays_unknown() -> None:
    assert LOCAL.bill is not None
    unpriced = replace(LOCAL, bill=replace(LOCAL.bill, cost=None))
    assert column(rows.row(unpriced, b"{}"), "cost_pico") is None
    assert column(rows.row(LOCAL, b"{}"), "cost_pico") == 10_000_000


def test_a_trace_without_decision_usage_or_bill_has_every_column() -> None:
    bare = trace(bill=None, decision=None, usage=None, attempts=(), target=None)
    row = rows.row(bare, b"{}")
    assert len(row.columns) == len(COLUMNS)
    assert (column(row, "task"), column(row, "prompt_tokens"), column(row, "unpriced")) == (
        None, None, False,
    )  # fmt: skip


def test_the_columns_say_what_the_trace_says() -> None:
    pinned = Clearance(Tier.S3, Reach.LOCAL_ONLY)
    row = rows.row(trace("x", tenant="acme", clearance=pinned, conversation="c1"), b"{}")
    names = ("id", "tenant", "conversation", "tier", "reach", "task", "local", "completion_tokens")
    assert [column(row, name) for name in names] == [
        "x", "acme", "c1", 3, int(Reach.LOCAL_ONLY), "intent", True, 12,
    ]  # fmt: skip


def test_escalated_means_local_tried_and_remote_answered() -> None:
    assert rows.escalated(remote("r"))
    assert not rows.escalated(LOCAL)
    assert not rows.escalated(remote("r", attempts=remote("r").attempts[1:]))
