"""The curves of a routing report as one self-contained page."""

from __future__ import annotations

from html import escape

from shortstop.evaluate.ranking import Score
from shortstop.evaluate.routing import RoutingReport

STYLE = "body{font:15px sans-serif;margin:2em}figure{display:inline-block;margin:1em}"


def page(report: RoutingReport) -> str:
    """HTML: the share of the quality gap that each router recovers by frontier calls."""
    figures = "".join(map(_figure, report.in_domain + report.transfer))
    return (
        f"<!doctype html><meta charset='utf-8'><title>Routing</title><style>{STYLE}</style>"
        f"<h1>Routing: quality against frontier calls</h1>{figures}"
    )


def _figure(s: Score) -> str:
    points = " ".join(f"{40 + 36 * i},{360 - 240 * min(v, 1.4):.0f}" for i, v in enumerate(s.curve))
    return (
        f"<figure><figcaption>{escape(s.bench)}: {escape(s.router)}, APGR {s.apgr.value:.3f}"
        f" [{s.apgr.low:.3f}, {s.apgr.high:.3f}], n={s.apgr.n}</figcaption>"
        '<svg viewBox="0 0 440 400" width="440" height="400">'
        '<path d="M40 20V360H400" fill="none" stroke="#888"/>'
        '<path d="M40 360L400 120" stroke="#bbb" stroke-dasharray="4"/>'
        f'<polyline points="{points}" fill="none" stroke="#0a6" stroke-width="2"/>'
        '<text x="150" y="392">share of frontier calls, 0 to 100%</text>'
        '<text x="4" y="14">share of the quality gap recovered (top: 1.4)</text></svg></figure>'
    )
