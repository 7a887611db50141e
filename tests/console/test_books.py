"""The books as a page and as a file: the same sums."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from html import unescape

import msgspec

from shortstop.config import HardwareConfig
from shortstop.console import books
from shortstop.console.view import View
from shortstop.types import Span
from shortstop.types.console import Days
from shortstop.types.report import BooksBy, By, Point, Slice

VIEW = View("me", "viewer", None, "", "books", 1.8e9, "1")
TEAMS = {"k1": "org/<b>red</b>", "k2": "org/<b>red</b>", "k4": "org/blue"}
ONE = Slice(
    "=HYPERLINK(1)", requests=3, answered=3, local=1, cost=Decimal("0.1"),
    counterfactual=Decimal("0.3"), joules=Span(7200, 3600, 9000, "measured"),
    counterfactual_joules=Span(3600, 1800, 7200, "modelled"),
)  # fmt: skip


class Canned:
    def slices(
        self, by: By | None, days: Days, *, tenant: str | None = None, task: str | None = None
    ) -> tuple[Slice, ...]:
        return (msgspec.structs.replace(ONE, key="2027-01-15"),) if by == "day" else (ONE,)

    def keys(self, days: Days, *, tenant: str | None = None) -> tuple[Slice, ...]:
        return tuple(msgspec.structs.replace(ONE, key=key) for key in ("k1", "k2", "k3", ""))

    def points(self, since: int, until: int, step: int, tenant: str | None) -> tuple[Point, ...]:
        return tuple(
            Point(at * 3600.0, 1, 1, 0, 0, Decimal(1), Decimal(2)) for at in (since, since + 5)
        )

    def baselines(self, days: Days) -> tuple[str, ...]:
        return ("big",)


def page(by: BooksBy = "task", tenant: str | None = None) -> str:
    return books.page(VIEW, Canned(), 7, by, tenant, HardwareConfig(), TEAMS)  # type: ignore[arg-type]


def test_money_energy_and_when_the_machine_pays() -> None:
    text = page()
    assert all(figure in text for figure in ("$0.10", "$0.30", "$0.20", "2 Wh", "measured"))
    assert "it pays for itself from" in text
    assert "Local loses here" in text


def test_the_zoomable_series_is_data_and_leads_to_rows() -> None:
    text = page(tenant="a&b")
    plot = json.loads(unescape(text.split('data-plot="')[1].split('"')[0]))
    assert plot["at"][1] - plot["at"][0] == 5 * 3600
    assert (plot["step"], plot["more"]) == (3600, "&tenant=a%26b")
    assert [one["values"] for one in plot["series"]] == [[2.0, 2.0], [1.0, 1.0]]


def test_a_file_for_spreadsheets_runs_nothing() -> None:
    text = books.as_csv(Canned(), VIEW.now, 7, "task", None, TEAMS)  # type: ignore[arg-type]
    (row,) = csv.DictReader(text.splitlines())
    assert row["task"] == "'=HYPERLINK(1)"
    assert (row["cost"], row["saved"], row["joules_basis"]) == ("0.1", "0.2", "measured")


def test_keys_are_added_up_by_their_teams() -> None:
    text = books.as_csv(Canned(), VIEW.now, 7, "team", None, TEAMS)  # type: ignore[arg-type]
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["team"], row["requests"], row["cost"]) for row in rows] == [
        ("(no team)", "6", "0.2"),
        ("org/<b>red</b>", "6", "0.2"),
    ], "a key that has gone and a request without one are in no team"
    shown = page("team")
    assert "<b>red</b>" not in shown
    assert "(no team)" in shown
    assert "By team" in shown
    assert "traces?team" not in shown
