"""Rows as charges: what one day cost for each way of asking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from shortstop.money import dollars
from shortstop.stores.sqlite.sums import MICRO
from shortstop.types.report import Charge

_GROUPS = ("tenant", "target", "local", "task", "key", "user", "tag", "specialist", "prices")
_KNOWN = "cost_pico IS NOT NULL AND counterfactual_pico IS NOT NULL"


def _parts(column: str) -> str:
    """Whole micro-dollars and the rest: one sum alone could overflow."""
    value = f"CASE WHEN {_KNOWN} THEN coalesce({column}, 0) ELSE 0 END"
    return f"sum({value} / {MICRO}), sum({value} % {MICRO})"


_QUERY = f"""
    SELECT CAST(at / 86400 AS INTEGER) * 86400, {", ".join(f"coalesce({g}, '')" for g in _GROUPS)},
        sum(outcome != 'shadow'), sum(NOT ({_KNOWN})), total(prompt_tokens),
        total(completion_tokens), {_parts("cost_remote_pico")}, {_parts("cost_pico")},
        {_parts("counterfactual_pico")}, total(joules), total(gco2)
    FROM traces WHERE {{where}}
    GROUP BY 1, {", ".join(str(place) for place in range(2, len(_GROUPS) + 2))} ORDER BY 1
"""  # noqa: S608 - made of fixed texts


def charges(db: sqlite3.Connection, where: str, args: Sequence[object]) -> Iterator[Charge]:
    """Oldest day first."""
    for row in db.execute(_QUERY.replace("{where}", where), args):
        day, tenant, target, local, task, key, user, tag, specialist, prices, *sums = row
        requests, unpriced, prompt, completion, *money = sums
        billed, effective, counterfactual = (
            dollars(money[i] * MICRO + money[i + 1]) for i in (0, 2, 4)
        )
        yield Charge(
            day=day, tenant=tenant, target=target, local=bool(local), task=task, key=key, user=user,
            tag=tag, specialist=specialist, prices=prices, requests=requests, unpriced=unpriced,
            prompt_tokens=int(prompt), completion_tokens=int(completion), billed=billed,
            effective=effective, counterfactual=counterfactual, joules=money[6], gco2=money[7],
        )  # fmt: skip
