"""What is counted of a trace, written once: reports sum it over rows, roll-ups keep it by day.

Every expression reads the columns of one row of `traces`, each after `{row}` (such as `new.` in a
trigger), and is never NULL where it is a count.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shortstop.money import dollars
from shortstop.traces.report import Latencies, percentiles
from shortstop.types import Basis, Reach, Span
from shortstop.types.report import Point, Slice

_KNOWN = "{row}cost_pico IS NOT NULL AND {row}counterfactual_pico IS NOT NULL"
MICRO = 1_000_000
"""Money is summed in two parts, whole micro-dollars and the rest: one alone could overflow."""


def _money(column: str) -> dict[str, str]:
    name, value = column.removesuffix("_pico"), f"coalesce({{row}}{column}, 0)"
    return {
        f"{name}_micro": f"CASE WHEN {_KNOWN} THEN {value} / {MICRO} ELSE 0 END",
        f"{name}_rest": f"CASE WHEN {_KNOWN} THEN {value} % {MICRO} ELSE 0 END",
    }


def one(condition: str) -> str:
    """1 where it holds, else 0."""
    return f"CASE WHEN {condition} THEN 1 ELSE 0 END"


COUNTS: dict[str, str] = {
    "requests": one("{row}outcome != 'shadow'"),
    "answered": one("{row}outcome = 'ok'"),
    "local": one("{row}outcome = 'ok' AND {row}local"),
    "pinned": one(f"{{row}}outcome != 'shadow' AND {{row}}reach >= {int(Reach.LOCAL_ONLY)}"),
    "escalated": one("{row}escalated"),
    "failed": one("{row}outcome IN ('error', 'interrupted')"),
    "refused": one("{row}outcome = 'refused'"),
    "cancelled": one("{row}outcome = 'cancelled'"),
    "prompt_tokens": "coalesce({row}prompt_tokens, 0)",
    "completion_tokens": "coalesce({row}completion_tokens, 0)",
    **_money("cost_pico"),
    **_money("cost_local_pico"),
    **_money("counterfactual_pico"),
    "unpriced": one("{row}unpriced OR {row}cost_pico IS NULL OR {row}counterfactual_pico IS NULL"),
    "estimated": one("{row}tokens_estimated"),
}
"""Whole numbers, in the order in which a `Slice` takes them."""
AMOUNTS = tuple(
    f"{kind}{end}"
    for kind in ("joules", "counterfactual_joules", "gco2")
    for end in ("", "_low", "_high")
)
"""Columns of real numbers; what is not known counts as nothing."""
BASES: tuple[Basis, ...] = ("measured", "modelled", "vendor")
"""How a row's energy is known, one count for each."""


def count(name: str, row: str = "") -> str:
    """The expression of `COUNTS[name]` over a row."""
    return COUNTS[name].replace("{row}", row)


def basis(name: str, row: str = "") -> str:
    """1 where the row's energy is known this way."""
    return one(f"{row}joules_basis = '{name}'")


def total(value: str) -> str:
    """The sum of real numbers; nothing where there is none."""
    return f"coalesce(sum({value}), 0.0)"


POINT = (
    "requests", "answered", "local", "pinned", "cost_micro", "cost_rest", "counterfactual_micro",
    "counterfactual_rest",
)  # fmt: skip
"""The counts of which a `Point` is made."""
_FIRST_MONEY = list(COUNTS).index("cost_micro")
_PLAIN = tuple(COUNTS)[:_FIRST_MONEY]
_FIRST_AMOUNT = len(COUNTS)


def slice_of(row: Sequence[Any], seconds: Latencies | None = None) -> Slice:
    """A key, the sums of COUNTS, AMOUNTS and BASES, and how long its answers took."""
    sums = row[1:]
    money = sums[_FIRST_MONEY : _FIRST_MONEY + 6]
    spans = sums[_FIRST_AMOUNT : _FIRST_AMOUNT + len(AMOUNTS)]
    known = _basis(sums[_FIRST_AMOUNT + len(AMOUNTS) :])
    seconds = seconds or Latencies()
    p50, p95 = percentiles(seconds.all)
    local_p50, local_p95 = percentiles(seconds.local)
    remote_p50, remote_p95 = percentiles(seconds.remote)
    counted = dict(zip(("key", *_PLAIN), row, strict=False))
    return Slice(
        **counted,
        p50=p50,
        p95=p95,
        local_p50=local_p50,
        local_p95=local_p95,
        remote_p50=remote_p50,
        remote_p95=remote_p95,
        cost=_usd(*money[0:2]),
        cost_local=_usd(*money[2:4]),
        counterfactual=_usd(*money[4:6]),
        unpriced=sums[_FIRST_MONEY + 6],
        estimated=sums[_FIRST_MONEY + 7],
        joules=_span(spans[0:3], known),
        counterfactual_joules=_span(spans[3:6], "modelled" if spans[3] else "none"),
        gco2=_span(spans[6:9], known),
    )


def point_of(at: float, sums: Sequence[int]) -> Point:
    """The sums of POINT over a stretch that begins at `at`."""
    requests, answered, local, pinned, *money = sums
    return Point(
        at, requests, local, answered - local, pinned, _usd(*money[0:2]), _usd(*money[2:4])
    )


def _basis(counts: Sequence[int]) -> Basis:
    found: list[Basis] = [name for name, number in zip(BASES, counts, strict=True) if number]
    return found[0] if len(found) == 1 else "modelled" if found else "none"


def _span(values: Sequence[float], known: Basis) -> Span:
    value, low, high = values
    return Span(value, low, high, known)


def _usd(micro: int, rest: int) -> Decimal:
    return dollars(micro * MICRO + rest)
