"""The page: whole, self-contained, honest about what it does not know."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from shortstop.console import report as page
from shortstop.stores.sqlite.reading import SqliteReports
from shortstop.types.report import Slice, TrafficReport
from tests.stores.test_reports import ROWS, filled
from tests.traces.example import trace

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Balance(HTMLParser):
    """Notes what was opened and not closed, and everything that would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("script", "link", "img", "iframe"):
            self.fetched.append(tag)
        self.fetched += [name for name, _ in attrs if name in ("src", "href", "xlink:href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Balance:
    found = Balance()
    found.feed(html)
    found.close()
    return found


@pytest.fixture
def report(tmp_path: Path) -> TrafficReport:
    return SqliteReports(filled(tmp_path / "traces.db", ROWS)).summary()


def test_the_page_is_whole_and_needs_nothing_else(report: TrafficReport) -> None:
    html = page.render(report)
    found = read(html)
    assert found.open == []
    assert found.fetched == []
    assert "url(" not in html
    assert "@import" not in html
    assert "$" not in re.sub(r"\$[\d.,]+", "", html), "no placeholder is left"


def test_the_page_says_what_happened(report: TrafficReport) -> None:
    text = " ".join(read(page.render(report, notes=["A note of mine."])).text)
    assert "9 requests" in text
    assert "67% answered locally" in text
    assert "2 of 9 requests" in text
    assert "have no known price" in text
    assert "All-LLM is the same requests answered by big" in text
    assert "A note of mine." in text


def test_every_drawing_is_well_formed(report: TrafficReport) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page.render(report), re.DOTALL)
    assert sum("aria-label" in drawing for drawing in drawings) == 3
    for drawing in drawings:
        ElementTree.fromstring(drawing)
        assert "nan" not in drawing


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    rows = [trace("a", tenant=evil), trace("b", target=f"{evil}x"), trace("c", target="small")]
    html = page.render(SqliteReports(filled(tmp_path / "t.db", rows)).summary())
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_no_requests_is_a_page_too() -> None:
    empty = TrafficReport(Slice(""), {}, None, None, 1.0, (), (), (), ())
    text = " ".join(read(page.render(empty)).text)
    assert "No requests yet" in text


def test_a_reference_baseline_is_said_loudly(report: TrafficReport) -> None:
    text = page.render(replace(report, baselines=("reference:claude-opus-5-5",)))
    assert "no upstream is configured here" in text


def test_without_a_frontier_nothing_is_called_a_saving(report: TrafficReport) -> None:
    total = replace(report.total, counterfactual=Decimal(0))
    alone = replace(report, baselines=(), total=total, groups={})
    text = " ".join(read(page.render(alone)).text)
    assert "no frontier to compare with" in text
    assert "Saved" not in text
    assert "cheaper" not in text
    assert "dearer" not in text


def test_a_loss_is_not_called_a_saving(report: TrafficReport) -> None:
    dear = replace(report.total, cost=report.total.counterfactual + Decimal("0.5"))
    text = page.render(replace(report, total=dear))
    assert "$0.50 dearer than all-LLM" in text
