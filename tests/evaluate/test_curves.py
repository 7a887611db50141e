"""The page of curves stands alone, and shows what was measured."""

from __future__ import annotations

import re

import numpy as np
import pytest

from shortstop.evaluate.curves import page
from shortstop.evaluate.ranking import score
from shortstop.evaluate.routing import RoutingReport


def report(*names: str) -> RoutingReport:
    draws = np.random.default_rng(0)
    gap = (draws.random(200) < 0.4).astype(float)
    scores = [score(n, "<own>", draws.random(200), np.zeros(200), gap, boots=5) for n in names]
    return RoutingReport(scores[:1], scores[1:], [], [], [], [], [], {})


def test_every_router_has_its_curve_and_its_figures() -> None:
    html = page(report("prompt only", "a -> b"))
    assert html.count("<svg") == html.count("<polyline") == 2
    assert html.count("APGR") == 2
    assert "n=200" in html


def test_names_are_escaped_and_nothing_is_loaded() -> None:
    html = page(report("<script>alert(1)</script>"))
    assert "<script" not in html
    assert "&lt;own&gt;" in html
    assert "http" not in html
    assert "src=" not in html


def test_a_curve_runs_from_left_to_right_within_its_frame() -> None:
    (points,) = re.findall(r'polyline points="([^"]+)"', page(report("r")))
    pairs = [tuple(map(float, point.split(","))) for point in points.split()]
    assert [x for x, _ in pairs] == [40 + 36 * i for i in range(11)]
    assert all(20 <= y <= 400 for _, y in pairs)
    assert pairs[0][1] == pytest.approx(360)
