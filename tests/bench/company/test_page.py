"""The days as a page, and as the demo's summary: made of figures by hand."""

from __future__ import annotations

import io
from typing import Any

from bench.company.measure import Day, day_figures
from bench.company.page import panels, share, table
from bench.demo import MIX, summary
from rich.console import Console

from tests.bench.company.test_measure import AT, line


def run() -> dict[str, Any]:
    """Two days: everything escalates, then a specialist answers."""
    first = day_figures(Day(1, AT, 1.0, [line("claude")] * 4, [], {}), 0.05, [MIX])
    lines = [line("x", specialist="head-ab")] * 3 + [line("claude")]
    second = day_figures(Day(2, AT, 1.0, lines, [], {}), 0.05, [MIX])
    change = {"name": "head-ab", "task": "<t>", "from": None, "to": "live", "why": "proven"}
    return {"days": [{**first, "night": {"placed": [change]}}, second]}


def test_every_panel_has_something_to_show() -> None:
    titles = [panel.title for panel in panels(run())]
    assert "Mixes" in titles
    assert "Nights" in titles
    assert any("Answered locally" in title for title in titles)


def test_what_stands_in_the_figures_is_text() -> None:
    nights = next(panel for panel in panels(run()) if panel.title == "Nights")
    assert "&lt;t&gt;" in nights.html
    assert "<t>" not in nights.html
    assert "&lt;b&gt;" in table(["<b>"], [])


def test_a_figure_tells_its_interval_and_n() -> None:
    assert share({"value": None, "low": 0, "high": 1, "n": 0}) == "-"
    assert share({"value": 0.5, "low": 0.4, "high": 0.6, "n": 7}) == "50.0% [40.0%, 60.0%] n=7"


def test_the_demo_shows_the_change() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(summary(run()["days"]))
    told = console.export_text()
    assert "day 1" in told
    assert "75.0%" in told
    assert "head: p50 / p95 ms" in told
