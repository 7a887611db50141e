"""An adapter becomes a specialist where it serves what it was trained to; else it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.flywheel.adapter.trainer import AdapterTrainer, parted
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import NotLearned, Recipe, Written
from shortstop.specialists.adapter.specialist import wording
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.kinds import load
from shortstop.specialists.opinion import NEVER
from shortstop.specialists.query import Query
from tests.flywheel.adapter.scripted import COMMAND, LOGPROB
from tests.flywheel.traffic import example

SURE = exp(LOGPROB)


class ScriptedBench:
    """An engine that writes what it is told to; implements AdapterBench."""

    def __init__(
        self, folder: Path, write: Callable[[Query], Written | None], seconds: float = 1.0
    ) -> None:
        self.model, self.base, self.folder = Path("model.gguf"), "b" * 64, folder
        self.seconds, self.threads = seconds, 1
        self.lacks = ""
        self._write = write

    def require(self) -> None:
        if self.lacks:
            raise NotLearned(self.lacks)

    def write(
        self, weights: bytes, queries: Sequence[Query], most_tokens: int
    ) -> list[Written | None]:
        assert weights.startswith(b"GGUF")
        return [self._write(query) for query in queries]


def notes(n: int) -> list[Example]:
    """Requests whose right answer is their last word, in many wordings."""
    words = ["apple", "river", "stone", "cloud", "paper", "metal", "glass", "light", "sun", "sea"]
    return [
        example(i, f"{words[i % 10]} {words[i // 10 % 10]} {i % 7} please say {words[i % 9]}",
                words[i % 9])
        for i in range(n)
    ]  # fmt: skip


def right(query: Query) -> Written:
    return Written(query.text.rsplit(" ", 1)[1], SURE)


def recipe(bench: ScriptedBench | None) -> Recipe:
    return Recipe(0.9, None, now=1.0, bench=bench)


def grade(answer: str, row: Example) -> float:
    return float(answer == row.answer)


TRAINER = AdapterTrainer(COMMAND)


def test_what_is_written_well_is_served_from_a_threshold_on(tmp_path: Path) -> None:
    made = TRAINER.train(notes(400), recipe(ScriptedBench(tmp_path, right)))
    gate = calibrated(made, grade, 0.9)
    served = [one for _, one in made.held_out if one is not None and gate.serves(one)]
    assert len(served) > 0.9 * len(made.held_out) > 50
    assert all(one.confidence == pytest.approx(SURE) for one in served)


def test_what_is_written_wrongly_is_never_served(tmp_path: Path) -> None:
    def wrong(query: Query) -> Written:
        return Written("something else", SURE)

    made = TRAINER.train(notes(400), recipe(ScriptedBench(tmp_path, wrong)))
    assert set(calibrated(made, grade, 0.9).thresholds.values()) == {NEVER}


def test_what_is_kept_is_loaded_again_and_knows_its_wordings(tmp_path: Path) -> None:
    rows = notes(400)
    made = TRAINER.train(rows, recipe(ScriptedBench(tmp_path, right)))
    kept = load("adapter", made.files, no_encoder)
    known, strange, long = kept.opine(
        [rows[0].query, Query("Quid est veritas"), Query("apple " * 2000)]
    )
    assert known is not None
    assert (known.answer, known.writes > 0) == ("", True)
    assert known.similarity > 0.9
    assert strange is not None
    assert strange.similarity < 0.2
    assert long is None, "longer than anything that it has learned from"


def no_encoder() -> Encoder:
    raise StoreError("none")


def test_an_engine_that_serves_something_else_is_refused_with_both_figures(tmp_path: Path) -> None:
    bench = ScriptedBench(tmp_path, right, seconds=4)
    with pytest.raises(NotLearned, match=r"does not serve what was trained: 100\.0%.*9\.000 nats"):
        TRAINER.train(notes(200), recipe(bench))


def test_an_engine_that_says_nothing_has_no_parity(tmp_path: Path) -> None:
    with pytest.raises(NotLearned, match="0 served answers"):
        TRAINER.train(notes(200), recipe(ScriptedBench(tmp_path, lambda query: None)))


@pytest.mark.parametrize(("rows", "why"), [(99, "99 examples"), (0, "0 examples")])
def test_few_examples_are_refused_before_anything_is_started(
    tmp_path: Path, rows: int, why: str
) -> None:
    with pytest.raises(NotLearned, match=why):
        TRAINER.train(notes(rows), recipe(ScriptedBench(tmp_path, right)))
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_said() -> None:
    with pytest.raises(NotLearned, match="none to ask"):
        TRAINER.train(notes(200), recipe(None))
    bench = ScriptedBench(Path("nowhere"), right)
    bench.lacks = "Adapters need the extra [adapter]."
    with pytest.raises(NotLearned, match="need the extra"):
        TRAINER.train(notes(200), recipe(bench))


def test_rows_too_long_to_train_and_empty_answers_are_left_out(tmp_path: Path) -> None:
    rows = [*notes(100), example(500, "x" * 9_000, "y"), example(501, "short", " ")]
    with pytest.raises(NotLearned, match="99 examples"):
        TRAINER.train(rows[1:], recipe(ScriptedBench(tmp_path, right)))


def test_wordings_are_held_out_whole() -> None:
    rows = notes(300)
    taught, held = parted(rows, seed=0)
    assert len(taught) + len(held) == 300
    assert 30 <= len(held) <= 100
    known = {wording(row.query.text) for row in taught}
    assert not [row for row in held if wording(row.query.text) in known]
    assert [row.at for row in held] == sorted(row.at for row in held)


def test_rows_that_are_all_worded_alike_are_held_out_by_chance() -> None:
    rows = [replace(row, query=Query(f"say number {i}")) for i, row in enumerate(notes(200))]
    taught, held = parted(rows, seed=0)
    assert (len(taught), len(held)) == (160, 40)
