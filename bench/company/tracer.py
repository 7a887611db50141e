"""TRACER and Shortstop on the label tasks, from the same traces: `make bench-tracer`.

Both learn from the same simulated teacher's answers to the same texts (no gold) and the same
sentence embeddings (MiniLM int8), and are asked the same later texts. For each of TRACER's targets:
the share of texts that it answers and how many of those are wrong against gold, and the share that
our specialist answers at the same measured error. Its own threshold's share stands beside it: ours
is read off the curve of the test, TRACER's is not, so only that one is what would be served.
TRACER runs in `var/tracer` (MIT, version and hashes in bench/peers/tracer.txt), lightweight models,
as its default is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.company.apps import App, applications
from bench.company.sources import Item, read
from bench.company.teacher import Policy, Teacher
from bench.processes import ROOT
from shortstop import registry
from shortstop.errors import ShortstopError
from shortstop.evaluate.figures import wilson
from shortstop.flywheel.examples import Example
from shortstop.flywheel.head.trainer import HeadTrainer
from shortstop.flywheel.learn import learn
from shortstop.flywheel.trainer import Recipe
from shortstop.routing import packaged
from shortstop.specialists.encoder import SentenceEncoder
from shortstop.specialists.query import Query

PYTHON = ROOT / "var" / "tracer" / "bin" / "python"
SCRIPT = ROOT / "bench" / "peers" / "tracer_child.py"
TARGETS = (0.85, 0.9, 0.95)
"""TRACER's own frontier of agreement with the teacher."""
OURS = 0.95
Json = dict[str, Any]


class Answered(NamedTuple):
    """Of `n` texts the share that was answered, and the share of those that was wrong."""

    n: int
    served: float
    wrong: float


class Ranked(NamedTuple):
    """Our opinions about the test, surest first: whether each is wrong."""

    n: int
    wrong: list[bool]

    def at(self, error: float) -> float:
        """The largest share that can be answered with at most this share of errors among it."""
        errors = np.cumsum(self.wrong)
        counts = np.arange(1, len(errors) + 1)
        within = np.flatnonzero(errors <= error * counts)
        return float((within[-1] + 1) / self.n) if len(within) else 0.0


def compare(app: App, traces: int, error: float, seed: int, encoder: SentenceEncoder) -> Json:
    """One application: both sides' figures."""
    teacher = Teacher([app], Policy(99), error, seed)
    order = np.random.default_rng(seed).permutation(len(app.items))
    items = [app.items[at] for at in order]
    train = [item for item in items if not item.late][:traces]
    test = [item for item in items if item.late]
    said = [teacher.answer(app, item, 1) for item in train]
    ours, ranked = _ours(app, train, said, test, encoder, seed)
    return {
        "task": app.name,
        "traces": len(train),
        "seed": seed,
        "ours": None if ours is None else ours._asdict(),
        "tracer": [beside(one, ranked) for one in _tracer(app, train, said, test, encoder)],
    }


def beside(theirs: tuple[float, str, Answered | None], ranked: Ranked) -> Json:
    target, method, answered = theirs
    if answered is None:
        return {"target": target, "refused": True}
    equal = ranked.at(answered.wrong)
    return {
        "target": target,
        "method": method,
        **answered._asdict(),
        "ours_at_equal_error": round(equal, 4),
        "ratio": round(equal / answered.served, 3) if answered.served else None,
    }


def answered_of(labels: Sequence[str | None], test: Sequence[Item]) -> Answered:
    right = [label == item.gold for label, item in zip(labels, test, strict=True) if label]
    wrong = 1 - sum(right) / len(right) if right else 0.0
    return Answered(len(test), round(len(right) / len(test), 4), round(wrong, 4))


