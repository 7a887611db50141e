"""Calls of tools: the recurring-tools set, and BFCL's functions that were never called before.

`run(data, seeds)` gives the figures, `python -m bench.learning.tools [--data DIR] [--json FILE]`
prints them. DIR may hold `tools_bfcl.parquet` of its own and `tools_recurring.parquet` in the same
columns (`messages` with the system prompt, `tools`, `accepted_calls`, `split`, in order of time).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from shortstop import dialects, registry
from shortstop.cli.output import Grid, Terminal
from shortstop.evaluate.figures import wilson
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.examples import Example
from shortstop.flywheel.tools.chooser import train_chooser
from shortstop.flywheel.tools.trainer import ToolTrainer
from shortstop.flywheel.trainer import NotLearned, Recipe
from shortstop.routing import packaged
from shortstop.specialists.encoder import Encoder, SentenceEncoder
from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import query_of

RECURRING = Path(__file__).parents[1] / "data" / "recurring_tools"
OPEN_DATA = Path(__file__).parents[3] / "shared" / "data" / "tasks"
TARGET = 0.95
TYPES = {"dict": "object", "float": "number", "tuple": "array"}
"""BFCL's types as JSON Schema has them."""
MOST_SPELLINGS = 64

Call = dict[str, Any]


class Asked(NamedTuple):
    """A request; the spellings of its right calls, none where no call is right; its sort."""

    example: Example
    right: frozenset[str]
    sort: str


class Share(NamedTuple):
    """`hits` of `n`, summed over seeds; an issue's figures where there are some. With a `unit` it
    is the mean of n times."""

    what: str
    hits: float
    n: int
    seeds: int
    must: float | None = None
    aim: float | None = None
    unit: str = ""

    @property
    def value(self) -> float:
        return self.hits / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's, 95 %, of the cases of one seed: seeds share their test rows."""
        seeds = max(self.seeds, 1)
        return None if self.unit else wilson(self.hits / seeds, self.n / seeds)


def run(data: Path, seeds: Sequence[int]) -> list[Share]:
    """Thresholds come from train rows; the test is only counted on."""
    encoder = _encoder()
    own = data / "tools_recurring.parquet"
    sets = _by_offer(own) if own.is_file() else recurring()
    counts: Counter[str] = Counter()
    for seed in seeds:
        for train, test in sets:
            counts += _served(train, test, encoder, seed, "")
    shares = _recurring_shares(counts, len(seeds))
    functions = data / "tools_bfcl.parquet"
    return shares + (_functions(functions, encoder, seeds) if functions.is_file() else [])


