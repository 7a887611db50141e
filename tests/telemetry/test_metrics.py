"""What operators scrape: every request counted once, by names that dashboards rely on."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from shortstop.ports import Observer
from shortstop.telemetry.metrics import FLUSH_SECONDS, Metrics
from shortstop.types import Attempt, Choice, Text, Usage
from tests.traces.example import remote, trace

NAMES = {
    "shortstop_alerts": {"channel", "outcome"},
    "shortstop_batch_lines": {"outcome"},
    "shortstop_attempts": {"target", "outcome"},
    "shortstop_cost_usd": {"target"},
    "shortstop_counterfactual_usd": set(),
    "shortstop_decisions": {"reason", "local"},
    "shortstop_deployment_attempts": {"deployment", "outcome"},
    "shortstop_deployment_tokens": {"deployment", "kind"},
    "shortstop_fallbacks": {"target", "failure"},
    "shortstop_faults": {"place"},
    "shortstop_first_byte_seconds": {"target"},
    "shortstop_joules": {"target"},
    "shortstop_privacy_fail_closed": {"reason"},
    "shortstop_privacy_findings": {"label"},
    "shortstop_privacy_restore_misses": set(),
    "shortstop_privacy_seconds": set(),
    "shortstop_privacy_stand_ins": {"label"},
    "shortstop_privacy_verdicts": {"reach"},
    "shortstop_refused": {"status"},
    "shortstop_shadow_runs": {"target"},
    "shortstop_specialist_rollbacks": {"specialist"},
    "shortstop_request_seconds": {"target"},
    "shortstop_requests": {"target", "local", "outcome", "tier"},
    "shortstop_tokens": {"target", "kind"},
    "shortstop_unpriced": {"target"},
}


class Timer:
    """An event loop's `call_later`, fired by hand."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, work: Callable[[], None]) -> None:
        self.calls.append((seconds, work))

    def fire(self) -> None:
        for _, work in self.calls:
            work()
        self.calls.clear()


def samples(metrics: Metrics) -> dict[str, float]:
    """Values by name and labels, as a scraper reads them."""
    families = text_string_to_metric_families(metrics.text().decode())
    values: dict[str, float] = {}
    for sample in (sample for family in families for sample in family.samples):
        labels = (f"{name}={value}" for name, value in sorted(sample.labels.items()))
        values[",".join([sample.name, *labels])] = sample.value
    return values


def test_a_request_is_counted_by_who_answered_it_and_how() -> None:
    metrics = Metrics()
    observe: Observer = metrics.observe
    for row in (trace("a"), trace("b"), remote("c"), trace("d", outcome="failed", target=None)):
        observe(row)
    values = samples(metrics)
    count = "shortstop_requests_total,local={},outcome={},target={},tier=S0"
    assert values[count.format("true", "ok", "small")] == 2
    assert values[count.format("false", "ok", "big")] == 1
    assert values[count.format("true", "failed", "none")] == 1
    assert values["shortstop_request_seconds_count,target=small"] == 2
    assert values["shortstop_request_seconds_sum,target=big"] == pytest.approx(1.1)


def test_shadow_runs_are_no_requests() -> None:
    metrics = Metrics()
    metrics.observe(trace("a", outcome="shadow"))
    values = samples(metrics)
    assert values["shortstop_shadow_runs_total,target=small"] == 1
    assert values["shortstop_attempts_total,outcome=ok,target=small"] == 1
    assert not [name for name in values if name.startswith("shortstop_request")]


def test_streams_have_a_first_byte_and_decisions_a_reason() -> None:
    metrics = Metrics()
    decision = trace().decision
    assert decision is not None
    decided = replace(decision, reasons=("cold-start", "audit"))
    for stream in (True, False):
        metrics.observe(trace(stream=stream, first_byte=0.2, decision=decided))
    values = samples(metrics)
    assert values["shortstop_first_byte_seconds_count,target=small"] == 1
    assert values["shortstop_decisions_total,local=true,reason=cold-start"] == 2


def test_attempts_count_even_when_their_answer_was_not_kept() -> None:
    metrics = Metrics()
    metrics.observe(remote("c"))
    values = samples(metrics)
    assert values["shortstop_attempts_total,outcome=rejected,target=small"] == 1
    assert values["shortstop_attempts_total,outcome=ok,target=big"] == 1
    assert values["shortstop_tokens_total,kind=prompt,target=small"] == 60
    assert values["shortstop_tokens_total,kind=completion,target=big"] == 12


