"""What runs of agents took and how they ended, from the rows of their steps."""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.money import dollars
from shortstop.stores.sql.database import Queries
from shortstop.stores.sql.sums import one
from shortstop.types import UNNAMED
from shortstop.types.learning import RUN_OUTCOME
from shortstop.types.report import RunTotals

_RUNS = f"""
WITH steps AS (
    SELECT run, tenant, outcome, run_refusal, cost_pico FROM traces
    WHERE {{where}} AND run IS NOT NULL AND outcome != 'shadow'
), runs AS (
    SELECT run, tenant, sum({one("outcome = 'ok'")}) AS steps,
        coalesce(sum(cost_pico / 1000000), 0) AS micro,
        coalesce(sum(cost_pico % 1000000), 0) AS rest,
        max({one("run_refusal IN ('money', 'steps', 'time')")}) AS stopped,
        max({one("run_refusal = 'repeat'")}) AS looping
    FROM steps GROUP BY run, tenant
    HAVING count(*) > 1 OR substr(run, 1, {len(UNNAMED)}) != '{UNNAMED}' OR count(run_refusal) > 0
), ended AS (
    SELECT runs.*,
        (SELECT value FROM grades WHERE trace = runs.run AND grades.tenant = runs.tenant
            AND grader = '{RUN_OUTCOME}' AND value IS NOT NULL ORDER BY at DESC LIMIT 1) AS value,
        CASE WHEN stopped + looping > 0 THEN
            (SELECT cost_pico FROM traces WHERE traces.run = runs.run
                AND traces.tenant = runs.tenant AND outcome = 'ok' ORDER BY at DESC, seq DESC
                LIMIT 1) END AS last
    FROM runs
)
SELECT count(*), sum(steps), sum(micro), sum(rest), count(value), sum({one("value >= 0.5")}),
    sum(CASE WHEN value IS NOT NULL THEN micro END),
    sum(CASE WHEN value IS NOT NULL THEN rest END),
    sum(stopped), sum(looping), sum(last)
FROM ended
"""  # noqa: S608 - made of fixed texts


def run_totals(reading: Queries, where: str, args: Sequence[object]) -> RunTotals:
    """Over the rows that `where` chooses; its outcomes are of any time."""
    (row,) = reading.all(_RUNS.replace("{where}", where), args)
    runs, steps, micro, rest, judged, solved, judged_micro, judged_rest = (n or 0 for n in row[:8])
    stopped, looping, avoided = (n or 0 for n in row[8:])
    return RunTotals(
        runs=runs,
        steps=steps,
        cost=dollars(micro * 10**6 + rest),
        judged=judged,
        solved=solved,
        judged_cost=dollars(judged_micro * 10**6 + judged_rest),
        stopped=stopped,
        looping=looping,
        avoided=dollars(avoided),
    )
