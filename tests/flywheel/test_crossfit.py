"""What a specialist would have answered to what it has learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shortstop.errors import StoreError
from shortstop.flywheel.appeal import Claim
from shortstop.flywheel.crossfit import cross_fitted
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.examples import Example
from shortstop.flywheel.night.rehearsed import Rehearsed
from shortstop.flywheel.trainer import HeldOut, Made
from shortstop.specialists.opinion import Opinion
from shortstop.traces.seal import Seal
from tests.flywheel.traffic import example


def exactly(answer: str, row: Example) -> float:
    return float(answer == row.answer)


class Silent:
    """A specialist that is never asked."""

    def opine(self, queries: object) -> list[Opinion | None]:
        raise AssertionError


def made(held_out: HeldOut, new: HeldOut = ()) -> Made:
    return Made({}, Silent(), held_out, new=new)  # type: ignore[arg-type]


def drawn(n: int, seed: int) -> list[tuple[Example, Opinion]]:
    """Opinions that are right in 93 % of the cases, whatever their confidence."""
    draws = np.random.default_rng(seed)
    right, sure = draws.random(n) < 0.93, draws.random(n).tolist()
    rows = [example(i, f"text {i} {seed}", "a", id=f"{seed}-{i}") for i in range(n)]
    answers = ["a" if good else "b" for good in right.tolist()]
    return [(row, Opinion(a, c)) for row, a, c in zip(rows, answers, sure, strict=True)]


def test_thresholds_that_saw_the_row_flatter_and_these_do_not() -> None:
    seen, without = [], []
    for seed in range(150):
        held = drawn(200, seed)
        gate = calibrated(made(held), exactly, 0.95)
        seen += [one.answer == "a" for _, one in held if gate.serves(one)]
        answers = cross_fitted(made(held), exactly, 0.95).values()
        without += [answer == "a" for answer in answers if answer is not None]
    assert len(seen) > 200
    assert len(without) > 200
    assert np.mean(seen) > 0.96, "a threshold is found where chance was kind"
    assert np.mean(without) == pytest.approx(0.93, abs=0.02)


def test_every_row_is_answered_once_or_escalates() -> None:
    known = [(example(i, f"text {i}", "a"), Opinion("a", 0.9)) for i in range(100)]
    unsure = [(example(i, f"text {i}", "a"), Opinion("a", 0.1)) for i in range(100, 140)]
    wrong = [(row, Opinion("b", 0.05)) for row, _ in unsure]
    paper = example(200, "text", '{"total": "5", "date": "1.2."}')
    fields = (paper, Opinion('{"total": null, "date": "1.2."}', 0.9, unsure=("total",)))
    nobody = (example(201, "text", "a"), None)
    new = [(known[0][0], Opinion("b", 0.95))]
    held = [*known, *unsure, *wrong, fields, nobody, *new]
    answers = cross_fitted(made(held, new=new), exactly, 0.9)
    assert set(answers) == {row.id for row, _ in held}
    assert all(answers[row.id] == "a" for row, _ in known), "but by no opinion on what is new"
    assert answers[paper.id] == paper.answer, "the frontier's field in its place"
    assert answers[nobody[0].id] is None


class Kind:
    """Finds every claim right; a second question is one too many."""

    most = 0.9

    def worth(self, claim: Claim) -> float | None:
        return 0.9 if int(claim.row.id[1:]) % 2 else None

    def rule(self, claims: object) -> bool:
        raise AssertionError("nobody is asked")


def test_nobody_is_asked_who_is_right() -> None:
    held = [(example(i, f"text {i}", "a"), Opinion("b", 0.9)) for i in range(100)]
    assert set(cross_fitted(made(held), exactly, 0.4, Kind()).values()) == {None}
    assert set(cross_fitted(made(held), exactly, 0.3, Kind()).values()) == {"b"}


def test_they_are_sealed_in_the_workshop_until_they_are_not_needed(tmp_path: Path) -> None:
    kept = Rehearsed(tmp_path / "task", Seal("a key"))
    assert kept.read("label-head-1") == {}
    kept.write("label-head-1", {"r1": "a secret answer", "r2": None})
    kept.write("label-head-2", {"r1": "b"})
    assert kept.read("label-head-1") == {"r1": "a secret answer", "r2": None}
    assert all(b"secret" not in file.read_bytes() for file in (tmp_path / "task").iterdir())
    with pytest.raises(StoreError):
        Rehearsed(tmp_path / "task", Seal("another")).read("label-head-1")
    kept.keep(["label-head-2"])
    assert kept.read("label-head-1") == {}
    assert kept.read("label-head-2") == {"r1": "b"}
