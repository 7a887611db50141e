"""A tiny company: a few items of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def labels() -> list[Row]:
    """Eight labels, 20 texts each; a quarter is kept for the last days."""
    return [
        {
            "id": f"l{n}-{k}",
            "text": f"please help me with topic{n} today case {k} of {n}",
            "label": f"topic_{n}",
            "split": "test" if k % 4 == 0 else "train",
        }
        for n in range(8)
        for k in range(20)
    ]


def receipts() -> list[Row]:
    """Eight shops, five receipts each."""
    return [
        {
            "id": f"r{n}-{k}",
            "text": f"{shop}\nDate 0{k + 1}/02/2026\nTotal 1{n}.{k}0\nThank you",
            "target": json.dumps({"shop": shop, "total": f"1{n}.{k}0"}),
        }
        for n, shop in enumerate(f"Shop {letter} Limited" for letter in "abcdefgh")
        for k in range(5)
    ]


def questions() -> list[Row]:
    """Two bots; every fifth question has no answer."""
    return [
        {
            "id": f"{bot}{k}",
            "bot": bot,
            "text": f"question {k} about thing {k % 4} for {bot}",
            "answer_id": f"ANSWER_{k % 4}",
            "in_scope": k % 5 != 0,
            "split": "test" if k % 3 == 0 else "train",
        }
        for bot in ("one", "two")
        for k in range(30)
    ]


def tools() -> list[Row]:
    """One function with an optional argument; the last row wants none."""
    function = {
        "name": "math.add",
        "description": "Adds.",
        "parameters": {
            "type": "dict",
            "properties": {"a": {"type": "integer"}, "unit": {"type": "string"}},
            "required": ["a"],
        },
    }
    rows = [
        {
            "id": f"t{k}",
            "messages": json.dumps([{"role": "user", "content": f"add {k} please"}]),
            "tools": json.dumps([function]),
            "accepted_calls": json.dumps([{"math.add": {"a": [k], "unit": ["", "m"]}}]),
        }
        for k in range(6)
    ]
    return [*rows, {**rows[0], "id": "none", "messages": rows[1]["messages"].replace("add", "sing"),
                    "accepted_calls": "[]"}]  # fmt: skip


def others() -> dict[str, list[Row]]:
    """The kinds that need no more than a few rows."""
    return {
        "bank": [{"question": f"what is {k}", "answer": f"it is {k}"} for k in range(4)],
        "talks": [{"dialogue": f"Hello {k}", "summary": f"hello {k} was said"} for k in range(4)],
        "puzzles": [{"prompt": f"prove {k}", "answer": f'["{k}"]'} for k in range(4)],
        "secrets": [{"text": f"text {k}", "sensitive": k % 2} for k in range(6)],
        "strange": [{"colour": "red"}],
    }


def everything() -> dict[str, list[Row]]:
    """File name -> rows."""
    few = {
        name: [{"id": f"{name}{k}", **row} for k, row in enumerate(rows)]
        for name, rows in others().items()
    }
    return {
        "some_labels": labels(),
        "some_receipts": receipts(),
        "some_questions": questions(),
        "some_tools": tools(),
        **few,
    }


def written(folder: Path) -> Path:
    """The company's data as files."""
    for name, rows in everything().items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder
