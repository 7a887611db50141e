"""Charts: well-formed with any data, and readable by who cannot see them."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from shortstop.console import charts
from shortstop.console.charts import Bar, Series
from tests.console.test_report import read

AMOUNT = st.just(0.0) | st.floats(min_value=1e-13, max_value=1e12)
VALUES = st.lists(AMOUNT, min_size=1, max_size=40)


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_ticks_are_round_and_cover(top: float) -> None:
    marks = charts.ticks(top)
    assert marks[0] == 0
    assert marks[-1] >= top * 0.999
    assert 3 <= len(marks) <= 8


def test_charts_without_data_draw_an_empty_frame() -> None:
    for drawing in (
        charts.stacked([], [Series("a", "local", [])], describe="x"),
        charts.lines(["1"], [Series("a", "local", [0.0])], describe="x"),
        charts.histogram(["0", "1"], [Series("a", "local", [0.0])], describe="x"),
        charts.bars([Bar("a", "local", 2.0, "t", -1, 3)]),
    ):
        assert read(drawing).open == []


@given(VALUES, st.text(max_size=20))
def test_any_data_and_any_name_is_drawn_within_the_frame(values: list[float], name: str) -> None:
    labels = [str(i) for i in range(len(values))]
    series = [Series(name, "local", values), Series("other", "remote", values[::-1])]
    for drawing in (
        charts.stacked(labels, series, describe=name),
        charts.lines(labels, series, describe=name, between=name),
        charts.histogram([*labels, "end"], series, describe=name),
    ):
        assert read(drawing).open == []
        assert "nan" not in drawing.replace(name, "")
        svg = drawing[drawing.index("<svg") :]
        if name.isprintable():
            assert ElementTree.fromstring(svg).get("aria-label") is not None


def test_a_column_is_as_high_as_its_value() -> None:
    drawing = charts.stacked(["a", "b"], [Series("x", "local", [1.0, 2.0])], describe="d")
    svg = ElementTree.fromstring(drawing[drawing.index("<svg") :])
    low, high = (float(rect.get("height", "0")) for rect in svg.iter("rect"))
    assert abs(high - 2 * low) <= 0.2
    assert [title.text for title in svg.iter("title")] == ["a: 1 x", "b: 2 x"]
