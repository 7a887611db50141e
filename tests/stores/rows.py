"""Rows as the writer would make them, with any columns that a test asks for."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from shortstop.types.rows import COLUMNS, Row

DAY = 86_400
START = 20_000 * DAY
OUTCOMES = ("ok", "error", "cancelled", "interrupted", "refused", "shadow")

PLAIN: dict[str, Any] = {
    "tenant": "default", "dialect": "d", "model": "auto", "digest": "", "outcome": "ok",
    "status": 200, "stream": False, "target": "small", "local": True, "tier": 0, "reach": 0,
    "attempts": 1, "escalated": False, "explored": False, "tokens_estimated": False,
    "unpriced": False, "cost_pico": 10**9, "cost_local_pico": 10**9,
    "counterfactual_pico": 3 * 10**9, "baseline": "big", "joules": 1.0, "joules_basis": "modelled",
}  # fmt: skip


def row(number: int, document: str = "{}", **changes: Any) -> Row:
    values: dict[str, Any] = dict.fromkeys(COLUMNS) | PLAIN
    values |= {
        "id": f"r{number}", "at": START + number * 600.0, "task": f"t{number % 3}",
        "seconds": 0.1 * (number % 7 + 1),
    }  # fmt: skip
    return Row(tuple({**values, **changes}.values()), document.encode())


money = st.none() | st.integers(0, 10**16)
CHANGES = st.fixed_dictionaries(
    {
        "at": st.floats(START, START + 3 * DAY),
        "tenant": st.sampled_from(("a", "b")),
        "key": st.none() | st.sampled_from(("k1", "k2")),
        "user": st.none() | st.sampled_from(("ann", "bob")),
        "task": st.none() | st.sampled_from(("t", "u|@")),
        "target": st.none() | st.sampled_from(("small", "big")),
        "run": st.none() | st.sampled_from(("~one", "~two", "named")),
        "run_refusal": st.sampled_from((None, None, "steps", "repeat")),
        "outcome": st.sampled_from(OUTCOMES),
        "local": st.booleans(),
        "tier": st.integers(0, 3),
        "reach": st.integers(0, 3),
        "escalated": st.booleans(),
        "explored": st.booleans(),
        "prompt_tokens": st.none() | st.integers(0, 10**6),
        "completion_tokens": st.none() | st.integers(0, 10**6),
        "cost_pico": money,
        "cost_local_pico": money,
        "cost_remote_pico": money,
        "counterfactual_pico": money,
        "unpriced": st.booleans(),
        "joules": st.none() | st.floats(0, 1e6),
        "joules_basis": st.sampled_from((None, "none", "measured", "modelled", "vendor")),
        "seconds": st.floats(0, 100),
    }
)
"""Of columns; sums of whole numbers, of real ones, and every group are among them."""
