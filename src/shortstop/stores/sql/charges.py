"""Rows as charges: what one day cost for each way of asking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shortstop.money import dollars
from shortstop.stores.sql.database import Queries, SqlVariant
from shortstop.stores.sql.sums import MICRO, one, total
from shortstop.types.report import Charge

_GROUPS = ("tenant", "target", "local", "task", "key", "user", "tag", "specialist", "prices")
_KEYS = [g if g == "local" else f"coalesce(\"{g}\", '')" for g in _GROUPS]
"""`user` alone is a function in PostgreSQL."""
_KNOWN = "cost_pico IS NOT NULL AND counterfactual_pico IS NOT NULL"


_PLACES = ", ".join(str(place) for place in range(1, len(_GROUPS) + 2))


def _parts(column: str) -> str:
    """Whole micro-dollars and the rest: one sum alone could overflow."""
    value = f"CASE WHEN {_KNOWN} THEN coalesce({column}, 0) ELSE 0 END"
    return f"sum({value} / {MICRO}), sum({value} % {MICRO})"


_QUERY = f"""
    SELECT {{day}}, {", ".join(_KEYS)},
        sum({one("outcome != 'shadow'")}), sum({one(f"NOT ({_KNOWN})")}),
        coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
        {_parts("cost_remote_pico")}, {_parts("cost_pico")}, {_parts("counterfactual_pico")},
        {total("joules")}, {total("gco2")}
    FROM traces WHERE {{where}}
    GROUP BY {_PLACES} ORDER BY {_PLACES}
"""  # noqa: S608 - made of fixed texts


def charges(
    reading: Queries, variant: SqlVariant, where: str, args: Sequence[object]
) -> Iterator[Charge]:
    """Oldest day first."""
    query = _QUERY.replace("{day}", variant.whole("at / 86400")).replace("{where}", where)
    for row in reading.each(query, args):
        day, tenant, target, local, task, key, user, tag, specialist, prices, *sums = row
        requests, unpriced, prompt, completion, *money = sums
        billed, effective, counterfactual = (
            dollars(money[i] * MICRO + money[i + 1]) for i in (0, 2, 4)
        )
        yield Charge(
            day=day * 86_400, tenant=tenant, target=target, local=bool(local), task=task, key=key,
            user=user, tag=tag, specialist=specialist, prices=prices, requests=requests,
            unpriced=unpriced, prompt_tokens=prompt, completion_tokens=completion, billed=billed,
            effective=effective, counterfactual=counterfactual, joules=money[6], gco2=money[7],
        )  # fmt: skip
