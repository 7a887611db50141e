"""What 1,000 and 100,000 requests a second need: replicas, memory, disk, database, engines, money.

    python -m bench.scale [--write] [--seed 0]

Nothing is measured here. The figures of one worker are read out of docs/benchmarks.md, the rest is
assumed and says so, and a simulation says how full a worker may be before requests wait too long:
Poisson arrivals at one event loop that serves them in turn, service times log-normal with the
measured mean. `--write` puts the tables into docs/scale.md. Takes two seconds.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, log, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "docs" / "benchmarks.md"
PAPER = ROOT / "docs" / "scale.md"
MARK = "<!-- The table '{name}' is made by `make bench-scale`. -->\n"

RATES = (1_000, 100_000)
"""Requests a second, at the busiest time that is planned for."""
DAY, MONTH_HOURS = 86_400, 730
ARRIVALS = 400_000
FULL = tuple(round(0.05 * step, 2) for step in range(4, 20))
"""Utilisations that are simulated."""


class Measured(NamedTuple):
    """A figure of docs/benchmarks.md: the first group of `pattern`, times `factor`."""

    what: str
    unit: str
    pattern: str
    factor: float = 1.0


MEASURED = {
    "cpu": Measured(
        "CPU of a request with `auto`, privacy, books and rows included",
        "ms",
        r"\*\*Shortstop, `auto`\*\* \| [\d,]+ \([^)]*\) \| ([\d,]+) us",
        1e-3,
    ),
    "memory": Measured(
        "memory of a worker after many requests, without an engine",
        "MB",
        r"\*\*Shortstop, named target\*\*.*\| \d+ -> (\d+) MB",
    ),
    "flight": Measured(
        "memory of a request in flight",
        "MB",
        r"300 in flight \| [^|]*\| [^|]*\| (\d+) \|",
        1 / 300,
    ),
    "journal": Measured("a row in the journal", "kB", r"one write\(2\) of ([\d.]+) kB"),
    "row": Measured(
        "a row in the database, as the console's bench keeps them",
        "kB",
        r"1,000,000 rows of ninety days in SQLite \(([\d.]+) GB\)",
    ),
    "writer": Measured(
        "rows that SQLite's writer takes", "a second", r"writer \| about ([\d,]+) rows/s"
    ),
    "specialist": Measured(
        "CPU of a specialist's answer, with its embedding",
        "ms",
        r"recurring: CPU of a request \| \d+-(\d+) ms",
    ),
    "small": Measured(
        "CPU of a short answer of the embedded 135M model, prompt cached, 8 tokens out",
        "ms",
        r"2 / 2, asleep \| [\d,]+ / [\d,]+ \| [\d,]+ / ([\d,]+) \|",
    ),
    "local": Measured(
        "requests answered locally, a company's second day without promotion by hand, equal mix",
        "%",
        r"\| equal mix: local / pinned / saved \| [^|]+\| ([\d.]+) /",
    ),
    "pinned": Measured(
        "of all requests: pinned, so answered by the generic small model",
        "%",
        r"\| equal mix: local / pinned / saved \| [^|]+\| [\d.]+ / ([\d.]+) /",
    ),
    "lease": Measured(
        "one transaction on keys' budgets and limits is good for so many",
        "requests",
        r"one transaction of leases for (\d+) requests",
    ),
    "label": Measured(
        "a label at the frontier: calculated there, by list prices",
        "$",
        r"a hard request costs \$[\d.]+, a label \$([\d.]+)",
    ),
    "hard": Measured(
        "a hard request at the frontier: calculated there, by list prices",
        "$",
        r"a hard request costs \$([\d.]+)",
    ),
}


class Assumed(NamedTuple):
    value: float
    unit: str
    what: str


ASSUMED = {
    "wait": Assumed(20, "ms", "99 % of requests wait at most so long for their turn in a worker"),
    "spread": Assumed(1, "", "standard deviation of a request's CPU time over its mean"),
    "zones": Assumed(3, "", "parts of the cluster, of which any one may fail at the busiest time"),
    "flights": Assumed(256, "", "`server.max_in_flight`, the default"),
    "more_flights": Assumed(
        1_024, "", "the same, raised; `server.limits.connections` must be raised with it"
    ),
    "frontier": Assumed(
        4.2, "s", "a frontier's answer: 0.9 to the first token, then 200 tokens at 60 a second"
    ),
    "gpu": Assumed(25, "a second", "short answers of a small model on one GPU: measure yours"),
    "days": Assumed(190, "days", "`traces.retention_days`, the default"),
    "few_days": Assumed(7, "days", "the same, short"),
    "core_usd": Assumed(0.04, "$", "a core with 4 GB for an hour"),
    "gpu_usd": Assumed(2.5, "$", "a GPU for an hour"),
    "disk_usd": Assumed(0.1, "$", "a GB of block storage for a month"),
}
Figures = Mapping[str, float]


def measured(text: str) -> dict[str, float]:
    """The figures by name, out of the benchmarks' page. Raises ValueError for a missing one."""
    found = {}
    for name, figure in MEASURED.items():
        match = re.search(figure.pattern, text)
        if match is None:
            raise ValueError(f"docs/benchmarks.md does not say {figure.what} ({figure.pattern})")
        found[name] = float(match[1].replace(",", "")) * figure.factor
    return found


