"""An adapter of the local model: how fast it trains, whether it is served as trained, how good.

    python -m bench.adapter [summaries|receipts] [--cpu] [--rows N] [--test N] [--epochs 1]
                            [--minutes 20] [--data DIR] [--json FILE]

Without `--cpu` a full epoch of all rows is trained on a CUDA device; where there is none it says so
and measures nothing. The trained adapter and, beside it, the plain model answer the test rows; the
adapter's threshold is found on rows of the training set that were held out. Needs the extra
[adapter] and `shortstop pull`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bench.company.score import rouge, rouge_l
from bench.learning.rows import OPEN_DATA, read
from shortstop import registry
from shortstop.app.adapted_engine import engine_under, started, written_by
from shortstop.app.adapter_bench import LocalBench
from shortstop.app.engines import backend_of
from shortstop.app.local_trial import local_model
from shortstop.config import load
from shortstop.flywheel.adapter.child import TrainingProcess
from shortstop.flywheel.adapter.messages import AdapterJob, TaughtAnswer
from shortstop.flywheel.adapter.parity import PROBES, Parity, parity
from shortstop.flywheel.adapter.trainer import MORE_TOKENS
from shortstop.flywheel.thresholds import threshold
from shortstop.flywheel.trainer import Written
from shortstop.routing import grade
from shortstop.specialists.opinion import NEVER
from shortstop.specialists.query import Query

TARGET = 0.95
HELD = 0.2
"""Share of the training rows that thresholds are found on."""
Right = Callable[[str, str], bool]


class Subject(NamedTuple):
    """Rows as (request, answer), and when an answer is right."""

    train: list[TaughtAnswer]
    test: list[TaughtAnswer]
    right: Right
    how: str


class Result(Struct):
    """What was measured. `served` and `right` are shares of the test rows."""

    subject: str
    trained: dict[str, Any]
    tokens_per_second: float
    parity: dict[str, float]
    base: dict[str, float]
    adapter: dict[str, float]
    threshold: float
    served: float
    right: float
    seconds_per_answer: float


def summaries(data: Path) -> Subject:
    rows = read(data, "summ_mts_dialog")
    pairs = {
        part: [
            TaughtAnswer(f"{row['section']}\n{row['dialogue']}", str(row["summary"]))
            for row in rows
            if row["split"] == part
        ]
        for part in ("train", "test")
    }
    return Subject(pairs["train"], pairs["test"], rouge, "ROUGE-L F1 of 0.3 or more")


def receipts(data: Path) -> Subject:
    rows = read(data, "extract_sroie")
    pairs = {
        part: [TaughtAnswer(str(r["text"]), str(r["target"])) for r in rows if r["split"] == part]
        for part in ("train", "test")
    }
    whole: Right = lambda answer, told: grade("json", answer, told) >= 1.0  # noqa: E731
    return Subject(pairs["train"], pairs["test"], whole, "all four fields right")


SUBJECTS: dict[str, Callable[[Path], Subject]] = {"summaries": summaries, "receipts": receipts}


def cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def figures(answers: Sequence[Written | None], rows: Sequence[TaughtAnswer], right: Right) -> Any:
    told = [one.answer if one else "" for one in answers]
    pairs = list(zip(told, (row.answer for row in rows), strict=True))
    n = max(len(rows), 1)
    return {
        "n": len(rows),
        "right": sum(right(a, b) for a, b in pairs) / n,
        "rouge_l": sum(rouge_l(a, b) for a, b in pairs) / n,
        "same": sum(grade(None, a, b) >= 1.0 for a, b in pairs) / n,
        "confidence": sum(one.confidence for one in answers if one) / n,
    }


def measured(name: str, subject: Subject, bench: LocalBench, epochs: float) -> Result:
    """Train, serve, compare. Raises NotLearned."""
    split = round(len(subject.train) * (1 - HELD))
    taught, held = subject.train[:split], subject.train[split:]
    job = AdapterJob(
        str(bench.model), str(bench.folder), taught, bench.seconds, epochs=epochs,
        threads=bench.threads,
    )  # fmt: skip
    with TrainingProcess(
        job, lambda step: show(f"step {step.step}/{step.steps} {step.loss:.3f}")
    ) as run:
        trained = run.train()
        show(f"trained: {trained}")
        weights = Path(trained.file).read_bytes()
        most = round(MORE_TOKENS * trained.answer_tokens)
        own = answered(bench, weights, held, most)
        like = compared(run, held, own)
        show(f"parity: {like}")
    least = threshold(
        [one.confidence if one else 0.0 for one in own],
        [judged(one, row, subject.right) for one, row in zip(own, held, strict=True)],
        TARGET,
    )
    began = time.monotonic()
    adapter = answered(bench, weights, subject.test, most)
    each = (time.monotonic() - began) / max(len(subject.test), 1)
    sure = [
        (one, row)
        for one, row in zip(adapter, subject.test, strict=True)
        if one and one.confidence >= least
    ]
    right = sum(subject.right(one.answer, row.answer) for one, row in sure)
    return Result(
        name,
        msgspec.to_builtins(trained),
        trained.tokens / max(trained.seconds, 1e-9),
        like._asdict(),
        figures(asyncio.run(plain(subject.test, most)), subject.test, subject.right),
        figures(adapter, subject.test, subject.right),
        least,
        len(sure) / max(len(subject.test), 1),
        right / max(len(sure), 1),
        each,
    )


def judged(one: Written | None, row: TaughtAnswer, right: Right) -> bool:
    return one is not None and right(one.answer, row.answer)


def answered(
    bench: LocalBench, weights: bytes, rows: Sequence[TaughtAnswer], most: int
) -> Sequence[Written | None]:
    return bench.write(weights, [Query(row.prompt) for row in rows], most)


async def plain(rows: Sequence[TaughtAnswer], most: int) -> list[Written | None]:
    """The model without an adapter, told what to do in a sentence."""
    config = load(None, os.environ)
    name = local_model(config, None)
    models = registry.open(registry.home(config.data_dir, os.environ))
    engine = await started(engine_under(name, config.models[name], models, config.engine, None, ()))
    try:
        asked = [Query(f"{PLAIN}\n\n{row.prompt}") for row in rows]
        return [await written_by(backend_of(engine), query, most) for query in asked]
    finally:
        await engine.close()


PLAIN = "Do with the following text what its kind asks for: sum it up, or copy its fields as JSON."


def compared(
    run: TrainingProcess, rows: Sequence[TaughtAnswer], own: Sequence[Written | None]
) -> Parity:
    probes = [(row, one) for row, one in zip(rows, own, strict=True) if one and one.confidence > 0]
    probes = probes[:PROBES]
    scored = run.score([TaughtAnswer(row.prompt, one.answer) for row, one in probes])
    return parity([one.confidence for _, one in probes], scored)


def show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.adapter", description=__doc__)
    parser.add_argument("subject", nargs="?", default="summaries", choices=SUBJECTS)
    parser.add_argument("--cpu", action="store_true", help="measure without a CUDA device")
    parser.add_argument("--rows", type=int, default=0, help="training rows; 0: all")
    parser.add_argument("--test", type=int, default=0, help="test rows; 0: all")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--data", type=Path, default=OPEN_DATA)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if not asked.cpu and not cuda():
        print("No CUDA device here: a full epoch of an adapter was not measured.")
        return
    subject = SUBJECTS[asked.subject](asked.data)
    subject = subject._replace(
        train=subject.train[: asked.rows or None], test=subject.test[: asked.test or None]
    )
    with tempfile.TemporaryDirectory() as folder:
        bench = LocalBench(load(None, os.environ), os.environ, Path(folder))
        bench.seconds = 60.0 * asked.minutes
        bench.require()
        result = measured(asked.subject, subject, bench, asked.epochs)
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    report(result, subject.how)


def report(result: Result, how: str) -> None:
    print(f"right: {how}")
    for name, value in msgspec.to_builtins(result).items():
        print(f"{name}: {value}")
    if result.threshold >= NEVER:
        print(f"At no threshold {TARGET:.0%} are right by the lower bound: the kind refuses it.")


if __name__ == "__main__":
    main()
