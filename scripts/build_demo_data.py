"""Draw the demo's requests and the frontier's recorded answers from the open data.

    python -m scripts.build_demo_data ../shared/data

Writes bench/data/demo.jsonl, the same bytes each time. Where the data holds what a frontier model
really answered (GSM8K, by gpt-4-1106-preview) that text is used; elsewhere the frontier is a
*simulated teacher*: the reference answer, wrong in a seeded 7 % of the cases.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, Any]
OUT = Path(__file__).parent.parent / "bench" / "data" / "demo.jsonl"
SEED = 20261123
TEACHER_ERROR = 0.07
ALERT = "Reply with the label only."
RECEIPT_SCHEMA: Row = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("company", "date", "address", "total")},
    "required": ["company", "date", "address", "total"],
    "additionalProperties": False,
}


def rows(path: Path) -> list[Row]:
    table: list[Row] = pq.read_table(path).to_pylist()
    return table


def draw(found: list[Row], count: int, name: str) -> list[Row]:
    """The `count` rows whose ids hash lowest: stable when rows are added elsewhere."""
    return sorted(found, key=lambda r: hashlib.sha256(f"{name}{r['id']}".encode()).hexdigest())[
        :count
    ]


def request(task: str, id: str, system: str, user: str, **more: Any) -> Row:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return {"id": id, "task": task, "messages": messages, **more}


def wrong(chance: random.Random) -> bool:
    return chance.random() < TEACHER_ERROR


def departments(data: Path, chance: random.Random) -> Iterator[Row]:
    """CLINC150 by domain: which department a message is for."""
    found = [r for r in rows(data / "tasks/intent_clinc150.parquet") if r["split"] == "test"]
    names = sorted({r["domain"] for r in found} - {"oos"})
    system = (
        "You route messages of an assistant to the right skill. Skills: "
        + ", ".join(names)
        + f". {ALERT}"
    )
    for r in draw([r for r in found if r["domain"] != "oos"], 80, "departments"):
        said = (
            chance.choice([n for n in names if n != r["domain"]]) if wrong(chance) else r["domain"]
        )
        yield request(
            "skill-routing",
            r["id"],
            system,
            r["text"],
            gold=r["domain"],
            check="label",
            answer=said,
            max_tokens=12,
        )


def bank(data: Path, chance: random.Random) -> Iterator[Row]:
    """Banking77: one of 77 intents, all listed in the prompt."""
    found = rows(data / "tasks/intent_banking77.parquet")
    names = sorted({r["label"] for r in found})
    system = (
        "You classify messages of bank customers into exactly one intent. Intents:\n"
        + "\n".join(names)
        + f"\n{ALERT}"
    )
    for r in draw([r for r in found if r["split"] == "test"], 45, "bank"):
        said = chance.choice([n for n in names if n != r["label"]]) if wrong(chance) else r["label"]
        yield request(
            "bank-intent",
            r["id"],
            system,
            r["text"],
            gold=r["label"],
            check="label",
            answer=said,
            max_tokens=16,
        )


def receipts(data: Path, chance: random.Random) -> Iterator[Row]:
    """SROIE: four fields of a receipt as JSON."""
    found = [r for r in rows(data / "tasks/extract_sroie.parquet") if r["split"] == "test"]
    system = "Extract company, date, address and total from the receipt. Copy them as printed."
    schema = {"name": "receipt", "strict": True, "schema": RECEIPT_SCHEMA}
    for r in draw(found, 20, "receipts"):
        gold = json.loads(r["target"])
        said = {**gold, "total": "0.00"} if wrong(chance) else gold
        yield request(
            "receipt-fields",
            r["id"],
            system,
            r["text"][:1500],
            gold=gold,
            check="fields",
            answer=json.dumps(said),
            max_tokens=160,
            response_format={"type": "json_schema", "json_schema": schema},
        )


def faq(data: Path, chance: random.Random) -> Iterator[Row]:
    """US agencies' questions: answer from the passage that is given."""
    found = [r for r in rows(data / "tasks/faq_usgov_answers.parquet") if len(r["answer"]) < 500]
    system = "Answer the question with one sentence taken from the passage."
    for r in draw(found, 25, "faq"):
        sentences = re.split(r"(?<=[.!?])\s+", r["answer"].strip())
        said = sentences[-1] if wrong(chance) else sentences[0]
        yield request(
            "faq",
            r["id"],
            system,
            f"Passage: {r['answer']}\n\nQuestion: {r['question']}",
            gold=r["answer"],
            check="contained",
            answer=said,
            max_tokens=80,
        )


