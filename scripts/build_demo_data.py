"""Draw the demo's small company from the open data: `python -m scripts.build_demo_data [FOLDER]`.

Writes bench/data/company/*.jsonl, the same bytes each time, in the columns that the company day
knows its kinds by. What is drawn is what hashes lowest, so rows stay when others are added.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, Any]
OUT = Path(__file__).parent.parent / "bench" / "data" / "company"
LABELS, TRAIN, TEST = 12, 75, 30
"""Labels of an intent set, and at most so many texts of each: of the training and the test part."""
HARD, TEXTS = 30, 40


def rows(path: Path) -> list[Row]:
    table: list[Row] = pq.read_table(path).to_pylist()
    return table


def draw(found: list[Row], count: int, name: str) -> list[Row]:
    """The `count` rows whose ids hash lowest."""

    def place(row: Row) -> str:
        return hashlib.sha256(f"{name}{row['id']}".encode()).hexdigest()

    return sorted(found, key=place)[:count]


def intents(data: Path, name: str) -> Iterator[Row]:
    """A dozen labels of an intent set, texts of both parts."""
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows(data / f"tasks/{name}.parquet"):
        if row["label"] != "oos" and row["split"] != "val":
            by_label[row["label"]].append(row)
    labels = draw([{"id": label} for label in by_label], LABELS, name)
    for label in sorted(one["id"] for one in labels):
        for split, count in (("train", TRAIN), ("test", TEST)):
            part = [row for row in by_label[label] if row["split"] == split]
            for row in draw(part, count, name):
                yield {key: row[key] for key in ("id", "text", "label", "split")}


def hard(data: Path) -> Iterator[Row]:
    """Open questions that nobody small answers well."""
    found = [r for r in rows(data / "tasks/hard_frontier.parquet") if r["kind"] == "open_ended"]
    for row in draw([r for r in found if len(r["prompt"]) < 500], HARD, "hard"):
        yield {key: row[key] for key in ("id", "prompt", "topic")}


def assistant(data: Path) -> Iterator[Row]:
    """Synthetic texts, half of them sensitive: no real person or live secret."""
    lines = (data / "privacy/gateway_dev.jsonl").read_text(encoding="utf-8").splitlines()
    found = [row for row in map(json.loads, lines) if row["lang"].startswith("en")]
    for sensitive in (0, 1):
        part = [r for r in found if r["sensitive"] == sensitive and len(r["text"]) < 300]
        for row in draw(part, TEXTS // 2, "assistant"):
            yield {key: row[key] for key in ("id", "text", "sensitive")}


def main(data: Path) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    made = {
        "bank_messages": intents(data, "intent_banking77"),
        "skills": intents(data, "intent_clinc150"),
        "open_questions": hard(data),
        "assistant": assistant(data),
    }
    for name, found in made.items():
        lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in found]
        file = OUT / f"{name}.jsonl"
        file.write_text("".join(lines), encoding="utf-8")
        sys.stdout.write(f"{len(lines)} rows, {file.stat().st_size:,} bytes -> {file.name}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
