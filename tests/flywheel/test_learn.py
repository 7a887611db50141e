"""A task is learned when its examination is passed, else refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replace_

import msgspec
import pytest
from msgspec.structs import replace

from shortstop.flywheel.curate.dataset import beside, curate
from shortstop.flywheel.curate.frozen import Frozen
from shortstop.flywheel.examples import Example
from shortstop.flywheel.learn import LEAST_EXAMPLES, Learned, asked_too, learn, taught
from shortstop.flywheel.trainer import Made, NotLearned, Recipe
from shortstop.routing import grade
from shortstop.specialists import artefact, kinds
from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query
from tests.flywheel.traffic import WordEncoder, example, invoices, mails

pytest.importorskip("sklearn", reason="needs the extra [learn]")
RECIPE = Recipe(0.9, WordEncoder(), now=7.0)


def exactly(answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)


def the_one(rows: list[Example]) -> Learned:
    (learned,) = learn(rows, exactly, RECIPE).learned
    return learned


def test_labels_are_learned_and_served_where_sure(tmp_path_factory: pytest.TempPathFactory) -> None:
    learned = the_one(mails(600))
    assert learned.manifest.kind == "label-head"
    lineage = learned.manifest.lineage
    assert lineage.figures["served"] > 0.8
    assert lineage.figures["right"] > 0.95
    assert lineage.teachers == ("big",)
    folder = artefact.write(tmp_path_factory.mktemp("s"), learned.manifest, learned.files)
    manifest, files = artefact.read(folder)
    again = kinds.load(manifest.kind, files, WordEncoder)
    asked = next(row for row in mails(700)[600:] if row.answer == "card")
    (opinion,) = again.opine([asked.query])
    assert opinion is not None
    assert opinion.answer == "card"
    assert manifest.gate.serves(opinion)


def test_what_is_unlike_all_examples_is_not_served() -> None:
    learned = the_one(mails(600))
    (opinion,) = learned.specialist.opine([Query("qwertz zzz poem about autumn seas")])
    assert opinion is None or not learned.manifest.gate.serves(opinion)


def test_fields_are_learned_by_copying() -> None:
    learned = the_one(invoices(260))
    assert learned.manifest.kind == "composed"
    assert learned.manifest.lineage.figures["served"] > 0.5
    (opinion,) = learned.specialist.opine([invoices(1, seed=5)[0].query])
    assert opinion is not None
    assert set(msgspec.json.decode(opinion.answer)) == {"shop", "date", "total"}


def prose(n: int) -> list[Example]:
    return [example(i, f"tell me about {i}", f"a story of its own, {i}") for i in range(n)]


@pytest.mark.parametrize(
    ("rows", "recipe", "why"),
    [
        (prose(200), RECIPE, "no labels"),
        (mails(300), Recipe(0.9, None, now=7.0), "encoder is not installed"),
        ([replace(e, answer="card") for e in mails(300)], RECIPE, "a single answer"),
        (mails(400, noise=0.9), RECIPE, "At no threshold"),
        (
            [replace(e, answer=f'{{"mood": "m{i}"}}') for i, e in enumerate(mails(200))],
            RECIPE,
            "Too few of its fields",
        ),
    ],
)
def test_what_is_refused_says_why(rows: list[Example], recipe: Recipe, why: str) -> None:
    lesson = learn(rows, exactly, recipe)
    assert not lesson.learned
    assert why in lesson.why


def test_too_few_examples_are_told() -> None:
    with pytest.raises(NotLearned, match="are needed"):
        learn(mails(LEAST_EXAMPLES - 1), exactly, RECIPE)


def test_a_teacher_that_changes_its_mind_at_the_end_is_not_promoted() -> None:
    """The newest answers are other ones: what was calibrated no longer holds."""
    rows = mails(600)
    turned = [replace(e, answer="fees") if i >= 480 else e for i, e in enumerate(rows)]
    assert "are right in" in learn(turned, exactly, RECIPE).why


def test_the_same_data_and_seed_make_the_same_specialist() -> None:
    one, two = (the_one(mails(300)) for _ in range(2))
    assert one.manifest.lineage == two.manifest.lineage
    assert one.files["about.json"] == two.files["about.json"]


def test_kinds_that_answer_in_words_are_not_taught_calls() -> None:
    rows = mails(300)
    calls = (Invocation("find", "{}"),)
    mixed = [
        replace(r, calls=calls, answer=spelled(calls)) if i % 2 else r for i, r in enumerate(rows)
    ]
    taught: list[Example] = []

    class Witness:
        kind = "witness"

        def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
            taught.extend(rows)
            raise NotLearned("It only looks.")

    lesson = learn(mixed, exactly, RECIPE, (Witness(),))
    assert lesson.refused == {"witness": "It only looks."}
    assert taught
    assert not any(row.calls for row in taught)


def test_what_the_present_one_answers_counts_for_its_successor_s_thresholds() -> None:
    """What is left to the frontier is what that one found hard: there nobody is right often enough,
    and of the whole traffic he is."""
    hard = mails(400, noise=0.3)
    easy = [replace(row, id=f"e{row.id}", teacher="label-head-1") for row in mails(1600, seed=9)]
    data = curate(hard, Frozen(), RECIPE.encoder, RECIPE.seed)
    assert not taught(data, exactly, RECIPE).learned
    (one,) = taught(beside(data, easy), exactly, RECIPE).learned
    assert one.manifest.lineage.rows == len(data.train), "they train nobody"


def test_more_of_the_traffic_holds_as_large_a_share_of_what_is_new() -> None:
    rows = mails(40)
    sure = [(row, Opinion(row.answer, 0.9)) for row in rows]
    new = [(row, Opinion("card", 0.5)) for row in rows[:4]]
    made = Made({}, Echo(), [*sure, *new], new=new)
    more = asked_too(made, mails(80, seed=3), whole=True)
    known = {id(opinion) for _, opinion in new}
    assert sum(id(opinion) in known for _, opinion in more.held_out) == 4 + 8
    assert len(asked_too(made, mails(80, seed=3)).held_out) == 44 + 80


class Echo:
    """Gives the text back."""

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        return [Opinion(query.text, 1.0) for query in queries]


@pytest.mark.parametrize("kind", ["answer-bank", "label-head"])
def test_a_kind_may_have_a_target_of_its_own(kind: str) -> None:
    recipe = replace_(RECIPE, targets={"answer-bank": 0.8})
    assert recipe.of_kind(kind).target == (0.8 if kind == "answer-bank" else RECIPE.target)