def recurring() -> list[tuple[list[Asked], list[Asked]]]:
    """Train and test of each assistant."""
    offers = json.loads((RECURRING / "tools.json").read_text("utf-8"))
    parts: dict[str, tuple[list[Asked], list[Asked]]] = {name: ([], []) for name in offers}
    with gzip.open(RECURRING / "requests.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            offer = offers[row["assistant"]]
            day = datetime.fromtimestamp(row["at"], UTC).date().isoformat()
            messages = _messages(offer["system"].format(today=day), row["text"])
            sort = "new" if row["new_wording"] else "known"
            accepted = [
                {c["name"]: {k: [v] for k, v in c["arguments"].items()}} for c in row["calls"]
            ]
            asked = _asked(row["id"], row["at"], messages, offer["tools"], accepted, sort)
            parts[row["assistant"]][row["split"] == "test"].append(asked)
    return list(parts.values())


def _messages(system: str, text: str) -> list[Call]:
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def _by_offer(file: Path) -> list[tuple[list[Asked], list[Asked]]]:
    """Requests with the same tools are one task."""
    parts: dict[str, tuple[list[Asked], list[Asked]]] = {}
    for row, asked in _read(file):
        part = parts.setdefault(row["tools"], ([], []))
        part[row["split"] == "test"].append(asked)
    return list(parts.values())


def _read(file: Path) -> Iterator[tuple[Call, Asked]]:
    import pyarrow.parquet as pq

    for number, row in enumerate(pq.read_table(file).to_pylist()):
        yield (
            row,
            _asked(
                str(row["id"]),
                float(number),
                json.loads(row["messages"]),
                json.loads(row["tools"]),
                json.loads(row["accepted_calls"] or "[]"),
                row["category"],
            ),
        )


def _asked(
    id: str, at: float, messages: list[Call], tools: list[Call], accepted: list[Call], sort: str
) -> Asked:
    offered = [{"type": "function", "function": _plain(tool)} for tool in tools]
    body = {"model": "auto", "messages": messages, "tools": offered}
    query = query_of(dialects.get("openai.chat").decode_request(body, id))
    assert query is not None, f"{id} is no request in words"
    ways = [list(_ways(name, args)) for call in accepted for name, args in call.items()]
    calls = tuple(way[0] for way in ways)
    right = frozenset(spelled(way) for way in product(*ways)) if len(ways) == 1 else frozenset()
    answer = spelled(calls) if calls else "In words."
    return Asked(
        Example(id, at, "acme", "tools", query, answer, "teacher", calls=calls), right, sort
    )


def _ways(name: str, arguments: Call) -> Iterator[Invocation]:
    """The calls that are accepted: each argument has one of its values, "" means left out."""
    choices = [[(key, value) for value in values] for key, values in arguments.items()]
    for number, chosen in enumerate(product(*choices)):
        if number == MOST_SPELLINGS:
            return
        yield Invocation(name, json.dumps({k: v for k, v in chosen if v != ""}))


def _plain(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_plain(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    kept = {key: value for key, value in tree.items() if (key, value) != ("type", "any")}
    return {
        k: TYPES.get(v, v) if k == "type" and isinstance(v, str) else _plain(v)
        for k, v in kept.items()
    }


def _served(
    train: list[Asked], test: list[Asked], encoder: Encoder, seed: int, prefix: str
) -> Counter[str]:
    counts: Counter[str] = Counter()
    opinions: list[Opinion | None] = [None] * len(test)
    try:
        recipe = Recipe(TARGET, encoder, now=0.0, seed=seed)
        made = ToolTrainer().train([one.example for one in train], recipe)
        gate = calibrated(made, lambda answer, row: float(answer == row.answer), TARGET)
        started = process_time()
        found = made.specialist.opine([one.example.query for one in test])
        counts[prefix + "microseconds"] += round(1e6 * (process_time() - started))
        opinions = [o if o is not None and gate.serves(o) else None for o in found]
    except NotLearned as error:
        print(error.message)
    for one, opinion in zip(test, opinions, strict=True):
        kind = "call" if one.example.calls else "none"
        for name in (kind, f"{kind} {one.sort}"):
            counts[prefix + name] += 1
            counts[f"{prefix}{name} served"] += opinion is not None
            counts[f"{prefix}{name} right"] += opinion is not None and opinion.answer in one.right
    return counts


def _recurring_shares(counts: Counter[str], seeds: int) -> list[Share]:
    def of(
        what: str, hits: str, n: str, must: float | None = None, aim: float | None = None
    ) -> Share:
        return Share(f"recurring: {what}", counts[hits], counts[n], seeds, must, aim)

    rows = counts["call"] + counts["none"]
    return [
        of("calls served", "call served", "call", 0.5, 0.7),
        of("served calls right", "call right", "call served", 0.95, 0.97),
        of("known wording: served", "call known served", "call known"),
        of("known wording: right", "call known right", "call known served"),
        of("new wording: served", "call new served", "call new"),
        of("new wording: right", "call new right", "call new served"),
        of("irrelevant requests that got a call", "none served", "none"),
        Share("recurring: CPU of a request", counts["microseconds"] / 1000, rows, seeds, unit="ms"),
    ]


def _functions(file: Path, encoder: Encoder, seeds: Sequence[int]) -> list[Share]:
    train: list[Asked] = []
    test: list[Asked] = []
    for row, asked in _read(file):
        (test if row["split"] == "test" else train).append(asked)
    examples = [one.example for one in train]
    units = encoder.encode([one.query.text for one in examples])
    asked_units = encoder.encode([one.example.query.text for one in test])
    counts: Counter[str] = Counter()
    for seed in seeds:
        chooser = train_chooser(examples, units, encoder, seed)
        for one, unit in zip(test, asked_units, strict=True):
            chosen = chooser.choose(one.example.query, unit)
            likeliest = chooser.likeliest(one.example.query, unit)
            right = {call.name for call in one.example.calls}
            counts[f"{one.sort} rows"] += 1
            counts["calls"] += bool(right)
            counts["right"] += likeliest in right
            counts[f"{one.sort} right"] += likeliest in right
            counts["no call"] += not right and not chosen.tool
            counts["kept"] += bool(right) and bool(chosen.tool)
        counts += _served(train, test, encoder, seed, "bfcl ")
    n = len(seeds)
    return [
        Share(
            "bfcl: right tool, all rows with calls", counts["right"], counts["calls"], n, 0.95, 0.98
        ),
        *(
            Share(f"bfcl: right tool, {s}", counts[f"{s} right"], counts[f"{s} rows"], n)
            for s in ("multiple", "parallel_multiple")
        ),
        Share(
            "bfcl: irrelevant, no call chosen",
            counts["no call"],
            counts["irrelevance rows"],
            n,
            0.94,
            0.97,
        ),
        Share("bfcl: rows with calls that keep one", counts["kept"], counts["calls"], n),
        Share("bfcl: calls served", counts["bfcl call served"], counts["bfcl call"], n),
        Share(
            "bfcl: served calls right",
            counts["bfcl call right"],
            counts["bfcl call served"],
            n,
            0.9,
            0.95,
        ),
        Share(
            "bfcl: irrelevant rows served a call",
            counts["bfcl none served"],
            counts["bfcl none"],
            n,
        ),
    ]


class _Kept:
    """Reads each text once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._units: dict[str, Any] = {}

    def encode(self, texts: Sequence[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in self._units]
        if new:
            self._units.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._units[text] for text in texts])


def _encoder() -> Encoder:
    vocabulary, _, _ = packaged().embedder.parts()
    file = registry.encoder_file(registry.home(None, os.environ))
    return _Kept(SentenceEncoder(file, vocabulary))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=OPEN_DATA)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    shares = run(asked.data, range(asked.seeds))
    table = Grid()
    table.columns("figure", "value", "95 %", "n", "must / aim", right=("value", "n"))
    for one in shares:
        interval = one.interval
        table.row(
            one.what,
            f"{one.value:.1f} {one.unit}" if one.unit else f"{one.value:.1%}",
            "" if interval is None else "{:.1%}-{:.1%}".format(*interval),
            str(one.n // max(one.seeds, 1)),
            f"{one.must:.0%} / {one.aim:.0%}" if one.must and one.aim else "",
        )
    Terminal(width=110).table(table)
    if asked.json:
        rows = [one._asdict() | {"value": one.value, "interval": one.interval} for one in shares]
        asked.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
