"""Data sets: what trains never examines, doubles and refusals are out, and all is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from shortstop.flywheel.curate.dataset import Dataset, curate
from shortstop.flywheel.curate.doubt import FEWEST, doubted
from shortstop.flywheel.curate.frozen import Frozen
from shortstop.flywheel.curate.near import signatures, without_doubles
from shortstop.flywheel.curate.shape import of_one_form
from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import fingerprint
from tests.flywheel.traffic import WordEncoder, example, invoices, mails

LONG = "please look at the last invoice that you sent to our office in the main street"


def curated(rows: list[Example], frozen: Frozen | None = None) -> Dataset:
    return curate(rows, frozen or Frozen(), WordEncoder())


def test_what_examines_is_the_newest_and_trains_never() -> None:
    frozen = Frozen()
    first = curated(mails(300), frozen)
    assert min(row.at for row in first.examine) > max(row.at for row in first.train)
    later = [replace(row, id=f"n{row.id}", at=row.at + 1000) for row in mails(300, seed=1)]
    second = curate([*mails(300), *later], frozen, WordEncoder(), trained=300.0)
    examined = {fingerprint(row) for row in (*first.examine, *second.examine)}
    assert not examined & {fingerprint(row) for row in second.train}
    assert {row.id for row in first.examine} <= {row.id for row in second.examine}
    assert all(row.at > 300 for row in second.examine if row.id.startswith("n"))


def test_what_was_frozen_outlives_the_process(tmp_path: Path) -> None:
    frozen = Frozen(tmp_path / "w" / "frozen.bin")
    frozen.add([b"a" * 16, b"b" * 16])
    frozen.keep()
    assert Frozen(tmp_path / "w" / "frozen.bin").prints == frozen.prints


def test_a_conversation_is_on_one_side() -> None:
    rows = [replace(row, conversation=f"c{n // 7}") for n, row in enumerate(mails(200))]
    data = curated(rows)
    talks = [{row.conversation for row in part} for part in (data.train, data.examine)]
    assert not talks[0] & talks[1]


def test_doubles_are_those_with_the_same_answer() -> None:
    twins = [example(1, LONG, "fees"), example(2, LONG + " today", "fees")]
    assert without_doubles(twins, None) == twins[:1]
    other = replace(twins[1], answer="loan")
    assert without_doubles([twins[0], other], None) == [twins[0], other]


def test_alike_texts_have_alike_signatures() -> None:
    one, two, other = signatures([LONG, LONG + " today", "my card is lost and I am abroad"])
    assert np.mean(one == two) > 0.7 > 0.2 > np.mean(one == other)


def test_documents_of_one_form_are_no_doubles() -> None:
    rows = invoices(60)
    assert len(without_doubles(rows, WordEncoder())) == len({row.answer for row in rows})


@pytest.mark.parametrize("odd", ["Sorry, I cannot help with that.", '{"total": ', "[]", ""])
def test_answers_that_are_not_json_on_tuesdays_are_left_out(odd: str) -> None:
    rows = [replace(r, answer=odd) if n % 7 == 1 else r for n, r in enumerate(invoices(140))]
    assert len(of_one_form(rows)) == 120
    assert curated(rows).left_out["not-in-form"] == 20


def test_refusals_among_labels_are_left_out() -> None:
    refused = "I am sorry, but as an assistant I cannot sort this message for you."
    rows = [replace(r, answer=refused) if n % 9 == 0 else r for n, r in enumerate(mails(90))]
    assert {row.answer for row in of_one_form(rows)} == {"card", "loan", "fees"}


def test_what_a_person_said_stays_whatever_its_form() -> None:
    rows = [*invoices(20), replace(example(99, "text", "none"), gold=True)]
    assert len(of_one_form(rows)) == 21


def test_synthetic_rows_never_examine() -> None:
    rows = [*mails(100), *(replace(r, id=f"s{r.id}", synthetic=True) for r in mails(50, seed=4))]
    data = curated(rows)
    assert not any(row.synthetic for row in data.examine)
    assert any(row.synthetic for row in data.train)


def test_wrong_answers_are_doubted_and_kept_apart() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [learn]")
    rng = np.random.default_rng(0)
    wrong = set(rng.permutation(FEWEST + 400)[:300].tolist())
    rows = mails(FEWEST + 400)
    labels = ["card", "loan", "fees"]
    told = [
        replace(r, answer=labels[(labels.index(r.answer) + 1) % 3]) if n in wrong else r
        for n, r in enumerate(rows)
    ]
    against = doubted(told, WordEncoder(), 0)
    assert len(against & wrong) > 0.9 * len(against)
    assert len(against) > 0.25 * len(wrong)
    assert not doubted(told[: FEWEST - 1], WordEncoder(), 0)
    assert not doubted([replace(r, gold=True) for r in told], WordEncoder(), 0)
