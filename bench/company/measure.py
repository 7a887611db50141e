"""The figures of a day: by task, by mix, by who answered. Shares carry 95 % intervals and n."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.company import mixes, setting
from bench.company.books import FRONTIER, NOBODY, Entry, Line
from shortstop.evaluate.figures import Z95, wilson
from shortstop.ledger import price_sheet
from shortstop.types import Usage

Json = dict[str, Any]
LIMIT = 0.02
"""`contract.max_quality_loss` of the configuration: the default."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a day's figures are made of. `rest`: rows that nobody was answered with, by the kind of
    request that they cost for. `cheapest`: by application, the cheapest cloud model that was
    certified on the days before."""

    number: int
    at: float
    seconds: float
    lines: Sequence[Line]
    rest: Sequence[tuple[str, Entry]]
    cheapest: dict[str, str]


def share(hits: float, n: int) -> Json:
    """A share with Wilson's interval; null without rows."""
    if not n:
        return {"value": None, "low": 0.0, "high": 1.0, "n": 0}
    low, high = wilson(round(hits), n)
    return {"value": round(hits / n, 4), "low": round(low, 4), "high": round(high, 4), "n": n}


def mean(values: Sequence[float]) -> Json:
    """A mean with its normal interval; below 30 rows the interval is the whole range."""
    n = len(values)
    if not n:
        return {"value": None, "low": -1.0, "high": 1.0, "n": 0}
    middle = sum(values) / n
    spread = math.sqrt(sum((v - middle) ** 2 for v in values) / n / n)
    half = Z95 * spread if n >= 30 else 1.0
    return {
        "value": round(middle, 4),
        "low": round(max(-1.0, middle - half), 4),
        "high": round(min(1.0, middle + half), 4),
        "n": n,
    }


