"""What is kept of a trace, and that nothing of it changes on the way."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.traces import rows
from shortstop.traces.content import ContentPolicy, Redact
from shortstop.types import Clearance, Json, Reach, Tier, Trace
from shortstop.types.rows import COLUMNS
from tests.traces.example import LOCAL, remote, trace

S3 = Clearance(Tier.S3, Reach.LOCAL_ONLY, labels=("iban",))


def kept(config: TracesConfig, original: Trace, redact: Redact | None = None) -> Json:
    found = rows.decode(ContentPolicy(config, redact).seal(original))
    return {"request": found.request, "response": found.response}


NOTHING = {"request": None, "response": None}
ALL = {"request": LOCAL.request, "response": LOCAL.response}


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "sNaN"])
def test_a_bill_that_is_no_figure_costs_only_its_columns(amount: str) -> None:
    assert LOCAL.bill is not None
    odd = replace(LOCAL, bill=replace(LOCAL.bill, cost=Decimal(amount)))
    row = rows.row(odd, b"{}")
    assert len(row.columns) == len(COLUMNS)
    assert row.columns[COLUMNS.index("cost_pico")] is None
    assert row.columns[0] == LOCAL.id


def test_a_sealed_trace_comes_back_equal() -> None:
    assert rows.decode(ContentPolicy(TracesConfig()).seal(LOCAL)) == LOCAL


@pytest.mark.parametrize(
    ("config", "tier", "expected"),
    [
        (TracesConfig(), Tier.S0, ALL),
        (TracesConfig(), Tier.S2, ALL),
        (TracesConfig(), Tier.S3, NOTHING),
        (TracesConfig(sensitive_content="full"), Tier.S3, ALL),
        (TracesConfig(content="digest"), Tier.S0, NOTHING),
        (TracesConfig(content="redacted"), Tier.S0, NOTHING),
    ],
)
def test_content_by_policy(config: TracesConfig, tier: Tier, expected: Json) -> None:
    clearance = Clearance(tier, Reach.ANYWHERE)
    assert kept(config, trace(clearance=clearance)) == expected


def test_redacted_content_is_what_the_redactor_leaves() -> None:
    def redact(body: Json, tenant: str) -> Json:
        return {"tenant": tenant, "keys": sorted(body)}

    config = TracesConfig(sensitive_content="redacted")
    original = trace(clearance=S3)
    assert kept(config, original, redact) == {
        "request": {"tenant": original.tenant, "keys": ["messages"]},
        "response": {"tenant": original.tenant, "keys": ["choices"]},
    }


def test_a_redactor_that_fails_keeps_nothing() -> None:
    def redact(body: Json, tenant: str) -> Json:
        raise KeyError("oops")

    assert kept(TracesConfig(content="redacted"), LOCAL, redact) == NOTHING


def test_content_that_json_cannot_hold_is_left_out() -> None:
    broken = trace(request={"text": "\ud800"})
    assert kept(TracesConfig(), broken) == NOTHING


def test_unknown_money_stays_unknown() -> None:
    assert LOCAL.bill is not None
    unpriced = replace(LOCAL, bill=replace(LOCAL.bill, cost=None))
    assert rows.values(unpriced)[COLUMNS.index("cost_pico")] is None


def test_escalated_means_local_tried_and_remote_answered() -> None:
    assert rows.escalated(remote("r"))
    assert not rows.escalated(LOCAL)
    assert not rows.escalated(remote("r", attempts=remote("r").attempts[1:]))
