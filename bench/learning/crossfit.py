"""How far the mean loss of held-out answers is from what label heads then lose.

    python -m bench.learning.crossfit [--data DIR] [--rows 960 1600] [--seeds 6] [--json FILE]

A head learns from four fifths of `rows` traces of a teacher that is wrong in 7 %. Its held-out
answers, as a night keeps them, are compared with gold; so are its answers to other rows, some
thousands. z is the difference of both mean losses over its standard error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.learning.encoding import KeptEncoder
from bench.learning.labels import BANKING, CLINC, TARGET, exact, learned, opinions
from bench.learning.rows import OPEN_DATA, examples, read
from bench.learning.teacher import Teacher
from shortstop.flywheel.crossfit import cross_fitted
from shortstop.flywheel.curate.dataset import TRAINING
from shortstop.flywheel.examine import ceiling

MOST_OTHERS = 4_000
LEAST_PAIRS = 30
Floats = NDArray[np.float64]
Json = dict[str, Any]


class Labelled:
    """A set's texts in some order, with what is right and what the teacher says."""

    def __init__(self, rows: Sequence[Json], encoder: KeptEncoder, seed: int) -> None:
        order = np.random.default_rng(1000 + seed).permutation(len(rows)).tolist()
        self.texts = [rows[i]["text"] for i in order]
        self.gold = [rows[i]["label"] for i in order]
        self.told = list(Teacher(self.gold, encoder.encode(self.texts)).labels(self.gold, seed))

    def losses(self, answers: Sequence[tuple[int, str]]) -> Floats:
        """Of answers to texts by number."""
        right = [(self.told[i] == self.gold[i], said == self.gold[i]) for i, said in answers]
        return np.array([float(teacher) - float(ours) for teacher, ours in right])


def measured(rows: Sequence[Json], encoder: KeptEncoder, n: int, seed: int) -> Json:
    """One head."""
    data = Labelled(rows, encoder, seed)
    drawn = examples(data.texts[:n], data.told[:n])
    numbers = {row.id: number for number, row in enumerate(drawn)}
    head = learned(drawn[: round(TRAINING * n)], encoder, TARGET, seed)
    target = TARGET * ceiling(head.made, exact)
    kept = cross_fitted(head.made, exact, target).items()
    held = data.losses([(numbers[id], said) for id, said in kept if said is not None])
    others = opinions(head.made, data.texts[n : n + MOST_OTHERS])
    sure = [(n + i, one.answer) for i, one in enumerate(others) if head.gate.serves(one)]
    true = data.losses(sure)
    found = {"rows": n, "seed": seed, "pairs": len(held), "served": len(true) / len(others)}
    if len(held) < LEAST_PAIRS or not len(true):
        return found
    error = float(np.hypot(held.std() / len(held) ** 0.5, true.std() / len(true) ** 0.5))
    means = float(held.mean()), float(true.mean())
    return {**found, "held_out": means[0], "later": means[1], "z": (means[0] - means[1]) / error}


def heads(data: Path, sizes: Sequence[int], seeds: int) -> Iterator[Json]:
    encoder = KeptEncoder()
    for name in (BANKING, CLINC):
        rows = read(data, name)
        for n in sizes if rows else ():
            for seed in range(seeds):
                yield {"set": name, **measured(rows, encoder, n, seed)}
    encoder.save()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.learning.crossfit")
    parser.add_argument("--data", type=Path, default=OPEN_DATA)
    parser.add_argument("--rows", type=int, nargs="+", default=[960, 1600])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = []
    for one in heads(args.data, args.rows, args.seeds):
        found.append(one)
        print(*(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in one.items()))
        if args.json:
            args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    z = np.array([one["z"] for one in found if "z" in one])
    far = float((np.abs(z) > 1.96).mean()) if len(z) else 0.0
    print(f"{len(z)} heads: z {z.mean():+.2f}, deviation {z.std():.2f}, beyond 1.96: {far:.0%}")


if __name__ == "__main__":
    main()
