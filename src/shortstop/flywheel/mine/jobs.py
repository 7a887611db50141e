"""Different jobs in one task: groups of requests that ask for different things, found by the form
of their answers first and by their meaning then (spherical k-means)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.examples import Example
from shortstop.flywheel.shapes import LABEL_WORDS
from shortstop.specialists.encoder import Encoder

MOST_JOBS = 16
"""Groups of one form."""
FEWEST = 30
"""Requests that make a group."""
WORTH = 0.005
"""Mean cosine to the centre that one more group must gain."""
LONG = 60
"""Words of a request from which on it is a long text."""
SAMPLE = 3000
"""Requests of one form that centres are found on."""
ROUNDS = 12

Matrix = NDArray[np.float32]


class Job(NamedTuple):
    """One group: the form of its answers, and the numbers of its examples."""

    form: str
    rows: list[int]


def form_of(example: Example, repeated: bool = False) -> str:
    """calls, object, list, number, label (a short answer that others got, too), short or prose;
    and "of long texts" where much is read for it."""
    form = _answer_form(example, repeated)
    return f"{form} of long texts" if len(example.query.text.split()) > LONG else form


def _answer_form(example: Example, repeated: bool) -> str:
    if example.calls:
        return "calls"
    text = example.answer.strip()
    if text[:1] in ("{", "["):
        try:
            tree = msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            tree = None
        if isinstance(tree, dict | list):
            return "object" if isinstance(tree, dict) else "list"
    if len(text.split()) > LABEL_WORDS:
        return "prose"
    if repeated:
        return "label"
    return "number" if text and not text.strip("+-.,0123456789 $%") else "short"


def jobs_in(examples: Sequence[Example], encoder: Encoder, seed: int = 0) -> list[Job]:
    """The largest first; every example is in one. A form that few answers have joins the largest
    that is read alike."""
    counts = Counter(example.answer for example in examples)
    forms: dict[str, list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        forms[form_of(example, counts[example.answer] > 1)].append(number)
    _join_small(forms)
    found: list[Job] = []
    for form, rows in sorted(forms.items()):
        units = encoder.encode([examples[row].query.text for row in rows])
        if form.startswith("label"):
            units = _by_answer(units, [examples[row].answer for row in rows])
        groups = _grouped(units, seed)
        found += [
            Job(form, [rows[i] for i in np.flatnonzero(groups == group)])
            for group in sorted(set(groups.tolist()))
        ]
    return sorted(found, key=lambda job: (-len(job.rows), job.form, job.rows[0]))


def _join_small(forms: dict[str, list[int]]) -> None:
    for form in [form for form, rows in forms.items() if len(rows) < FEWEST]:
        others = [other for other in forms if other != form]
        if others:
            alike = [other for other in others if (" of " in other) == (" of " in form)]
            largest = max(alike or others, key=lambda other: len(forms[other]))
            forms[largest] += forms.pop(form)


def _by_answer(units: Matrix, answers: Sequence[str]) -> Matrix:
    """For each row the direction of all that got its answer: they are never told apart."""
    sums: dict[str, Matrix] = {}
    for unit, answer in zip(units, answers, strict=True):
        sums[answer] = sums.get(answer, 0) + unit
    rows: Matrix = np.stack([sums[answer] for answer in answers])
    unit_rows: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit_rows


def _grouped(units: Matrix, seed: int) -> NDArray[np.int64]:
    """A group's number for each row: as many as are worth having."""
    rng = np.random.default_rng(seed)
    sample = units[rng.permutation(len(units))[:SAMPLE]]
    best, last = np.zeros((1, units.shape[1]), np.float32), -1.0
    for k in range(1, MOST_JOBS + 1):
        if len(sample) < k * FEWEST:
            break
        centres = _centres(sample, k, rng)
        near = float((sample @ centres.T).max(axis=1).mean())
        if k > 1 and near - last < WORTH:
            break
        best, last = centres, near
    groups: NDArray[np.int64] = (units @ best.T).argmax(axis=1).astype(np.int64)
    return groups


def _centres(units: Matrix, k: int, rng: np.random.Generator) -> Matrix:
    """Unit vectors, shape (k, width); k-means++ on cosines."""
    chosen = [int(rng.integers(len(units)))]
    while len(chosen) < k:
        far: NDArray[Any] = 1.0 - (units @ units[chosen].T).max(axis=1)
        far = np.maximum(far, 1e-9) ** 2
        chosen.append(int(rng.choice(len(units), p=far / far.sum())))
    centres: Matrix = units[chosen].copy()
    for _ in range(ROUNDS):
        groups = (units @ centres.T).argmax(axis=1)
        for group in range(k):
            members = units[groups == group]
            if len(members):
                mean = members.mean(axis=0)
                centres[group] = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return centres
