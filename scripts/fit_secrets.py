# ruff: noqa: E501
"""Fit the weights of the secret scorer: `python -m scripts.fit_secrets`.

Reads the frozen texts of tests/privacy (dev_secrets, dev_others, dev_neighbours), harmless requests
of the open data (half of them, by digest) and files of installed packages (half, by digest); writes
src/shortstop/privacy/data/secret_weights.json with where it comes from. Logistic regression with an
L2 penalty, by Newton's method; a feature whose sign is an accident is left out. The threshold
minimises the stated costs by scores out of fold: of weights fitted without the row's shape.
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
from shortstop.privacy.detect.scan import SEPARATOR

TESTS = Path("tests/privacy")
SOURCES = ("dev_secrets", "dev_others", "dev_others_harmless", "dev_neighbours", "dev_authors")
OPEN = Path("../shared/data/privacy")
PACKAGES = Path(".venv/lib/python3.11/site-packages")
TARGET = Path("src/shortstop/privacy/data/secret_weights.json")
MISS, PIN_HARD, PIN = 1.0, 0.5, 3.0
"""Costs. Of an ordinary text (a request of the open data, a file) that is pinned: the bars, 5 % missed and 1 %
pinned, say three misses. Of a text written to be taken for a secret: half of one."""
PENALTY = 1.0
FILES = 1_500
FOLDS = 5


@dataclass
class Row:
    """A text of one shape, its values, and the candidates in it with their features."""

    source: str
    shape: str
    text: str
    values: list[str]
    sensitive: bool
    weight: float = 1.0
    found: list[tuple[dict[str, float], bool]] = field(default_factory=list)
    top: float = -99.0

    @property
    def fold(self) -> int:
        return hashlib.sha256(self.shape.encode()).digest()[1] % FOLDS

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


def dev() -> Iterator[Row]:
    """The frozen texts. A shape that another author wrote counts twice: there are fewer of them."""
    for source in SOURCES:
        for line in (TESTS / f"{source}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row.get("cls", "SECRET") not in ("SECRET", "NONE"):
                continue
            text = row.get("text") or SEPARATOR.join(t["content"] for t in row["turns"])
            shape = row.get("shape") or row["id"].split(".")[0]
            weight = 1.0 if source == "dev_secrets" else 2.0
            yield Row(source, shape, text, row.get("values", []), row["sensitive"], weight)


def harmless() -> Iterator[Row]:
    for name in ("ordinary_clinc", "gateway_dev"):
        for line in (OPEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if not row.get("sensitive") and hashlib.sha256(str(row["id"]).encode()).digest()[0] % 2:
                yield Row("open", str(row["id"]), row["text"], [], False, 0.5)


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
        yield Row("files", str(path.relative_to(PACKAGES)), text, [], False, 0.5)


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
            (
                "near",
                "touches",
                "second",
                "somebody",
                "stated",
                "surprise",
                "signs",
                "as a password",
            )
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


def fitted(rows: list[Row], pairs: dict[str, float]) -> weigh.SecretModel:
    names, x, y, w = design(rows)
    beta = constrained(names, x, y, w)
    weights = {name: round(float(b), 3) for name, b in zip(names, beta, strict=True)}
    return weigh.SecretModel(weights, 0.0, pairs)


def score_out_of_fold(rows: list[Row], pairs: dict[str, float]) -> None:
    """Give each row the score of its best candidate by weights fitted without its shape."""
    for fold in range(FOLDS):
        model = fitted([r for r in rows if r.fold != fold], pairs)
        for row in rows:
            if row.fold == fold:
                row.top = max((_top(model, f) for f, _ in row.found), default=-99.0)


def _top(model: weigh.SecretModel, features: dict[str, float]) -> float:
    return 99.0 if features.get("stated") else model.score(features)


def best_threshold(rows: list[Row]) -> float:
    """Where the costs, by scores out of fold, are least. Rows in which the scorer sees nothing at
    all are other rules'."""
    secret = [r.top for r in rows if r.sensitive and r.found]
    hard = [r.top for r in rows if not r.sensitive and r.source == "dev_secrets"]
    plain = [r.top for r in rows if not r.sensitive and r.source != "dev_secrets"]

    def cost(at: float) -> float:
        missed = sum(t < at for t in secret) / len(secret)
        pinned = [sum(t >= at for t in tops) / len(tops) for tops in (hard, plain)]
        return MISS * missed + PIN_HARD * pinned[0] + PIN * pinned[1]

    return min(np.arange(-4, 4, 0.1), key=lambda at: (round(cost(float(at)), 4), abs(at)))


def main() -> None:
    rows = [*dev(), *harmless(), *files()]
    pairs = letter_pairs(r.text for r in rows if not r.sensitive)
    for row in rows:
        row.read(pairs)
    score_out_of_fold(rows, pairs)
    threshold = round(float(best_threshold(rows)), 2)
    weights = fitted(rows, pairs).weights
    made = {
        "made_by": "python -m scripts.fit_secrets",
        "from": {source: digest(source) for source in SOURCES} | {"rows": len(rows), "candidates": sum(len(r.found) for r in rows)},
        "costs": {"miss": MISS, "pin": PIN, "pin_hard": PIN_HARD, "penalty": PENALTY},
        "out_of_fold_by_scorer_alone": rates(rows, threshold),
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


def digest(source: str) -> str:
    return hashlib.sha256((TESTS / f"{source}.jsonl").read_bytes()).hexdigest()


def rates(rows: list[Row], threshold: float) -> dict[str, dict[str, float]]:
    """By source, out of fold: shares of sensitive rows missed and of harmless rows pinned."""
    result: dict[str, dict[str, float]] = {}
    for source in sorted({r.source for r in rows}):
        mine = [r for r in rows if r.source == source]
        secret = [r.top >= threshold for r in mine if r.sensitive]
        plain = [r.top >= threshold for r in mine if not r.sensitive]
        result[source] = ({"missed": round(1 - sum(secret) / len(secret), 4)} if secret else {}) | (
            {"pinned": round(sum(plain) / len(plain), 4)} if plain else {}
        )
    return result


if __name__ == "__main__":
    main()
