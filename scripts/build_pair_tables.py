"""Tables of graded pairs from ZeroEval's recorded answers, for `shortstop bench routing --data`.

    python -m scripts.build_pair_tables CLONE FOLDER

CLONE is a clone of github.com/WildEval/ZeroEval (its `result_dirs`: greedy answers of public models
with the reference beside them). One model is small, two others are its helpers, one is big. Half of
the questions, by the hash of their id, are for choosing; the other half is frozen: its two tables
are those of docs/routing.md.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

BENCHMARKS = ("gsm", "crux", "math-l5")
FOLDS = 5
_ANSWER = re.compile(r'"answer"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\n]+)')
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")

Record = dict[str, Any]


class Cast(NamedTuple):
    """Who plays whom; `half` of the questions, 0 or 1."""

    small: str
    helpers: tuple[str, ...]
    big: str
    half: int


FROZEN = {
    "frozen1": Cast(
        "Meta-Llama-3.1-8B-Instruct", ("gemma-2-9b-it", "Qwen2-7B-Instruct"), "gpt-4o-2024-08-06", 1
    ),
    "frozen2": Cast(
        "gemma-2-9b-it",
        ("Yi-1.5-9B-Chat", "Meta-Llama-3.1-8B-Instruct"),
        "claude-3-5-sonnet-20241022",
        1,
    ),
}


def main() -> None:
    clone, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, cast in FROZEN.items():
        rows = [row for bench in BENCHMARKS for row in rows_of(clone, bench, cast)]
        parquet.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
        sys.stdout.write(f"{name}: {len(rows)} rows\n")


def rows_of(clone: Path, bench: str, cast: Cast) -> Iterator[Record]:
    small, big = answers(clone, bench, cast.small), answers(clone, bench, cast.big)
    others = [answers(clone, bench, name) for name in cast.helpers]
    for id, record in small.items():
        number = int(hashlib.sha256(id.encode()).hexdigest(), 16)
        if number % 2 != cast.half or any(id not in one for one in (big, *others)):
            continue
        truth = str(record["answer"]).lstrip("# ") if bench == "gsm" else record["answer"]
        yield {
            "id": f"{bench}-{id}",
            "bench": bench,
            "domain": bench,
            "prompt": record.get("problem") or record.get("question"),
            "score_small": float(is_right(bench, record, truth)),
            "score_big": float(is_right(bench, big[id], truth)),
            "response_small": record["output"][0],
            **{f"response_other_{i}": one[id]["output"][0] for i, one in enumerate(others, 1)},
            "fold": number // 2 % FOLDS,
        }


def answers(clone: Path, bench: str, model: str) -> dict[str, Record]:
    """A model's records by question, as the newest commit has them."""
    place = f"HEAD:result_dirs/{bench}/{model}.json"
    shown = subprocess.run(["git", "-C", clone, "show", place], capture_output=True, check=True)
    return {str(r.get("id", r.get("session_id"))): r for r in json.loads(shown.stdout)}


def is_right(bench: str, record: Record, truth: Any) -> bool:
    """Whether the last "answer" in what was said is the reference."""
    said = _ANSWER.findall(record["output"][0])
    answer = said[-1].strip().strip('"').strip() if said else ""
    if not answer:
        return False
    if bench == "gsm":
        own, right = _number(answer), _number(str(truth))
        return own is not None and right is not None and abs(own - right) < 1e-4
    if bench == "crux":
        try:
            return bool(ast.literal_eval(answer) == ast.literal_eval(str(truth)))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return _plain(answer.replace('"', "'")) == _plain(str(truth).replace('"', "'"))
    plain = _plain(answer)
    numbers = re.fullmatch(r"-?[\d.,]+", plain) and _number(answer) == _number(str(truth))
    return plain == _plain(str(truth)) or bool(numbers)


def _number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    try:
        return float(found[-1].replace(",", "")) if found else None
    except ValueError:
        return None


def _plain(text: str) -> str:
    return re.sub(r"[\s$\\,]|\\text", "", text).strip(".").lower()


if __name__ == "__main__":
    main()
