"""What privacy finds in texts that none of its rules' authors has seen.

    python -m bench.unseen [--folder FOLDER] [--json] [--misses FILE]

The texts are frozen (`tests/privacy/unseen/README.md`): 1,200 sensitive ones by class, 320 harmless
ones; `tests/privacy/unseen2` is a second set. A sensitive text counts as found when it is pinned
(tier S2 or S3; health and secrets S3), a harmless one as wrongly pinned when it is not allowed to
leave.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.processes import ROOT
from shortstop.app.bodies import body_format
from shortstop.config import PrivacyConfig
from shortstop.evaluate.figures import wilson
from shortstop.evaluate.privacy.detection import chat_request
from shortstop.privacy import ephemeral_guard
from shortstop.types import Caller, Clearance, Reach, Tier

FOLDER = ROOT / "tests" / "privacy" / "unseen"
LEAST = {"SECRET": Tier.S3, "HEALTH": Tier.S3}
"""The least tier of a class; others are S2."""

Row = dict[str, Any]


def rows(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def judge(data: list[Row]) -> list[tuple[Row, Clearance]]:
    guard = ephemeral_guard(PrivacyConfig(timeout=60), body_format())
    return [(row, guard.clear(chat_request(row["text"]), Caller())) for row in data]


def wrong(row: Row, clearance: Clearance) -> bool:
    if row["sensitive"]:
        return clearance.tier < LEAST.get(row["cls"], Tier.S2)
    return clearance.reach > Reach.ANYWHERE


def figures(judged: list[tuple[Row, Clearance]]) -> dict[str, dict[str, float]]:
    """By class: n, the share that was judged right (wrongly pinned for harmless), its interval."""
    outcomes = defaultdict(list)
    for row, clearance in judged:
        outcomes[row.get("cls", "harmless, wrongly pinned")].append(wrong(row, clearance))
    result = {}
    for name, bad in outcomes.items():
        hits = sum(bad) if name.startswith("harmless") else len(bad) - sum(bad)
        low, high = wilson(hits, len(bad))
        result[name] = {"n": len(bad), "share": hits / len(bad), "low": low, "high": high}
    return result


def show(result: dict[str, dict[str, float]]) -> None:
    table = Table(title="Texts that no rule has seen")
    for column in ("class", "n", "share", "95 %"):
        table.add_column(column)
    for name, figure in sorted(result.items()):
        interval = f"{figure['low']:.1%} to {figure['high']:.1%}"
        table.add_row(name, f"{figure['n']:g}", f"{figure['share']:.1%}", interval)
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description="Privacy on texts that no rule has seen.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the set to measure on")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--misses", type=Path, help="write the ids that were judged wrongly")
    args = parser.parse_args()
    judged = judge([*rows(args.folder / "sensitive.jsonl"), *rows(args.folder / "business.jsonl")])
    result = figures(judged)
    if args.misses:
        ids = [f"{row['id']}\n" for row, clearance in judged if wrong(row, clearance)]
        args.misses.write_text("".join(ids), encoding="utf-8")
    if args.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)


if __name__ == "__main__":
    main()
