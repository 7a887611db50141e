"""The page of the day: its words, its links, and what a month comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shortstop.console import projection, today
from shortstop.console.view import View
from shortstop.types.console import AnswerTimes, BudgetLine, Days, PromiseLine, RowFilter
from shortstop.types.report import By, Point, Slice

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
TODAY = int(NOW // 86_400)
ADMIN = View("me", "admin", None, "c" * 64, "today", NOW, "1")
TOTAL = Slice(
    "", requests=10, answered=8, local=6, pinned=1, failed=2, cost=Decimal(2),
    counterfactual=Decimal(8),
)  # fmt: skip


class Canned:
    """Figures that are what they are, and what was asked of them."""

    def __init__(self, total: Slice = TOTAL, baselines: tuple[str, ...] = ("big",)) -> None:
        self.total = total
        self.names = baselines
        self.tenants: set[str | None] = set()

    def slices(
        self, by: By | None, days: Days, *, tenant: str | None = None, task: str | None = None
    ) -> tuple[Slice, ...]:
        if by == "tenant":
            return (Slice("a"), Slice("<b>"))
        self.tenants.add(tenant)
        return (Slice("2026-11-20", cost=Decimal(2)),) if by == "day" else (self.total,)

    def points(self, since: int, until: int, step: int, tenant: str | None) -> tuple[Point, ...]:
        return (Point(TODAY * 86_400.0, 10, 6, 2, 1, Decimal(2), Decimal(8)),)

    def days(self, tenant: str | None) -> Days | None:
        return Days(TODAY, TODAY + 1)

    def baselines(self, days: Days) -> tuple[str, ...]:
        return self.names

    def times(self, chosen: RowFilter) -> AnswerTimes:
        return AnswerTimes(8, 0.1, 0.2, 1, 2)

    def tail(self, after: int, tenant: str | None, limit: int) -> tuple[()]:
        return ()


def page(figures: Canned | None = None, view: View = ADMIN, **more: object) -> str:
    budgets, promises = more.get("budgets", ()), more.get("promises", ())
    return today.page(view, figures or Canned(), 1, None, budgets, promises)  # type: ignore[arg-type]


def test_the_answer_comes_in_a_sentence() -> None:
    assert "75% answered locally, $6.00 saved (75% of all-LLM)." in page()


@pytest.mark.parametrize(
    ("total", "baselines", "sentence"),
    [
        (Slice(""), (), "No requests in this period"),
        (TOTAL, (), "75% answered locally."),
        (Slice("", requests=1, answered=1, cost=Decimal(2), counterfactual=Decimal(1)), ("big",),
         "0% answered locally, $1.00 dearer than all-LLM."),
    ],
)  # fmt: skip
def test_a_loss_and_nothing_are_said_too(
    total: Slice, baselines: tuple[str, ...], sentence: str
) -> None:
    assert sentence in page(Canned(total, baselines))


def test_every_figure_leads_to_its_rows() -> None:
    text = page()
    begin, end = TODAY * 86_400, (TODAY + 1) * 86_400
    assert f'href="traces?since={begin}&amp;until={end}"' in text
    assert f'href="traces?side=local&amp;since={begin}&amp;until={end}"' in text
    assert f'href="traces?since={begin}&amp;until={begin + 3600}"' in text, "a column of the chart"


def test_who_is_of_one_tenant_sees_that_one() -> None:
    figures = Canned()
    text = page(figures, View("me", "viewer", "a", "", "today", NOW, "1"))
    assert figures.tenants == {"a"}
    assert "<select" not in text


def test_budgets_promises_and_names() -> None:
    budget = BudgetLine("k", "<b>", "a", Decimal(30), Decimal(0), Decimal(20), "2026-11")
    promise = PromiseLine("t", "a", "small", "certified", 40, 0.01, 0.02, 0.8, 21, 20, 0, 0)
    text = page(budgets=[budget], promises=[promise])
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    assert "1 of 1 certified" in text
    alarm = PromiseLine("t", "a", "small", "alarm", 40, 0.1, 0.02, 0, 0, 20, None, 1)
    assert "1 alarm" in page(promises=[alarm])


def test_a_month_goes_on_as_the_last_week_went() -> None:
    """November has 30 days: ten are left after the 20th, and some of the 20th."""
    week = {TODAY - i: Decimal(7) for i in range(1, 8)}
    month = projection.projected({**week, TODAY: Decimal(3)}, NOW)
    assert month.spent == 7 * 7 + 3
    assert month.projected == month.spent + (7 - 3) + 10 * 7


def test_days_before_the_first_are_no_days_of_the_mean() -> None:
    month = projection.projected({TODAY - 1: Decimal(6)}, NOW)
    assert month.projected == 6 + 6 + 10 * 6
    assert projection.projected({TODAY: Decimal(6)}, NOW).projected == 6
    assert projection.projected({}, NOW).projected == 0


def test_a_quiet_day_among_them_counts() -> None:
    costs = {TODAY - 7: Decimal(7), TODAY: Decimal(0)}
    assert projection.projected(costs, NOW).projected == 7 + 1 + 10


def test_the_days_that_a_projection_needs() -> None:
    assert projection.days_of(NOW) == Days(TODAY - 19, TODAY + 1)
    first = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
    assert projection.days_of(first) == Days(int(first // 86_400) - 7, int(first // 86_400) + 1)
