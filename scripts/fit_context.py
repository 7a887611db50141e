# ruff: noqa: E501
"""Fit the models that judge by context: `python -m scripts.fit_context [--check] [secret|health|person]`.

Reads the frozen texts of tests/privacy, sentences of `context_texts`, the open data and files of
installed packages (those with an odd digest); writes `data/secret_context.bin`,
`data/health_context.bin` and `data/context.json`. Logistic regression with an L2 penalty, weights
rounded to a byte.

`--check` writes nothing: each author is left out in turn, and what is found of that author's texts,
which no weight has seen, is added to what the rules of the day found that had not seen them either
(`tests/privacy/dev_blind.json`; of the writers of sentences no rule is asked). `--lists` takes the word lists of that day
(`git archive 89c73a68 src/shortstop/privacy/data/health | tar -x -C FOLDER`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from scripts.context_texts import FILLS, LISTS, HealthTexts, SecretTexts
from scripts.fit_secrets import PACKAGES
from shortstop.privacy.detect import health_context, lexicon, person_context, secret_context
from shortstop.privacy.detect.candidates import candidates
from shortstop.privacy.detect.combine import may_speak_of_health, spelled
from shortstop.privacy.detect.linear import SHARPNESS
from shortstop.privacy.detect.scan import SEPARATOR

TESTS, SHARED = Path("tests/privacy"), Path("../shared/data")
DATA = Path("src/shortstop/privacy/data")
AUTHORS = {
    "unseen/sensitive": "unseen",
    "unseen/business": "unseen",
    "dev_authors": "authors",
    "dev_others": "others",
    "dev_others_harmless": "others",
    "dev_others_ids": "others",
    "dev_offices/fit/sensitive": "offices",
    "dev_offices/fit/business": "offices",
    "dev_offices/more/sensitive": "offices",
    "dev_offices/more/business": "offices",
    "dev_desks/fit/sensitive": "desks",
    "dev_desks/fit/business": "desks",
    "dev_mails/fit/sensitive": "mails",
    "dev_mails/fit/business": "mails",
    "dev_mails/more/sensitive": "mails",
    "dev_mails/more/business": "mails",
    "dev_counters/fit/sensitive": "counters",
    "dev_counters/fit/business": "counters",
}
OWN = ("dev_everyday", "dev_health", "dev_business", "dev_neighbours", "dev_secrets", "dev_layouts")
SECRETS, ILL = ("dev_others", "dev_neighbours", "dev_secrets"), ("dev_health", "dev_everyday")
PLACES = {"secret": 1 << 16, "health": 1 << 18, "person": 1 << 17}
PENALTY = {"secret": 2.0, "health": 2.0, "person": 0.6}
"""Inverse of the L2 penalty's strength."""
CLASSES = {"secret": ("SECRET",), "health": ("HEALTH",), "person": ("ID", "FIN")}
"""Of texts in which there is one to find."""
THRESHOLDS = {"secret": 0.25, "health": 0.25, "person": 0.0}
"""Log-odds, chosen by `--check`: where another author's harmless texts are pinned in less than 1 %."""
FROZEN, HARD = ("own", "unseen", "authors", "others", "offices", "desks", "mails", "counters"), 2.5
"""What a harmless text counts that was written to be taken for another."""
ORDINARY = ("exam", "clinc", "bank", "shop", "faq", "hard", "tools", "gateway", "files")
FILES = {"secret": 1_200, "health": 400, "person": 400}
GRID = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5)


@dataclass
class Example:
    """A candidate or a passage: of which text, of which author, in which shape of sentence."""

    author: str
    shape: str
    text: str
    sensitive: bool
    features: list[str] = field(repr=False)


@dataclass(frozen=True)
class FrozenText:
    author: str
    shape: str
    id: str
    text: str
    cls: str
    values: tuple[str, ...]


def frozen() -> Iterator[FrozenText]:
    """Every frozen text that is no blind measure."""
    for name in (*AUTHORS, *OWN):
        for number, line in enumerate((TESTS / f"{name}.jsonl").read_text("utf-8").splitlines()):
            row = json.loads(line)
            id, cls = str(row.get("id", number)), "NONE"
            if row["sensitive"]:
                default = "SECRET" if name in SECRETS else "HEALTH" if name in ILL else "ID"
                cls = row.get("cls", default)
            shape = (
                row.get("shape")
                or row.get("template")
                or re.sub(r"(?:-\d\d|\.\d|(?<=\d)[ab])$", "", id)
            )
            yield FrozenText(AUTHORS.get(name, "own"), f"{name}:{shape}", f"{name}:{id}", _text(row), cls, tuple(row.get("values") or ()))  # fmt: skip


