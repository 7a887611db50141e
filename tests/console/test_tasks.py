"""The pages about tasks: the promise as a plot, the totals under the rows."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from shortstop.console import tasks
from shortstop.console.view import View
from shortstop.types.console import AnswerTimes, Days, PromiseLine, RowFilter, TracePage
from shortstop.types.report import By, Slice

VIEW = View("me", "viewer", None, "", "tasks", 1.8e9, "1")
SLICES = (
    Slice("t", requests=6, answered=6, local=3, cost=Decimal(1), counterfactual=Decimal(3)),
    Slice("<u>", requests=4, answered=4, cost=Decimal(2), counterfactual=Decimal(2)),
)
TOTAL = Slice("", requests=10, answered=10, local=3, cost=Decimal(3), counterfactual=Decimal(5))


class Canned:
    def slices(
        self, by: By | None, days: Days, *, tenant: str | None = None, task: str | None = None
    ) -> tuple[Slice, ...]:
        return SLICES if by == "task" else (TOTAL,) if by is None else (Slice("2026-11-20"),)

    def times(self, chosen: RowFilter) -> AnswerTimes:
        return AnswerTimes()

    def page(self, chosen: RowFilter, before: None, limit: int) -> TracePage:
        assert chosen.task == "t"
        return TracePage(())


def promise(loss: float, evidence: float, standing: str = "open") -> PromiseLine:
    return PromiseLine("t", "", "small", standing, 50, loss, 0.02, 0.5, evidence, 20.0, 30, 0)


def test_every_task_has_a_line_and_all_of_them_a_sum() -> None:
    steered = tasks.Steered([promise(0.01, 25, "certified")], {"t": "local"})
    text = tasks.page(VIEW, Canned(), 30, None, steered)  # type: ignore[arg-type]
    assert "&lt;u&gt;" in text
    assert "small: certified" in text
    foot = text[text.index("<tfoot>") :]
    assert all(figure in foot for figure in (">10<", "30%", "$3.00", "$5.00", "$2.00"))


@pytest.mark.parametrize(
    ("loss", "evidence", "tones"),
    [
        (0.0, 25.0, ["local", "local"]),
        (0.015, 4.0, ["local", "remote"]),
        (0.9, 0.0, ["failed", "remote"]),
        (-0.1, 1e300, ["local", "local"]),
    ],
)
def test_a_promise_is_drawn_on_two_scales(loss: float, evidence: float, tones: list[str]) -> None:
    """What is lost against the limit, and what speaks for it against what is needed."""
    text = tasks.one(VIEW, Canned(), "t", 30, None, [promise(loss, evidence)])  # type: ignore[arg-type]
    scales = re.findall(r'<svg class="scale".*?</svg>', text)
    assert [re.findall(r'class="(local|remote|failed)"', one)[0] for one in scales] == tones
    for one in scales:
        widths = [float(width) for width in re.findall(r'width="([\d.]+)"', one)]
        assert all(0 <= width <= tasks.WIDTH for width in widths)
        assert "nan" not in one


def test_a_task_that_nobody_asked_for_is_a_page_too() -> None:
    text = tasks.one(VIEW, Canned(), "t", 1, None, [])  # type: ignore[arg-type]
    assert "No answer of a local model was compared" in text


def test_operators_set_routes_and_viewers_see_them() -> None:
    steered = tasks.Steered([], {"t": "local"}, "t: local.")
    text = tasks.page(VIEW, Canned(), 30, "acme", steered)  # type: ignore[arg-type]
    assert "<form" not in text[text.index("<table") :]
    assert "<td>local</td>" in text
    operator = View("me", "operator", "acme", "x" * 64, "tasks", 1.8e9, "1")
    text = tasks.page(operator, Canned(), 30, "acme", steered)  # type: ignore[arg-type]
    assert text.count('name="csrf"') >= 2
    assert 'value="&lt;u&gt;"' in text
    assert '<option value="local" selected>' in text
    assert ">as configured</option>" in text
    assert 'role="status">t: local.' in text