def _ours(
    app: App,
    train: Sequence[Item],
    said: Sequence[str],
    test: Sequence[Item],
    encoder: SentenceEncoder,
    seed: int,
) -> tuple[Answered | None, Ranked]:
    """What our gate serves, or None where learning refuses, and our whole curve."""
    examples = [
        Example(f"{n:06}", float(n), "bench", app.name, Query(item.text), answer, "teacher")
        for n, (item, answer) in enumerate(zip(train, said, strict=True))
    ]
    recipe = Recipe(OURS, encoder, now=float(len(train)), seed=seed)
    trainer = HeadTrainer()
    queries = [Query(item.text) for item in test]
    made = trainer.train(examples, recipe).specialist
    opinions = [(o, i) for o, i in zip(made.opine(queries), test, strict=True) if o is not None]
    opinions.sort(key=lambda pair: -pair[0].confidence)
    ranked = Ranked(len(test), [o.answer != app.says(i.gold, i) for o, i in opinions])
    try:
        lesson = learn(examples, lambda answer, row: float(answer == row.answer), recipe, [trainer])
    except ShortstopError:
        return None, ranked
    if not lesson.learned:
        return None, ranked
    one = lesson.learned[0]
    gate = one.manifest.gate
    served = [
        o.answer if o is not None and gate.serves(o) else None
        for o in one.specialist.opine(queries)
    ]
    return answered_of(served, test), ranked


def _tracer(
    app: App,
    train: Sequence[Item],
    said: Sequence[str],
    test: Sequence[Item],
    encoder: SentenceEncoder,
) -> list[tuple[float, str, Answered | None]]:
    out: list[tuple[float, str, Answered | None]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [{"input": i.text, "teacher": answer} for i, answer in zip(train, said, strict=True)]
        (folder / "traces.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        np.save(folder / "train.npy", encoder.encode([i.text for i in train]))
        np.save(folder / "test.npy", encoder.encode([i.text for i in test]))
        for target in TARGETS:
            done = subprocess.run(
                [PYTHON, "-P", SCRIPT, folder, str(target)],
                capture_output=True,
                text=True,
                check=True,
            )
            made = json.loads(done.stdout)
            answered = answered_of(made["labels"], test) if made["deployed"] else None
            out.append((target, str(made["method"]), answered))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.company.tracer")
    shared = ROOT.parent / "shared" / "data" / "tasks"
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--traces", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--error", type=float, default=0.07)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if not PYTHON.exists():
        sys.exit(f"{PYTHON} is absent: run `make bench-tracer`.")
    file = registry.encoder_file(registry.home(None, os.environ))
    vocabulary, _, _ = packaged().embedder.parts()
    encoder = SentenceEncoder(file, vocabulary, threads=2)
    apps = [app for app in applications(read(args.data)[0]) if app.kind == "label"]
    bare = [App(**{**_fields(app), "in_json": False}) for app in apps]
    results = []
    for app in bare:
        for traces in args.traces:
            for seed in args.seed:
                results.append(compare(app, traces, args.error, seed, encoder))
                _show(results[-1])
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _fields(app: App) -> Json:
    return {name: getattr(app, name) for name in App.__slots__}


def _show(result: Json) -> None:
    say = sys.stdout.write
    ours = result["ours"]
    say(f"{result['task']}, {result['traces']} traces, seed {result['seed']}\n")
    say(f"  ours, by its own threshold: {_told(ours)}\n")
    for one in result["tracer"]:
        if one.get("refused"):
            say(f"  TRACER at {one['target']}: refuses to deploy\n")
            continue
        say(
            f"  TRACER at {one['target']} ({one['method']}): {_told(one)}; ours at that error"
            f" {one['ours_at_equal_error']:.1%}, ratio {one['ratio']}\n"
        )


def _told(one: Json | None) -> str:
    if one is None:
        return "nothing is learned"
    served = round(one["served"] * one["n"])
    low, high = wilson(round(one["wrong"] * served), served)
    return (
        f"{one['served']:.1%} of {one['n']} served, {one['wrong']:.1%} of it wrong"
        f" [{low:.1%}, {high:.1%}]"
    )


if __name__ == "__main__":
    main()
