# ruff: noqa: E501
"""Fit the weights of the secret scorer: `python -m scripts.fit_secrets`.

Reads the "fit" half of tests/privacy/dev_secrets.jsonl, harmless requests of the open data (half of
them, by digest) and files of installed packages (half, by digest); writes
src/shortstop/privacy/data/secret_weights.json with where it comes from. Logistic regression with an
L2 penalty, by Newton's method; a feature whose sign is an accident is left out. The threshold
minimises the stated costs over the same rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shortstop.privacy.detect import weigh
from shortstop.privacy.detect.candidates import candidates
from shortstop.privacy.detect.cues import Surroundings

DEV = Path("tests/privacy/dev_secrets.jsonl")
OPEN = Path("../shared/data/privacy")
PACKAGES = Path(".venv/lib/python3.11/site-packages")
TARGET = Path("src/shortstop/privacy/data/secret_weights.json")
MISS, PIN_HARD, PIN = 1.0, 0.5, 5.0
"""Costs. Of an ordinary text (a request of the open data, a file) that is pinned: the bars, 5 % missed and 1 %
pinned, say five misses. Of a text written to be taken for a secret: half of one."""
PENALTY = 1.0
FILES = 1_500


@dataclass
class Row:
    """A text, its values, and the candidates in it with their features."""

    text: str
    values: list[str]
    sensitive: bool
    weight: float = 1.0
    found: list[tuple[dict[str, float], bool]] = field(default_factory=list)

    def read(self, pairs: dict[str, float]) -> Row:
        spans = [
            (m.start(), m.end()) for v in self.values for m in re.finditer(re.escape(v), self.text)
        ]
        around = Surroundings(self.text)
        for candidate in candidates(self.text):
            inside = any(candidate.start < end and start < candidate.end for start, end in spans)
            features = weigh.features(candidate, around, pairs)
            if features:
                self.found.append((features, inside))
        return self


def dev(half: str) -> Iterator[Row]:
    for line in DEV.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["half"] == half:
            yield Row(row["text"], row["values"], row["sensitive"])


def harmless() -> Iterator[Row]:
    for name in ("ordinary_clinc", "gateway_dev"):
        for line in (OPEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if not row.get("sensitive") and hashlib.sha256(str(row["id"]).encode()).digest()[0] % 2:
                yield Row(row["text"], [], False, 0.5)


def files() -> Iterator[Row]:
    """Files of packages whose path has an odd digest: the others are for measuring."""
    paths = sorted(
        p for ext in ("py", "js", "md", "json", "yaml") for p in PACKAGES.rglob(f"*.{ext}")
    )
    odd = [
        p for p in paths if hashlib.sha256(str(p.relative_to(PACKAGES)).encode()).digest()[0] % 2
    ]
    for path in random.Random(12).sample(odd, min(FILES, len(odd))):
        text = path.read_text(encoding="utf-8", errors="replace")[:30_000]
        yield Row(text, [], False, 0.5)


def letter_pairs(texts: Iterable[str]) -> dict[str, float]:
    """Bits of surprise of a pair of letters, given the first, beyond the average in words."""
    counts: Counter[str] = Counter()
    for text in texts:
        for word in set(re.findall(r"[a-z]{2,}", text.lower())):
            counts.update(word[i : i + 2] for i in range(len(word) - 1))
    first: Counter[str] = Counter()
    for pair, n in counts.items():
        first[pair[0]] += n
    bits = {p: -math.log2((n + 0.5) / (first[p[0]] + 13)) for p, n in counts.items()}
    mean = sum(bits[p] * n for p, n in counts.items()) / counts.total()
    return {pair: round(bits[pair] - mean, 1) for pair in sorted(bits)}


def logistic(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], w: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    beta = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (w * (y - p)) - PENALTY * beta
        hessian = (x * (w * p * (1 - p) + 1e-9)[:, None]).T @ x + PENALTY * np.eye(len(beta))
        step = np.linalg.solve(hessian, gradient)
        beta += step
        if np.abs(step).max() < 1e-6:
            break
    return beta


def constrained(
    names: list[str], x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], w: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """The fit without features whose sign is an accident: a cue for a secret speaks for one, one
    against it against."""
    use = np.ones(len(names), bool)
    while True:
        beta = np.zeros(len(names))
        beta[use] = logistic(x[:, use], y, w)
        wrong = [i for i, n in enumerate(names) if beta[i] * sign(n) < 0]
        if not wrong:
            return beta
        use[wrong] = False


def sign(name: str) -> int:
    if name.startswith(("against", "disputed", "after a slash")):
        return -1
    return int(
        name.startswith(
            ("near", "touches", "second", "somebody", "surprise", "signs", "as a password")
        )
    )


def design(
    rows: list[Row],
) -> tuple[list[str], np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    names = sorted({name for row in rows for features, _ in row.found for name in features})
    place = {name: i for i, name in enumerate(names)}
    x, y, w = [], [], []
    for row in rows:
        for features, inside in row.found:
            line = np.zeros(len(names))
            for name, value in features.items():
                line[place[name]] = value
            x.append(line)
            y.append(float(inside))
            w.append(row.weight if row.sensitive else row.weight / math.sqrt(len(row.found)))
    return names, np.array(x), np.array(y), np.array(w)


def best_threshold(model: weigh.SecretModel, fit: list[Row], others: list[Row]) -> float:
    def tops(rows: list[Row], sensitive: bool) -> list[float]:
        scores = [[model.score(f) for f, _ in r.found] for r in rows if r.sensitive == sensitive]
        return [max(s, default=-99.0) for s in scores if s or not sensitive]

    secret, hard, ordinary = tops(fit, True), tops(fit, False), tops(others, False)

    def cost(at: float) -> float:
        missed = sum(t < at for t in secret) / len(secret)
        pinned = [sum(t >= at for t in plain) / len(plain) for plain in (hard, ordinary)]
        return MISS * missed + PIN_HARD * pinned[0] + PIN * pinned[1]

    return min(np.arange(-4, 4, 0.1), key=lambda at: (round(cost(float(at)), 4), abs(at)))


def main() -> None:
    fit = list(dev("fit"))
    others = [*harmless(), *files()]
    pairs = letter_pairs(r.text for r in [*others, *(r for r in fit if not r.sensitive)])
    for row in [*fit, *others]:
        row.read(pairs)
    names, x, y, w = design([*fit, *others])
    beta = constrained(names, x, y, w)
    weights = {name: round(float(b), 3) for name, b in zip(names, beta, strict=True)}
    model = weigh.SecretModel(weights, 0.0, pairs)
    threshold = round(float(best_threshold(model, fit, others)), 2)
    model = weigh.SecretModel(weights, threshold, pairs)
    held = [row.read(pairs) for row in dev("held")]
    figures = {"fit": rates(model, fit), "held": rates(model, held), "others": rates(model, others)}
    made = {
        "made_by": "python -m scripts.fit_secrets",
        "from": {"dev_secrets.jsonl": hashlib.sha256(DEV.read_bytes()).hexdigest(), "rows": len(fit), "harmless": len(others), "candidates": len(y)},
        "costs": {"miss": MISS, "pin": PIN, "pin_hard": PIN_HARD, "penalty": PENALTY},
        "rows_by_scorer_alone": figures,
    }  # fmt: skip
    TARGET.write_text(
        json.dumps(
            {**made, "threshold": threshold, "weights": weights, "letter_pairs": pairs}, indent=1
        )
        + "\n"
    )
    print(json.dumps(made, indent=1), threshold)
    for name, b in sorted(weights.items(), key=lambda kv: kv[1]):
        print(f"{b:7.2f} {name}")


def rates(model: weigh.SecretModel, rows: list[Row]) -> dict[str, float]:
    """Shares of sensitive rows missed and of harmless rows pinned, by the scorer alone."""
    result = {}
    for name, group in (
        ("missed", [r for r in rows if r.sensitive]),
        ("pinned", [r for r in rows if not r.sensitive]),
    ):
        hits = [any(model.score(f) >= model.threshold for f, _ in r.found) for r in group]
        if group:
            share = sum(hits) / len(hits)
            result[name] = round(1 - share if name == "missed" else share, 4)
    return result


if __name__ == "__main__":
    main()