# ---------------------------------------------------------------- how full a worker may be


def waits(mean_ms: float, spread: float, full: float, rng: np.random.Generator) -> np.ndarray:
    """Milliseconds that each request waits for its turn (Lindley's recursion, as one sum)."""
    sigma = sqrt(log(1 + spread**2))
    service = rng.lognormal(log(mean_ms) - sigma**2 / 2, sigma, ARRIVALS)
    between = rng.exponential(mean_ms / full, ARRIVALS)
    walk = np.cumsum(service[:-1] - between[1:])
    lowest = np.minimum.accumulate(np.minimum(walk, 0.0))
    waited: np.ndarray = (walk - lowest)[ARRIVALS // 10 :]
    return waited


def tails(mean_ms: float, spread: float, seed: int) -> dict[float, float]:
    """Milliseconds within which 99 % get their turn, by utilisation."""
    return {
        full: float(np.quantile(waits(mean_ms, spread, full, np.random.default_rng(seed)), 0.99))
        for full in FULL
    }


def fullest(by_utilisation: Mapping[float, float], wait_ms: float) -> float:
    """The highest utilisation at which 99 % wait at most so long. Raises ValueError for none."""
    good = [full for full, wait in by_utilisation.items() if wait <= wait_ms]
    if not good:
        raise ValueError(f"No worker keeps to {wait_ms} ms.")
    return max(good)


def crowd(mean: float) -> int:
    """What 99.9 % of moments do not exceed where so many are in flight on average: arrivals are
    independent, so their number is Poisson's, and that is normal where it is large."""
    return ceil(mean + 3.09 * sqrt(mean))


def spare(needed: int, zones: int) -> int:
    """Workers in equal zones of which any one may fail, so that `needed` are left."""
    each = ceil(needed / (zones - 1))
    return each * zones


# ---------------------------------------------------------------- what a load needs


class Line(NamedTuple):
    """One thing that is needed: how it is worked out, and for each rate how much."""

    what: str
    how: str
    values: tuple[str, ...]


def needs(rate: float, given: Figures, full: float) -> dict[str, float]:
    """By name. `given` are measured and assumed figures; times in ms, shares in percent."""
    away = 1 - given["local"] / 100
    learned = (given["local"] - given["pinned"]) / 100
    flying = crowd(rate * away * given["frontier"])
    by_cpu = ceil(rate * given["cpu"] / 1e3 / full)
    got = {
        "cores": rate * given["cpu"] / 1e3,
        "by_cpu": by_cpu,
        "flying": flying,
        "by_flight": ceil(flying / given["flights"]),
        "by_more": ceil(flying / given["more_flights"]),
        "rows": rate * DAY,
        "journal": rate * given["journal"] / 1e3,
        "stored": rate * DAY * given["row"] / 1e9,
        "writers": rate / given["writer"],
        "leases": rate / given["lease"],
        "specialists": rate * learned * given["specialist"] / 1e3,
        "small": rate * given["pinned"] / 100 * given["small"] / 1e3,
        "gpus": rate * given["pinned"] / 100 / given["gpu"],
    }
    zones = int(given["zones"])
    got["workers"] = spare(max(by_cpu, int(got["by_flight"])), zones)
    got["workers_more"] = spare(max(by_cpu, int(got["by_more"])), zones)
    got["memory"] = got["workers_more"] * given["memory"] / 1e3 + flying * given["flight"] / 1e3
    got["kept"] = got["stored"] * given["days"]
    got["kept_short"] = got["stored"] * given["few_days"]
    got.update(_money(rate, given, got))
    return got


def _money(rate: float, given: Figures, got: Figures) -> dict[str, float]:
    """US dollars a day."""
    cores = got["workers_more"] + spare(ceil(got["specialists"]), int(given["zones"]))
    return {
        "gateway_usd": cores * 24 * given["core_usd"],
        "gpus_usd": spare(ceil(got["gpus"]), int(given["zones"])) * 24 * given["gpu_usd"],
        "disk_usd": got["kept_short"] * 1e3 * given["disk_usd"] / MONTH_HOURS * 24,
        "labels_usd": rate * DAY * given["label"],
        "hard_usd": rate * DAY * given["hard"],
        "percent_usd": rate * DAY * given["label"] / 100,
    }


SHOWN: tuple[tuple[str, str, str, str], ...] = (
    ("cores that answer", "rate x CPU of a request", "cores", ",.1f"),
    ("workers for that", "/ how full a worker may be", "by_cpu", ",d"),
    ("requests in flight", "rate x share that leaves x seconds, 99.9 % of moments", "flying", ",d"),
    ("workers for that, 256 each", "/ `max_in_flight`", "by_flight", ",d"),
    ("workers for that, 1,024 each", "/ `max_in_flight`, raised", "by_more", ",d"),
    ("**workers, one zone of three may fail**", "the larger one x 3 / 2", "workers", ",d"),
    ("**the same with 1,024 in flight each**", "the larger one x 3 / 2", "workers_more", ",d"),
    ("memory of these, GB", "workers x memory + in flight x memory", "memory", ",.1f"),
    ("journal, MB a second over all", "rate x row", "journal", ",.1f"),
    ("rows a day, millions", "rate x 86,400", "rows", "m"),
    ("database, TB a day", "rows x row", "stored", ",.2f"),
    ("database, TB kept for 190 days", "x days", "kept", ",.1f"),
    ("database, TB kept for 7 days", "x days", "kept_short", ",.1f"),
    ("SQLite writers that would fill", "rate / rows of a writer", "writers", ",.2f"),
    ("transactions on budgets, a second", "rate / requests of a lease", "leases", ",.0f"),
    ("cores for specialists", "rate x share local and not pinned x CPU", "specialists", ",.1f"),
    ("cores for pinned requests, 135M model", "rate x pinned share x CPU", "small", ",.0f"),
    ("or GPUs for them", "rate x pinned share / answers of a GPU", "gpus", ",.1f"),
    ("gateways and specialists, $ a day", "cores x 24 h", "gateway_usd", ",.0f"),
    ("GPUs, one zone of three may fail, $ a day", "GPUs x 24 h", "gpus_usd", ",.0f"),
    ("disk for 7 days of rows, $ a day", "TB kept x price", "disk_usd", ",.0f"),
    ("a frontier for all of it, $ a day, were they labels", "rows x a label", "labels_usd", ",.0f"),
    ("the same, were they hard requests", "rows x a hard request", "hard_usd", ",.0f"),
    ("one percent of them kept local, $ a day", "rows x a label / 100", "percent_usd", ",.0f"),
)


def lines(given: Figures, full: float) -> Iterator[Line]:
    got = [needs(rate, given, full) for rate in RATES]
    for what, how, name, shape in SHOWN:
        yield Line(what, how, tuple(_said(one[name], shape) for one in got))


def _said(value: float, shape: str) -> str:
    if shape == "m":
        return f"{value / 1e6:,.1f}"
    return format(int(value) if shape.endswith("d") else value, shape)


# ---------------------------------------------------------------- pages


def tables(text: str, seed: int) -> dict[str, str]:
    """The paper's tables by name. `text` is the benchmarks' page. Raises ValueError."""
    found = measured(text)
    given = {**found, **{name: one.value for name, one in ASSUMED.items()}}
    by_utilisation = tails(found["cpu"], ASSUMED["spread"].value, seed)
    full = fullest(by_utilisation, ASSUMED["wait"].value)
    return {
        "measured": _table(
            ("figure", "measured"),
            ((one.what, _quantity(found[name], one.unit)) for name, one in MEASURED.items()),
        ),
        "assumed": _table(
            ("assumption", "value"),
            ((one.what, _quantity(one.value, one.unit)) for one in ASSUMED.values()),
        ),
        "simulated": _table(
            ("a worker is busy for", "99 % wait at most"),
            (
                (f"{at:.0%}", f"{wait:.1f} ms{' (as full as it may be)' if at == full else ''}")
                for at, wait in by_utilisation.items()
                if at >= 0.3
            ),
        ),
        "calculated": _table(
            ("what", "how", *(f"{rate:,} a second" for rate in RATES)),
            ((one.what, one.how, *one.values) for one in lines(given, full)),
        ),
    }


def _quantity(value: float, unit: str) -> str:
    number = f"{value:,.4g}" if value < 1_000 else f"{value:,.0f}"
    return f"${number}" if unit == "$" else f"{number} {unit}".strip()


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    made = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in made)


def paper(text: str, made: Mapping[str, str]) -> str:
    """`text` with its tables made anew: each follows its mark and ends before a blank line."""
    for name, table in made.items():
        mark = MARK.format(name=name)
        before, found, after = text.partition(mark)
        if not found:
            raise ValueError(f"docs/scale.md has lost the mark of the table {name!r}.")
        rest = re.sub(r"\A(?:\n?\|.*\n)+", "", after)
        text = f"{before}{mark}\n{table}{rest}"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    made = tables(BENCHMARKS.read_text(encoding="utf-8"), options.seed)
    for name, table in made.items():
        print(f"{name}\n\n{table}")
    if options.write:
        PAPER.write_text(paper(PAPER.read_text(encoding="utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