def test_money_is_what_was_billed_and_an_unknown_price_is_no_zero() -> None:
    metrics = Metrics()
    known = trace("a")
    assert known.bill is not None
    unknown = replace(known.bill, cost=None, counterfactual=None)
    for row in (known, remote("b"), trace("c", target="odd", bill=unknown), trace("d", bill=None)):
        metrics.observe(row)
    values = samples(metrics)
    assert values["shortstop_cost_usd_total,target=small"] == pytest.approx(0.00001)
    assert values["shortstop_cost_usd_total,target=big"] == pytest.approx(0.0005)
    assert "shortstop_cost_usd_total,target=odd" not in values
    assert values["shortstop_unpriced_total,target=odd"] == 1
    assert values["shortstop_counterfactual_usd_total"] == pytest.approx(2 * 0.00048)
    assert values["shortstop_joules_total,target=small"] == 10


def test_counters_follow_a_moment_later_and_one_timer_serves_many_requests() -> None:
    timer = Timer()
    metrics = Metrics(timer)
    for i in range(5):
        metrics.observe(trace(str(i)))
    assert [seconds for seconds, _ in timer.calls] == [FLUSH_SECONDS]
    raw = metrics.registry.get_sample_value
    labels = {"target": "small", "local": "true", "outcome": "ok", "tier": "S0"}
    assert raw("shortstop_requests_total", labels) == 0
    timer.fire()
    assert raw("shortstop_requests_total", labels) == 5
    metrics.observe(trace("next"))
    assert len(timer.calls) == 1, "the next request sets the timer again"


def test_a_scrape_is_never_behind() -> None:
    metrics = Metrics(Timer())
    metrics.observe(trace())
    assert samples(metrics)["shortstop_attempts_total,outcome=ok,target=small"] == 1
    assert samples(metrics)["shortstop_attempts_total,outcome=ok,target=small"] == 1


def test_refusals_are_counted_by_status() -> None:
    metrics = Metrics()
    for status in (401, 401, 413):
        metrics.refused(status)
    values = samples(metrics)
    assert values["shortstop_refused_total,status=401"] == 2
    assert values["shortstop_refused_total,status=413"] == 1


def test_keys_and_who_stood_in_are_counted() -> None:
    metrics = Metrics()
    usage = Usage(input=10, output=5)
    metrics.observe(
        trace(
            attempts=(
                Attempt("big", False, "error", deployment="v/a"),
                Attempt(
                    "medium", False, "ok", usage=usage, deployment="w/b", spilled=("w/a",),
                    fallback="rate_limit",
                ),
            )
        )
    )  # fmt: skip
    values = samples(metrics)
    assert values["shortstop_deployment_attempts_total,deployment=v/a,outcome=error"] == 1
    assert values["shortstop_deployment_attempts_total,deployment=w/a,outcome=spilled"] == 1
    assert values["shortstop_deployment_attempts_total,deployment=w/b,outcome=ok"] == 1
    assert values["shortstop_deployment_tokens_total,deployment=w/b,kind=prompt"] == 10
    assert values["shortstop_deployment_tokens_total,deployment=w/b,kind=completion"] == 5
    assert values["shortstop_fallbacks_total,failure=rate_limit,target=medium"] == 1


def test_gauges_are_read_when_scraped() -> None:
    metrics = Metrics()
    depth = [3.0]
    metrics.watch("shortstop_queue", "Rows that wait.", lambda: depth[0])
    assert samples(metrics)["shortstop_queue"] == 3
    depth[0] = 1
    assert samples(metrics)["shortstop_queue"] == 1


def test_names_and_labels_are_those_of_the_dashboards() -> None:
    families = {family.name: family for family in Metrics().registry.collect()}
    assert set(families) == set(NAMES)
    for family in families.values():
        assert family.documentation[0].isupper()
        assert family.documentation.endswith(".")
    metrics = Metrics()
    metrics.observe(remote("a"))
    metrics.observe(trace("b", bill=replace(trace().bill, cost=None)))
    metrics.refused(400)
    for family in text_string_to_metric_families(metrics.text().decode()):
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        named = NAMES | {"shortstop_build_info": {"version"}}
        assert labels in (named[family.name], set())


def test_no_text_of_a_request_becomes_a_label() -> None:
    metrics = Metrics()
    secret = "the words of a client"
    metrics.observe(
        trace(
            request={"messages": [{"role": "user", "content": secret}]},
            response=(Choice(parts=(Text(secret),)),),
            conversation=secret,
            model=secret,
            tenant=secret,
            bill=replace(trace().bill, cost=Decimal(1), baseline=secret),
        )
    )
    assert secret not in metrics.text().decode()


def test_lines_of_batches_are_counted_by_outcome() -> None:
    metrics = Metrics()
    for failed in (False, True, False):
        metrics.batch_line(failed)
    text = metrics.text().decode()
    assert 'shortstop_batch_lines_total{outcome="completed"} 2.0' in text
    assert 'shortstop_batch_lines_total{outcome="failed"} 1.0' in text
