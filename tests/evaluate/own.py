"""A company's own table of graded pairs."""

from __future__ import annotations

import numpy as np

from shortstop.evaluate.pair_table import PairTable, pair_table
from shortstop.routing import packaged


def own_rows(n: int = 300) -> list[dict[str, object]]:
    """A company's own table: hard questions are those about tax."""
    draws = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for i in range(n):
        hard = bool(draws.random() < 0.5)
        topic = "tax law of partnerships" if hard else "opening hours of the shop"
        row: dict[str, object] = {
            "id": str(i),
            "bench": "own",
            "domain": "tax" if hard else "hours",
            "prompt": f"Question {i} about the {topic}, branch {i % 13}?",
            "score_small": 0.0 if hard and draws.random() < 0.8 else 1.0,
            "score_big": 1.0,
            "contaminated": i == 0,
            "response_small": "no 1" if hard else "yes 2",
            "response_other": "yes 2",
            "cost_small": 0.0,
            "cost_big": 0.01,
        }
        rows.append(row)
    return rows


def own_table(n: int = 300) -> PairTable:
    return pair_table(own_rows(n), packaged().embedder)