def _text(row: dict[str, Any]) -> str:
    if text := row.get("text"):
        return str(text)
    return SEPARATOR.join(t["content"] if isinstance(t, dict) else t[-1] for t in row["turns"])


def opened() -> Iterator[tuple[str, str, str]]:
    """(source, shape, text) of harmless requests of the open data."""
    import pyarrow.parquet as pq

    def read(path: str) -> list[dict[str, Any]]:
        table: list[dict[str, Any]] = pq.read_table(SHARED / path).to_pylist()
        return table

    for row in read("routing/routellm_pairs.parquet"):
        if row["bench"] in ("mmlu", "gsm8k"):
            yield "exam", row["domain"], str(row["prompt"])
    for source, path, shape, text in (
        ("clinc", "intent_clinc150", "label", "text"),
        ("bank", "intent_banking77", "label", "text"),
        ("shop", "faq_hint3", "bot", "text"),
        ("faq", "faq_usgov_answers", "source", "question"),
        ("faq", "faq_usgov_answers", "source", "answer"),
        ("hard", "hard_frontier", "kind", "prompt"),
        ("tools", "tools_bfcl", "category", "messages"),
    ):
        for row in read(f"tasks/{path}.parquet"):
            yield source, str(row[shape]), str(row[text])[:6_000]
    for line in (SHARED / "privacy/gateway_dev.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if not row["sensitive"]:
            yield "gateway", "harmless", row["text"]


def packages(count: int) -> Iterator[tuple[str, str]]:
    """Files of packages whose path has an odd digest: the others are for measuring."""
    kinds = ("py", "js", "md", "json", "yaml")
    paths = sorted(p for kind in kinds for p in PACKAGES.rglob(f"*.{kind}") if p.stat().st_size)
    odd = [
        p for p in paths if hashlib.sha256(str(p.relative_to(PACKAGES)).encode()).digest()[0] % 2
    ]
    for path in random.Random(12).sample(odd, min(count, len(odd))):
        yield str(path.relative_to(PACKAGES)), path.read_text("utf-8", errors="replace")[:30_000]


# ------------------------------------------------------------ secrets


def secrets() -> Iterator[Example]:
    """Candidates. Those that are none in a text with another class are left out."""
    for row in frozen():
        spans, wording = _spans(row), secret_context.WordedText(row.text)
        for suspect in candidates(row.text):
            inside = any(suspect.start < b and a < suspect.end for a, b in spans)
            if inside or row.cls in ("SECRET", "NONE"):
                yield Example(row.author, row.shape, row.id, inside, secret_context.features(wording, suspect))  # fmt: skip
    for author in FILLS:
        for number, (shape, values, text) in enumerate(SecretTexts(author)):
            spans, wording = _places(text, values), secret_context.WordedText(text)
            for suspect in candidates(text):
                inside = any(suspect.start < b and a < suspect.end for a, b in spans)
                yield Example(author, author + shape, f"{author}:{number}", inside, secret_context.features(wording, suspect))  # fmt: skip
    for source, shape, text in opened():
        wording = secret_context.WordedText(text)
        for suspect in list(candidates(text))[:20]:
            yield Example(source, source + shape, source + text[:60], False, secret_context.features(wording, suspect))  # fmt: skip
    for name, text in packages(FILES["secret"]):
        found, wording = list(candidates(text)), secret_context.WordedText(text)
        for suspect in random.Random(1).sample(found, min(25, len(found))):
            yield Example("files", name, name, False, secret_context.features(wording, suspect))


def _places(text: str, values: Iterable[str]) -> list[tuple[int, int]]:
    return [m.span() for value in values for m in re.finditer(re.escape(value), text)]


@cache
def blind() -> dict[str, Any]:
    """`dev_blind.json`."""
    found: dict[str, Any] = json.loads((TESTS / "dev_blind.json").read_text("utf-8"))
    return found


def _spans(row: FrozenText) -> list[tuple[int, int]]:
    """Where the secrets stand."""
    if row.cls != "SECRET":
        return []
    return _places(row.text, row.values or blind()["secrets"].get(row.id, ()))


# ------------------------------------------------------------ health


def health(lists: Path = LISTS) -> Iterator[Example]:
    """Passages. One of a harmless text, or of a text of another class, is nobody's health."""
    for row in frozen():
        if row.cls != "NONE" and row.shape.startswith("dev_layouts"):
            continue
        ill = row.cls == "HEALTH"
        for passage in [row.text] if ill else _passages(row.text)[:6]:
            yield Example(row.author, row.shape, row.id, ill, _health_features(passage))
    for author in FILLS:
        for number, (shape, ill, text) in enumerate(HealthTexts(author, lists)):
            yield Example(author, author + shape, f"{author}:{number}", ill, _health_features(text))
    for source, shape, text in opened():
        for passage in _passages(text[:3_000]):
            if may_speak_of_health(spelled(passage)) or zlib.crc32(passage.encode()) % 8 == 0:
                yield Example(source, source + shape, source + text[:80], False, _health_features(passage))  # fmt: skip
    yield from _clinical()
    for name, text in packages(FILES["health"]):
        every = _passages(text[:6_000])
        for passage in random.Random(2).sample(every, min(3, len(every))):
            yield Example("files", name, name, False, _health_features(passage))


def _clinical() -> Iterator[Example]:
    """Dialogues and notes of the open data, and its texts about persons who are not ill."""
    import pyarrow.parquet as pq

    draw = random.Random(5)

    def example(source: str, shape: str, ill: bool, passage: str, id: str) -> Example:
        return Example(source, source + shape, source + id, ill, _health_features(passage))

    for row in pq.read_table(SHARED / "tasks/summ_mts_dialog.parquet").to_pylist():
        if re.search(r"(?i)\b(patient|he|she|his|her|him|year-old)\b", row["summary"]):
            passage = draw.choice(_passages(row["summary"]))
            yield example("note", row["section"], True, passage, row["id"])
        passage = draw.choice(_passages(str(row["dialogue"])))
        if len(passage) > 150 and re.search(r"(?i)patient:", passage):
            yield example("dialogue", row["section"], True, passage, row["id"])
    for line in (SHARED / "privacy/meddocan_dev.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        every = _passages(row["text"])
        for passage in draw.sample(every, min(4, len(every))):
            yield example("meddocan", str(row["id"]), True, passage, str(row["id"]))
    for name, least in (("gateway_dev", 1), ("presidio_synth_v2", 0)):
        for line in (SHARED / f"privacy/{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            tier = row.get("tier", "person")
            if row.get("sensitive", least) >= least and tier not in ("CONTRACT", "NONE"):
                shape = str(row.get("template", tier))
                yield example(f"{name} {tier}", shape, tier == "PHI", row["text"], str(row["id"]))


def _health_features(passage: str) -> list[str]:
    return health_context.features(passage, spelled(passage))


def _passages(text: str) -> list[str]:
    return [text[a:b] for a, b in health_context.passages(text)]


# ------------------------------------------------------------ persons


def persons() -> Iterator[Example]:
    """Passages with a number. Texts about secrets and health are left out: they may hold one."""

    def examples(author: str, shape: str, id: str, whose: bool, text: str) -> Iterator[Example]:
        for passage in _passages(text)[:6]:
            if person_context.VALUE.search(passage):
                yield Example(author, shape, id, whose, person_context.features(passage))

    for row in frozen():
        if row.cls in ("ID", "FIN", "NONE"):
            whose = row.cls != "NONE"
            yield from examples(row.author, row.shape, row.id, whose, row.text)
    for source, shape, text in opened():
        yield from examples(source, source + shape, source + text[:80], False, text[:2_000])
    for name, text in packages(FILES["person"]):
        yield from examples("files", name, name, False, text[:6_000])


# ------------------------------------------------------------ fitting


class Examples:
    """Examples as a matrix: places of features, each counted by its share of the text."""

    def __init__(self, examples: Sequence[Example], places: int, penalty: float) -> None:
        from scipy.sparse import csr_matrix

        self.examples, self._penalty = examples, penalty
        lines = [
            [zlib.crc32(f.encode("utf-8", "replace")) & (places - 1) for f in e.features]
            for e in examples
        ]
        ends = np.cumsum([0, *map(len, lines)])
        values = np.concatenate(
            [np.full(len(x), SHARPNESS / math.sqrt(max(1, len(x)))) for x in lines]
        )
        self.x = csr_matrix((values, np.concatenate(lines), ends), shape=(len(lines), places))
        self.y = np.array([e.sensitive for e in examples])
        shapes = Counter(e.shape for e in examples)
        self.weight = np.array(
            [
                (HARD if e.author in FROZEN and not e.sensitive else 1)
                / math.sqrt(min(shapes[e.shape], 50))
                for e in examples
            ]
        )
        self.author = np.array([e.author for e in examples])

    def fit(self, rows: Any) -> tuple[Any, float]:
        """(weights, bias)."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=self._penalty, max_iter=300, solver="liblinear")
        model.fit(self.x[rows], self.y[rows], sample_weight=self.weight[rows])
        return model.coef_[0], float(model.intercept_[0])

    def scores(self, rows: Any, fitted: tuple[Any, float]) -> Any:
        return self.x[rows] @ fitted[0] + fitted[1]


def tops(data: Examples, held: str) -> dict[str, float]:
    """The highest score of each of an author's texts, by weights that have not seen the author."""
    mine = data.author == held
    top: dict[str, float] = {}
    for example, score in zip(
        (e for e in data.examples if e.author == held),
        data.scores(mine, data.fit(~mine)),
        strict=True,
    ):
        top[example.text] = max(top.get(example.text, -math.inf), float(score))
    return top


def check(kind: str, data: Examples) -> None:
    """Print, for each author left out, misses and false pins without and with the model, by
    threshold; then how often ordinary texts of held-back shapes are pinned."""
    rows = list(frozen())
    for author in sorted({*AUTHORS.values()}):
        top, mine = tops(data, author), [r for r in rows if r.author == author]
        sensitive = {r.id: top.get(r.id, -math.inf) for r in mine if r.cls in CLASSES[kind]}
        harmless = {r.id: top.get(r.id, -math.inf) for r in mine if r.cls == "NONE"}
        _tell(author, sensitive, harmless)
    if "writers" in data.author:
        top = tops(data, "writers")
        told = {e.text for e in data.examples if e.author == "writers" and e.sensitive}
        rest = {id: score for id, score in top.items() if id not in told}
        _tell("writers", {id: top[id] for id in told}, rest)
    _check_ordinary(data)


def _tell(author: str, sensitive: dict[str, float], harmless: dict[str, float]) -> None:
    """One author's line by threshold: what rules and model leave, and what the model pins more."""
    missed, pinned = (
        [id for id in found if id in blind()[kind]]
        for found, kind in ((sensitive, "missed"), (harmless, "pinned"))
    )
    many, most = max(1, len(sensitive)), max(1, len(harmless))
    print(f"{author}: {len(missed) / many:.1%} of {len(sensitive)} missed, {len(pinned) / most:.1%} of {len(harmless)} pinned by rules")  # fmt: skip
    for at in GRID:
        left = sum(sensitive[id] < at for id in missed)
        alone = sum(score < at for score in sensitive.values())
        more = sum(score >= at for id, score in harmless.items() if id not in pinned)
        print(f"  {at:5.2f}: {left / many:.1%} missed (alone {alone / many:.1%}), +{more / most:.1%} pinned")  # fmt: skip


def _check_ordinary(data: Examples) -> None:
    fold = np.array([zlib.crc32(e.shape.encode()) % 2 for e in data.examples])
    top, source = dict[str, float](), dict[str, str]()
    for half in (0, 1):
        rest = [e for e, f in zip(data.examples, fold, strict=True) if f == half]
        for example, score in zip(
            rest, data.scores(fold == half, data.fit(fold != half)), strict=True
        ):
            top[example.text] = max(top.get(example.text, -math.inf), float(score))
            if example.author in ORDINARY:
                source[example.text] = example.author
    print(
        "pinned of each source's texts that have a candidate or passage, half of the shapes held back:"
    )
    for name in sorted(set(source.values())):
        highest = [top[text] for text, author in source.items() if author == name]
        count = len(highest)
        shares = ", ".join(f"{at:g}: {sum(t >= at for t in highest) / count:.2%}" for at in GRID)
        print(f"  {name} ({count}): {shares}")


def write(kind: str, data: Examples) -> None:
    weights, bias = data.fit(np.ones(len(data.examples), bool))
    unit = float(np.abs(weights).max()) / 127
    (DATA / f"{kind}_context.bin").write_bytes(np.round(weights / unit).astype(np.int8).tobytes())
    path = DATA / "context.json"
    about = json.loads(path.read_text("utf-8")) if path.exists() else {}
    about[f"{kind}_context"] = {
        "made_by": "python -m scripts.fit_context",
        "examples": len(data.examples),
        "sensitive": int(data.y.sum()),
        "unit": unit,
        "bias": bias,
        "threshold": THRESHOLDS[kind],
    }
    path.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the models that judge by context.")
    parser.add_argument("kind", nargs="?", choices=("secret", "health", "person"))
    parser.add_argument("--check", action="store_true", help="leave each author out; write nothing")
    parser.add_argument("--lists", type=Path, default=LISTS, help="word lists about health")
    args = parser.parse_args()
    lexicon.FOLDER = args.lists
    for kind in [args.kind] if args.kind else ["secret", "health", "person"]:
        found = {"secret": secrets, "person": persons}.get(kind, lambda: health(args.lists))()
        data = Examples(list(found), PLACES[kind], PENALTY[kind])
        if args.check:
            check(kind, data)
        else:
            write(kind, data)


if __name__ == "__main__":
    main()
