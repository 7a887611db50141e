"""Write the Grafana dashboard: deploy/grafana/dashboards/shortstop.json.

    python -m scripts.build_dashboard

A test holds the committed file to this, and every metric in it to those that the gateway has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards" / "shortstop.json"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, ROW = 8, 7, 3
RATE = "[$__rate_interval]"

PANELS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Requests a second, by who answered",
        "reqps",
        ((f"sum by (target) (rate(shortstop_requests_total{RATE}))", "{{target}}"),),
    ),
    (
        "Answered on this machine",
        "percentunit",
        (
            (
                f'sum(rate(shortstop_requests_total{{local="true"}}{RATE}))'
                f" / sum(rate(shortstop_requests_total{RATE}))",
                "local",
            ),
        ),
    ),
    (
        "Seconds until the answer is complete",
        "s",
        tuple(
            (
                f"histogram_quantile({q}, sum by (le, target)"
                f" (rate(shortstop_request_seconds_bucket{RATE})))",
                f"p{round(q * 100)} {{{{target}}}}",
            )
            for q in (0.5, 0.95)
        ),
    ),
    (
        "US dollars an hour",
        "currencyUSD",
        (
            (f"3600 * sum(rate(shortstop_cost_usd_total{RATE}))", "cost"),
            (f"3600 * sum(rate(shortstop_counterfactual_usd_total{RATE}))", "frontier alone"),
        ),
    ),
    (
        "Answers of unknown price",
        "short",
        ((f"sum by (target) (increase(shortstop_unpriced_total{RATE}))", "{{target}}"),),
    ),
    (
        "Calls that did not succeed",
        "reqps",
        (
            (
                f'sum by (target, outcome) (rate(shortstop_attempts_total{{outcome!="ok"}}{RATE}))',
                "{{target}} {{outcome}}",
            ),
            (f"sum by (status) (rate(shortstop_refused_total{RATE}))", "refused {{status}}"),
        ),
    ),
    (
        "Tokens a second",
        "short",
        ((f"sum by (target, kind) (rate(shortstop_tokens_total{RATE}))", "{{target}} {{kind}}"),),
    ),
    (
        "Privacy: how far requests may travel",
        "reqps",
        (
            (f"sum by (reach) (rate(shortstop_privacy_verdicts_total{RATE}))", "{{reach}}"),
            (
                f"sum by (reason) (rate(shortstop_privacy_fail_closed_total{RATE}))",
                "closed: {{reason}}",
            ),
        ),
    ),
    (
        "Faults inside, by place",
        "short",
        ((f"sum by (place) (increase(shortstop_faults_total{RATE}))", "{{place}}"),),
    ),
)


def panel(
    number: int, title: str, unit: str, queries: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    place = {"x": number % ROW * WIDTH, "y": number // ROW * HEIGHT, "w": WIDTH, "h": HEIGHT}
    targets = [
        {"refId": chr(65 + i), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
        for i, (expr, legend) in enumerate(queries)
    ]
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


def dashboard() -> str:
    tree = {
        "uid": "shortstop",
        "title": "Shortstop",
        "schemaVersion": 41,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "tags": ["shortstop"],
        "panels": [panel(i, *one) for i, one in enumerate(PANELS)],
    }
    return json.dumps(tree, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(dashboard(), encoding="utf-8")
    print(FILE)