def tools(data: Path, chance: random.Random) -> Iterator[Row]:
    """BFCL simple: one function, one call."""
    found = [
        r
        for r in rows(data / "tasks/tools_bfcl.parquet")
        if r["category"] == "simple_python" and r["split"] == "test"
    ]
    for r in draw(found, 25, "tools"):
        functions = [_openai_function(f) for f in json.loads(r["tools"])]
        accepted = json.loads(r["accepted_calls"])[0]
        name, arguments = next(iter(accepted.items()))
        name = _plain(name)
        call = {k: v[0] for k, v in arguments.items() if v and v[0] != ""}
        if wrong(chance):
            call = {}
        question = json.loads(r["messages"])[0]["content"]
        yield request(
            "tool-call",
            r["id"],
            "Call the function that answers the user.",
            question,
            gold={name: arguments},
            check="call",
            answer="",
            max_tokens=160,
            answer_call={"name": name, "arguments": json.dumps(call)},
            tools=[{"type": "function", "function": f} for f in functions],
        )


def _openai_function(function: Row) -> Row:
    text = json.dumps(function["parameters"])
    for theirs, ours in (("dict", "object"), ("float", "number"), ("tuple", "array")):
        text = text.replace(f'"type": "{theirs}"', f'"type": "{ours}"')
    return {**function, "name": _plain(function["name"]), "parameters": json.loads(text)}


def _plain(name: str) -> str:
    """A function name as OpenAI's dialect allows it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def notes(data: Path, chance: random.Random) -> Iterator[Row]:
    """MTS-Dialog: a doctor's note of a short conversation."""
    found = [
        r
        for r in rows(data / "tasks/summ_mts_dialog.parquet")
        if r["split"] == "test" and len(r["dialogue"]) < 900
    ]
    system = "Summarise the conversation between doctor and patient as a short clinical note."
    for r in draw(found, 15, "notes"):
        yield request(
            "clinical-note",
            r["id"],
            system,
            r["dialogue"],
            gold=r["summary"],
            check="rouge",
            answer=r["summary"],
            max_tokens=80,
        )


def sums(data: Path, chance: random.Random) -> Iterator[Row]:
    """GSM8K with gpt-4's own recorded answers; rows that neither model got right have no gold."""
    found = [
        r
        for r in rows(data / "routing/routellm_pairs.parquet")
        if r["bench"] == "gsm8k"
        and not r["contaminated"]
        and max(r["score_small"], r["score_big"]) == 1
    ]
    system = "Solve the problem step by step and end with the number."
    for r in draw(found, 30, "sums"):
        right = r["response_big"] if r["score_big"] == 1 else r["response_small"]
        yield request(
            "maths",
            r["id"],
            system,
            r["prompt"].strip(),
            gold=_last_number(right),
            check="number",
            answer=r["response_big"].strip(),
            max_tokens=400,
        )


def _last_number(text: str) -> str:
    numbers: list[str] = re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)
    return numbers[-1].replace(",", "")


def sensitive(data: Path, chance: random.Random) -> Iterator[Row]:
    """Requests that must not leave: cards, accounts, keys, e-mail addresses. All synthetic."""
    lines = (data / "privacy/gateway_dev.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    found = [r for r in found if r["sensitive"] and r["lang"].startswith("en")]
    for r in draw(found, 25, "sensitive"):
        yield request(
            "sensitive",
            str(r["id"]),
            "You are the company's assistant.",
            r["text"][:800],
            gold=None,
            check="stays",
            answer="(this answer was never needed)",
            max_tokens=48,
        )


MAKERS: tuple[Callable[[Path, random.Random], Iterator[Row]], ...] = (
    departments,
    bank,
    receipts,
    faq,
    tools,
    notes,
    sums,
    sensitive,
)


def main(data: Path) -> None:
    made = [
        row for maker in MAKERS for row in maker(data, random.Random(f"{SEED}{maker.__name__}"))
    ]
    random.Random(SEED).shuffle(made)
    with OUT.open("w", encoding="utf-8") as out:
        for row in made:
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
    sys.stdout.write(f"{len(made)} requests, {OUT.stat().st_size:,} bytes -> {OUT.name}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
