"""Files into calls: in every packing, halves joined, nothing lost silently."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from shortstop.backtest.problems import Problems
from shortstop.backtest.reading import LoggedCall, calls, estimate
from tests.backtest.logs import row

ROWS = [row(n, f"text {n}", "card") for n in range(20)]


def read(*files: Path) -> tuple[list[LoggedCall], dict[str, list[int]]]:
    problems = Problems()
    found = list(calls(files, problems, lambda size: None))
    return found, {p.kind: [one.line for one in p.first] for p in problems.all()}


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


@pytest.mark.parametrize(
    "data",
    [
        lines(*ROWS), gzip.compress(lines(*ROWS)), lines(*ROWS).decode().encode("utf-16"),
        json.dumps(ROWS).encode(), json.dumps(ROWS, indent=2).encode("utf-8-sig"),
        b"\n\n" + lines(*ROWS),
    ],
    ids=["lines", "gzip", "utf-16", "array", "pretty", "blank"],
)  # fmt: skip
def test_every_packing(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "log"
    file.write_bytes(data)
    found, problems = read(file)
    assert [call.line.body["messages"][-1]["content"] for call in found if call.line.body] == [
        f"text {n}" for n in range(20)
    ]
    assert problems == {}


def test_what_is_wrong_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "log"
    bad = b'{"half": \n' + lines({"hello": 1}, {"url": "/v1/embeddings", "body": {}})
    file.write_bytes(lines(ROWS[0]) + bad + lines(ROWS[1]))
    found, problems = read(file)
    assert [call.number for call in found] == [1, 5]
    assert problems == {"not-readable": [2, 3], "no-model-call": [4]}


def test_a_file_that_breaks_off_gives_what_it_has(tmp_path: Path) -> None:
    file = tmp_path / "log.gz"
    many = [row(n, f"text {n} {n * n}", "card") for n in range(3000)]
    file.write_bytes(gzip.compress(lines(*many))[:-2000])
    found, problems = read(file)
    assert len(found) > 100
    assert problems["file-breaks-off"] == [len(found) + 1]


def test_a_batch_and_its_answers_are_joined(tmp_path: Path) -> None:
    asked, told = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    asked.write_bytes(
        lines(*({"custom_id": str(n), "body": r["request"]} for n, r in enumerate(ROWS)))
    )
    answers = [
        {"custom_id": str(n), "response": {"status_code": 200, "body": r["response"]}}
        for n, r in reversed(list(enumerate(ROWS)))
    ]
    told.write_bytes(lines(*answers[:-1]))
    found, _ = read(asked, told)
    whole = [call for call in found if call.line.body and call.line.answer]
    assert (len(found), len(whole)) == (20, 19)
    assert all(call.line.usage for call in whole)


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "activity.csv"
    file.write_text(
        "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug\n"
        'gen-1,2026-09-21 14:13:20,0.01,100,5,"openai/gpt\n-x"\ngen-2,2026-09-22,0.02,10,5,m\n'
    )
    found, problems = read(file)
    assert [(c.number, str(c.line.cost)) for c in found] == [(3, "0.01"), (4, "0.02")]
    assert problems == {}


def test_an_array_that_breaks_in_the_middle_loses_one_element(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    parts = [json.dumps(one) for one in ROWS[:6]]
    parts[3] = '{"request": nothing}'
    file.write_text("[\n" + ",\n".join(parts) + "\n]\n")
    found, problems = read(file)
    assert len(found) == 5
    assert problems == {"not-readable": [4]}


def test_the_estimate_is_about_right(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(lines(*(row(n, f"text {n:06}", "card") for n in range(3000))))
    told = estimate([file], 0.001)
    assert told.rows == pytest.approx(3000, rel=0.02)
    assert told.forms == {"pairs": 500}
    assert told.seconds == pytest.approx(3.0, rel=0.02)
