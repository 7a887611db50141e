"""Figures of a day that is made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench.company.books import Entry, Line, kind_of
from bench.company.clients import Outcome
from bench.company.measure import (
    Day,
    PriceList,
    certified,
    day_figures,
    kept,
    mean,
    price,
    quantiles,
    share,
)
from bench.company.stream import Ask

from bench.company import setting

AT = 1_795_000_000.0
BODY = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}
ASK = Ask("1", 1, "app", "label", "openai", False, None, BODY, "label", "a", "a", 2.0, (1000, 300))
NOTHING = (0.0, 0.0, 0.0)
ENTRY = Entry("t", False, "x", False, False, 0.1, 0.01, 0.01, NOTHING, NOTHING, ("none", "none"))


def line(
    target: str,
    *,
    right: bool = True,
    specialist: str = "",
    kind: str = "label",
    pinned: bool = False,
) -> Line:
    ask = replace(ASK, kind=kind, app=kind, rivals=(("mini", right),))
    outcome = Outcome(ask, "a", 0.2, 0.2, target=target, specialist=specialist)
    return Line(outcome, replace(ENTRY, pinned=pinned), right, True, right)


def day(lines: list[Line], rest: list[tuple[str, Entry]] | None = None) -> Day:
    return Day(1, AT, 60.0, lines, rest or [], {})


def test_prices_are_those_of_the_sheet() -> None:
    assert price(setting.FRONTIER, (1000, 300), AT) == pytest.approx(0.01)
    assert PriceList(AT)(setting.FRONTIER, (1000, 300)) == pytest.approx(0.01)
    assert PriceList(AT)(setting.MINI, (1000, 300)) == pytest.approx(0.00025)


def test_a_model_without_a_price_is_an_error() -> None:
    with pytest.raises(ValueError):
        price("no-such-model", (1, 1), AT)


def test_shares_and_means_have_intervals() -> None:
    assert share(0, 0)["value"] is None
    assert share(9, 10)["low"] < 0.9 < share(9, 10)["high"]
    assert mean([0.0] * 10)["high"] == 1.0
    assert mean([0.0] * 40)["high"] == 0.0


def test_a_promise_is_shown_open_or_broken() -> None:
    assert kept(mean([0.0] * 100), 0.02) == "shown"
    assert kept(mean([1.0] * 100), 0.02) == "broken"
    assert kept(mean([0.0] * 5), 0.02) == "not refuted"
    assert kept(mean([]), 0.02) == "unknown"


def test_quantiles_are_milliseconds() -> None:
    assert quantiles([0.001 * n for n in range(1, 101)])["p95_ms"] == 96


def test_who_answered() -> None:
    assert line("small").by == "generic"
    assert line("claude").by == "frontier"
    assert line("head-1", specialist="label-head-0123456789abcdef").by == "label-head"
    assert kind_of("plain") == "plain"


def test_a_day() -> None:
    lines = [line("small"), line("claude"), line("x", specialist="head-ab", right=False)]
    figures = day_figures(day(lines), 0.05, ["equal"])
    task = figures["tasks"]["label"]
    assert task["answered_by"] == {"generic": 1, "frontier": 1, "head": 1}
    assert task["local"]["value"] == pytest.approx(0.6667)
    assert task["right"]["value"] == pytest.approx(0.6667)
    assert figures["latency"]["frontier"]["p50_ms"] == pytest.approx(2100)
    assert figures["latency"]["head"]["p50_ms"] == pytest.approx(200)


def test_a_mix_weighs_kinds_and_pays_for_learning() -> None:
    lines = [line("small") for _ in range(9)] + [line("claude", kind="hard")]
    rest = [("label", replace(ENTRY, unseen=True, cost=0.9))]
    mix = day_figures(day(lines, rest), 0.05, ["equal"])["mixes"]["equal"]
    assert mix["local"]["value"] == pytest.approx(0.5)
    assert mix["all_llm_usd"] == pytest.approx(0.1)
    assert mix["cost_unseen_usd"] == pytest.approx(0.9 * 5 / 9)
    assert mix["cost_usd"] == pytest.approx(0.1 + 0.9 * 5 / 9)


def test_pinned_requests_are_not_under_the_promise() -> None:
    lines = [line("small", right=False, pinned=True) for _ in range(40)]
    lines += [line("claude") for _ in range(40)]
    mix = day_figures(day(lines), 0.05, ["equal"])["mixes"]["equal"]
    assert mix["loss_unpinned"]["value"] == 0
    assert mix["pinned"]["value"] == 0.5


def test_errors_are_nobody_s_answers() -> None:
    failed = Line(Outcome(ASK, "", 1.0, 1.0, error="503"), None, False, True, False)
    figures = day_figures(day([failed, line("small")]), 0.05, ["equal"])
    assert figures["errors"] == 1
    assert figures["mixes"]["equal"]["local"]["value"] == 0.5


def test_the_cheapest_cloud_model_that_is_as_good() -> None:
    good = [line("claude") for _ in range(40)]
    assert certified(good, ["mini"]) == {"label": "mini"}
    bad = [line("claude", right=False) for _ in range(40)]
    assert certified(good + bad, ["mini"]) == {}
    assert certified(good[:20], ["mini"]) == {}
