"""How purely tasks are told apart in mixed traffic, with templates and without.

    python -m bench.mining [--data ../shared/data/tasks] [--rows 400] [--json]

The open task sets are mixed, as many rows of each as `--rows`. With templates each set has a system
prompt in which a date and a number vary; without, requests are bare. Purity: the share of requests
whose group consists mostly of their own set (or kind of set).
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from shortstop.flywheel.encoding import StaticTextEncoder
from shortstop.flywheel.examples import Example
from shortstop.flywheel.mine.jobs import jobs_in
from shortstop.routing import packaged
from shortstop.routing.task import template
from shortstop.specialists.invocation import Invocation
from shortstop.specialists.query import Query
from shortstop.types import Message, Request, Text

KINDS = {
    "intent_banking77": "intent", "intent_clinc150": "intent", "faq_hint3": "faq",
    "faq_usgov_answers": "faq", "extract_sroie": "extract", "tools_bfcl": "tools",
    "summ_mts_dialog": "summary", "hard_frontier": "hard",
}  # fmt: skip


def example(source: str, number: int, row: dict[str, Any]) -> Example:
    """A row as the frontier would have answered it."""
    calls: tuple[Invocation, ...] = ()
    if source == "tools_bfcl":
        text = json.loads(row["messages"])[-1]["content"]
        calls = tuple(
            Invocation(name, "{}") for call in json.loads(row["accepted_calls"]) for name in call
        )
        answer = "" if calls else "None of these functions can do that, so I cannot help you there."
    elif source == "extract_sroie":
        text, answer = row["text"], row["target"]
    elif source == "summ_mts_dialog":
        text, answer = row["dialogue"], row["summary"]
    elif source == "faq_usgov_answers":
        text, answer = row["question"], row["answer"]
    elif source == "hard_frontier":
        text, answer = (
            row["prompt"],
            " ".join(json.loads(row["answer"] or "[]")) or "It depends. " * 20,
        )
    else:
        text, answer = row["text"], str(row.get("label") or row.get("answer_id"))
    return Example(
        f"{source}-{number}", float(number), "t", "open", Query(text), answer, "big", calls=calls
    )


def mixed(data: Path, rows: int, seed: int) -> list[Example]:
    draws, out = random.Random(seed), []
    for source in KINDS:
        table = pq.read_table(data / f"{source}.parquet").to_pylist()
        draws.shuffle(table)
        out += [example(source, number, row) for number, row in enumerate(table[:rows])]
    draws.shuffle(out)
    return out


def purity(groups: list[list[str]]) -> float:
    """The share that is of its group's most frequent kind."""
    whole = sum(map(len, groups))
    return sum(Counter(group).most_common(1)[0][1] for group in groups) / whole


def source_of(one: Example) -> str:
    return one.id.rpartition("-")[0]


def with_templates(examples: list[Example], draws: random.Random) -> list[list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for one in examples:
        source = source_of(one)
        system = (
            f"You do {source.replace('_', ' ')} for us. Today is 2026-{draws.randint(1, 12):02}-"
            f"{draws.randint(1, 28):02}, case {draws.randint(1, 99999)}."
        )
        messages = Message("system", (Text(system),)), Message("user", (Text(one.query.text),))
        groups[template(Request(one.id, "openai.chat", {}, "auto", messages))].append(source)
    return list(groups.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tasks"))
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    encoder = StaticTextEncoder(packaged().embedder)
    figures = []
    for seed in range(3):
        examples = mixed(asked.data, asked.rows, seed)
        keyed = with_templates(examples, random.Random(seed))
        jobs = jobs_in(examples, encoder, seed)
        bare = [[source_of(examples[row]) for row in job.rows] for job in jobs]
        kinds = [[KINDS[source] for source in group] for group in bare]
        figures.append(
            {
                "seed": seed, "requests": len(examples), "templates": len(keyed),
                "purity_with_templates": purity(keyed), "groups": len(bare),
                "purity_without_by_set": purity(bare), "purity_without_by_kind": purity(kinds),
            }
        )  # fmt: skip
    if asked.json:
        print(json.dumps(figures, indent=2))
        return
    for one in figures:
        print(", ".join(f"{key} {value:.3g}" for key, value in one.items()))


if __name__ == "__main__":
    main()
