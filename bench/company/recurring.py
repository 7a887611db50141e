"""The recurring-tools set (bench/data/recurring_tools) as a company's requests: each assistant is a
source of its own, its later part is kept for the last days. Its system prompt says which day it
is, without which nobody could tell what "on Friday" means."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.company.sources import Item, Source
from bench.processes import ROOT

FOLDER = ROOT / "bench" / "data" / "recurring_tools"
Json = dict[str, Any]


def recurring(folder: Path = FOLDER) -> list[Source]:
    """Raises OSError."""
    offers = json.loads((folder / "tools.json").read_text("utf-8"))
    found: dict[str, list[Item]] = {name: [] for name in offers}
    with gzip.open(folder / "requests.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            offer = offers[row["assistant"]]
            tools, day = (
                json.dumps(offer["tools"], sort_keys=True),
                datetime.fromtimestamp(row["at"], UTC),
            )
            system = offer["system"].format(today=day.date().isoformat())
            found[row["assistant"]].append(_item(row, tools, system))
    return [Source(f"tools-{name}", "tools", tuple(items)) for name, items in found.items()]


def _item(row: Json, tools: str, system: str) -> Item:
    calls = [
        {call["name"]: {name: [value] for name, value in call["arguments"].items()}}
        for call in row["calls"]
    ]
    late = row["split"] == "test"
    return Item(
        row["id"], row["text"], calls, late, in_scope=bool(calls), tools=tools, system=system
    )