def quantiles(seconds: Sequence[float]) -> Json:
    """Milliseconds."""
    if not seconds:
        return {"n": 0}
    ordered = sorted(seconds)

    def at(q: float) -> float:
        return round(1e3 * ordered[min(len(ordered) - 1, int(q * len(ordered)))], 1)

    return {"n": len(ordered), "p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99)}


def loss(lines: Iterable[Line]) -> list[float]:
    """The frontier's grade minus ours against gold, of every answer that has a reference."""
    return [value for line in lines if (value := lost(line)) is not None]


def lost(line: Line) -> float | None:
    """None where nothing was answered or there is no reference."""
    if line.right is None or line.by == NOBODY:
        return None
    return float(bool(line.teacher_right)) - float(line.right)


def kept(bound: Json, limit: float) -> str:
    """Whether a measured loss is within what was promised."""
    if bound["value"] is None:
        return "unknown"
    if bound["high"] <= limit:
        return "shown"
    return "broken" if bound["low"] > limit else "not refuted"


# ---------------------------------------------------------------- money


def price(model: str, tokens: tuple[int, int], at: float) -> float:
    """US dollars at list price. Raises ValueError for a model without one."""
    found = price_sheet().find(None, model, at)
    if found is None:
        raise ValueError(f"{model} has no price.")
    cost = found.rates.cost(Usage(input=tokens[0], output=tokens[1]))
    assert cost is not None, "nothing was searched"
    return float(cost)


class PriceList:
    """Prices at one moment, looked up once: linear in both token classes."""

    def __init__(self, at: float) -> None:
        self._at = at
        self._rates: dict[str, tuple[float, float]] = {}

    def __call__(self, model: str, tokens: tuple[int, int]) -> float:
        if model not in self._rates:
            million = 1_000_000
            one = price(model, (million // 10, 0), self._at) * 10 / million
            two = price(model, (0, million // 10), self._at) * 10 / million
            self._rates[model] = (one, two)
        a, b = self._rates[model]
        return a * tokens[0] + b * tokens[1]


def certified(lines: Iterable[Line], models: Sequence[str]) -> dict[str, str]:
    """By application the cheapest of `models` (cheapest first) whose mean loss against the frontier
    on these lines is within the limit by its upper 95 % bound; applications without one are absent.
    """
    pairs: dict[tuple[str, str], list[float]] = defaultdict(list)
    for line in lines:
        for model, right in line.outcome.ask.rivals:
            pairs[line.outcome.ask.app, model].append(float(bool(line.teacher_right)) - right)
    out: dict[str, str] = {}
    for model in models:
        for app in {app for app, _ in pairs}:
            bound = mean(pairs.get((app, model), []))
            if app not in out and bound["n"] >= 30 and bound["high"] <= LIMIT:
                out[app] = model
    return out


# ---------------------------------------------------------------- figures


def day_figures(day: Day, scale: float, names: Sequence[str]) -> Json:
    """Everything about a day; `names` are the mixes that it is weighed to."""
    apps: dict[str, list[Line]] = defaultdict(list)
    for line in day.lines:
        apps[line.outcome.ask.app].append(line)
    return {
        "day": day.number,
        "requests": len(day.lines),
        "seconds": round(day.seconds, 1),
        "errors": sum(line.by == NOBODY for line in day.lines),
        "error_texts": dict(
            Counter(line.outcome.error[:90] for line in day.lines if line.outcome.error)
        ),
        "mixes": {name: mix_figures(day, name) for name in names},
        "tasks": {app: task_figures(lines, scale) for app, lines in sorted(apps.items())},
        "latency": _by(day.lines, lambda lines: latency(lines, scale)),
        "leaked": sum(line.outcome.ask.sensitive and line.by == FRONTIER for line in day.lines),
        "hard_escalated": share(
            sum(line.by == FRONTIER for line in day.lines if line.outcome.ask.kind == "hard"),
            sum(line.outcome.ask.kind == "hard" for line in day.lines),
        ),
        "unseen_runs": len(day.rest),
        "novelty": novelty_figures(day.lines),
    }


def _by(lines: Iterable[Line], figures: Callable[[list[Line]], Json]) -> Json:
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.by].append(line)
    return {by: figures(members) for by, members in sorted(groups.items()) if by != NOBODY}


def latency(lines: Sequence[Line], scale: float) -> Json:
    """By the client's stopwatch; the frontier's as if it had not been sped up."""
    slept = 1.0 - scale
    spent = [
        line.outcome.seconds + (slept * line.outcome.ask.seconds if line.by == FRONTIER else 0.0)
        for line in lines
    ]
    inside = [line.entry.seconds for line in lines if line.entry is not None]
    return {**quantiles(spent), "gateway": quantiles(inside)}


def task_figures(lines: Sequence[Line], scale: float) -> Json:
    """One application's day."""
    local = [line for line in lines if line.local]
    free = [line for line in local if not line.pinned]
    graded = [line for line in lines if line.right is not None]
    entries = [line.entry for line in lines if line.entry is not None]
    return {
        "kind": lines[0].outcome.ask.kind,
        "tasks": sorted({line.outcome.task for line in lines if line.outcome.task})[:3],
        "requests": len(lines),
        "answered_by": dict(Counter(line.by for line in lines)),
        "why": dict(Counter(line.outcome.why for line in lines).most_common(6)),
        "local": share(len(local), len(lines)),
        "local_unpinned": share(len(free), len(lines)),
        "pinned": share(sum(line.pinned for line in lines), len(lines)),
        "right": share(sum(bool(line.right) for line in graded), len(graded)),
        "frontier_right": share(sum(bool(line.teacher_right) for line in graded), len(graded)),
        "agree": share(sum(line.agrees for line in lines), len(lines)),
        "loss": mean(loss(lines)),
        "loss_unpinned": mean(loss(line for line in lines if not line.pinned)),
        "disagreement_unpinned": mean([float(not x.agrees) for x in lines if not x.pinned]),
        "local_right": _by(
            [line for line in local if line.right is not None],
            lambda members: share(sum(bool(x.right) for x in members), len(members)),
        ),
        "latency": _by(lines, lambda members: latency(members, scale)),
        "cost_usd": round(sum(e.cost for e in entries), 6),
        "all_llm_usd": round(sum(e.all_llm for e in entries), 6),
    }


def novelty_figures(lines: Sequence[Line]) -> Json:
    """What became of requests with something new about them."""
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.outcome.ask.novelty:
            groups[f"{line.outcome.ask.kind}: {line.outcome.ask.novelty}"].append(line)
    return {
        name: {
            "n": len(members),
            "local": sum(line.local for line in members),
            "local_wrong": sum(line.local and line.right is False for line in members),
        }
        for name, members in sorted(groups.items())
    }


def mix_figures(day: Day, mix: str) -> Json:
    """The day as if it had the mix's shares: every request and every run beside it counts by the
    weight of its kind. Money is about what was answered; errors count as wrong answers."""
    counts = Counter(line.outcome.ask.kind for line in day.lines)
    weight = mixes.weights(mix, counts)
    weighed = [(weight[line.outcome.ask.kind], line) for line in day.lines]
    beside = [(weight.get(kind, 0.0), entry) for kind, entry in day.rest]
    prices = PriceList(day.at)

    def stratified(value: Callable[[Line], float | None]) -> Json:
        return _stratified([(w, value(line), line.outcome.ask.kind) for w, line in weighed])

    rows = [(w, line.entry) for w, line in weighed if line.entry] + beside
    answered = [(w, line.outcome.ask) for w, line in weighed if line.by != NOBODY]
    all_llm = sum(w * prices(setting.FRONTIER, ask.tokens) for w, ask in answered)
    all_mini = sum(w * prices(setting.MINI, ask.tokens) for w, ask in answered)
    cloud = sum(
        w * prices(day.cheapest.get(ask.app, setting.FRONTIER), ask.tokens) for w, ask in answered
    )
    ours = sum(w * entry.cost for w, entry in rows)
    loss_free = stratified(lambda x: None if x.pinned else lost(x))
    return {
        "local": stratified(lambda x: float(x.local)),
        "local_unpinned": stratified(lambda x: float(x.local and not x.pinned)),
        "pinned": stratified(lambda x: float(x.pinned)),
        "right": stratified(lambda x: None if x.right is None else float(x.right)),
        "frontier_right": stratified(
            lambda x: None if x.right is None else float(bool(x.teacher_right))
        ),
        "loss_unpinned": loss_free,
        "contract": kept(loss_free, LIMIT),
        "agree": stratified(lambda x: float(x.agrees)),
        "cost_usd": round(ours, 6),
        "cost_unseen_usd": round(sum(w * entry.cost for w, entry in beside), 6),
        "all_llm_usd": round(all_llm, 6),
        "all_llm_books_usd": round(sum(w * e.all_llm for w, e in rows if not e.unseen), 6),
        "all_mini_usd": round(all_mini, 6),
        "certified_cloud_usd": round(cloud, 6),
        "saving": round(1 - ours / all_llm, 4) if all_llm else None,
        "times_all_mini": round(ours / all_mini, 2) if all_mini else None,
        "saving_against_certified_cloud": round(1 - ours / cloud, 4) if cloud else None,
        "energy": energy(rows),
    }


def _stratified(values: Sequence[tuple[float, float | None, str]]) -> Json:
    """A weighted mean over kinds with its normal interval."""
    kinds: dict[str, list[float]] = defaultdict(list)
    weights: dict[str, float] = defaultdict(float)
    for weight, value, kind in values:
        if value is not None and weight:
            kinds[kind].append(value)
            weights[kind] += weight
    total = sum(weights.values())
    if not total:
        return {"value": None, "low": -1.0, "high": 1.0, "n": 0}
    middle = variance = 0.0
    for kind, members in kinds.items():
        part, average = weights[kind] / total, sum(members) / len(members)
        spread = sum((v - average) ** 2 for v in members) / len(members)
        middle += part * average
        variance += part**2 * spread / len(members)
    half = Z95 * math.sqrt(variance)
    n = sum(map(len, kinds.values()))
    return {
        "value": round(middle, 4),
        "low": round(middle - half, 4),
        "high": round(middle + half, 4),
        "n": n,
    }


def energy(rows: Sequence[tuple[float, Entry]]) -> Json:
    """Joules with their bounds and what they rest on: ours, runs to learn included, and all-LLM."""

    def total(pick: Callable[[Entry], tuple[float, float, float]]) -> list[float]:
        return [round(sum(w * pick(e)[at] for w, e in rows), 1) for at in range(3)]

    return {
        "ours_joules": total(lambda e: e.joules),
        "all_llm_joules": total(lambda e: (0.0, 0.0, 0.0) if e.unseen else e.all_llm_joules),
        "basis": sorted({f"{e.basis[0]} / {e.basis[1]}" for _, e in rows}),
    }
