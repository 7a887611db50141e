"""What docs/tutorial.md needs of a company: traffic, a vendor that answers it, a program that asks.

    python -m scripts.tutorial traffic FOLDER    # log.jsonl, morning.jsonl, afternoon.jsonl, ...
    python -m scripts.tutorial ask FILE          # each line of FILE; who answered how many

The texts and their labels are open data (bench/data/README.md); the labels stand for the vendor's
answers, which `bench.company.frontier` gives from `records.jsonl`. The same bytes each time.
"""

from __future__ import annotations

import argparse
import json
import random
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.company.frontier import key_of

DATA = Path(__file__).parent.parent / "bench" / "data" / "company" / "skills.jsonl"
MODEL = "gpt-6.1-sol"
LOGGED, MORNING = 1060, 100
"""Requests of the log and of the next morning; what is left is the afternoon's."""
BEGAN = 1_795_000_000
"""Unix time; then one request a minute."""
URL = "http://127.0.0.1:8484/v1/chat/completions"
CONFIG = """\
data_dir = "."                        # everything of this tutorial in one folder

[models.small]
source = "builtin"

[upstreams.vendor]                    # whose answers the log holds
base_url = "http://127.0.0.1:8498"    # simulated, on this machine
api_key_env = "VENDOR_KEY"
teacher = true                        # its terms allow learning from its answers
models."gpt-6.1-sol" = {}
"""
Json = dict[str, Any]


def rows() -> list[Json]:
    """In an order in which each day has every kind of request."""
    with DATA.open(encoding="utf-8") as lines:
        found: list[Json] = [json.loads(line) for line in lines]
    random.Random(1).shuffle(found)
    return found


def request(system: str, row: Json, model: str = "auto") -> Json:
    asked = [{"role": "system", "content": system}, {"role": "user", "content": row["text"]}]
    return {"model": model, "messages": asked}


def pair(number: int, system: str, row: Json) -> Json:
    """A request and its answer, as OpenAI's API writes them."""
    said = {"role": "assistant", "content": row["label"]}
    response = {
        "object": "chat.completion",
        "created": BEGAN + 60 * number,
        "model": MODEL,
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 95, "completion_tokens": 4, "total_tokens": 99},
    }
    return {"request": request(system, row, MODEL), "response": response}


def record(system: str, row: Json) -> Json:
    """What the simulated vendor knows of a request."""
    told = {"id": row["id"], "key": key_of(system, row["text"]), "answer": row["label"]}
    return {**told, "text": "", "calls": False, "seconds": 0.5, "check": "", "gold": None}


def traffic(folder: Path) -> None:
    """Write everything that the tutorial reads."""
    folder.mkdir(parents=True, exist_ok=True)
    found = rows()
    labels = ", ".join(sorted({row["label"] for row in found}))
    system = f"What does the customer want? Answer with one of: {labels}."
    logged, asked = found[:LOGGED], [request(system, row) for row in found[LOGGED:]]
    _write(folder / "log.jsonl", (pair(n, system, row) for n, row in enumerate(logged)))
    _write(folder / "morning.jsonl", asked[:MORNING])
    _write(folder / "afternoon.jsonl", asked[MORNING:])
    _write(folder / "records.jsonl", (record(system, row) for row in found))
    (folder / "shortstop.toml").write_text(CONFIG, encoding="utf-8")


def _write(path: Path, lines: Iterable[Json]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def ask(file: Path, url: str = URL) -> Counter[str]:
    """Who answered how many of the requests in `file`, by the answers' `x-shortstop-target`."""
    answered: Counter[str] = Counter()
    for body in file.read_bytes().splitlines():
        asked = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            answer.read()
            answered[answer.headers["x-shortstop-target"]] += 1
    return answered


def main() -> None:
    parser = argparse.ArgumentParser(description="The company of docs/tutorial.md.")
    parser.add_argument("what", choices=("traffic", "ask"))
    parser.add_argument("path", type=Path)
    chosen = parser.parse_args()
    if chosen.what == "traffic":
        traffic(chosen.path)
        return
    for target, count in ask(chosen.path).most_common():
        print(f"{count:4} {target}")


if __name__ == "__main__":
    main()
