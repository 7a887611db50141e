"""Different jobs behind one template come apart, and one job stays whole."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shortstop.flywheel.mine.jobs import form_of, jobs_in
from shortstop.flywheel.mine.naming import names_for, telling
from shortstop.specialists.invocation import Invocation
from tests.flywheel.traffic import WordEncoder, example, invoices, mails


@pytest.mark.parametrize(
    ("answer", "repeated", "form"),
    [
        ('{"a": 1}', False, "object"),
        ("[1, 2]", False, "list"),
        ("{broken", True, "label"),
        ("1,200.50", False, "number"),
        ("card", True, "label"),
        ("card", False, "short"),
        ("word " * 30, False, "prose"),
        ("", False, "short"),
    ],
)
def test_the_form_of_an_answer(answer: str, repeated: bool, form: str) -> None:
    assert form_of(example(1, "text", answer), repeated) == form


def test_calls_and_long_texts_are_forms_of_their_own() -> None:
    row = replace(example(1, "word " * 90, ""), calls=(Invocation("f", "{}"),))
    assert form_of(row) == "calls of long texts"


def test_labels_and_documents_behind_one_template_come_apart() -> None:
    rows = [*mails(200), *invoices(150)]
    jobs = jobs_in(rows, WordEncoder())
    inside = [{"mail" if row < 200 else "receipts" for row in job.rows} for job in jobs]
    assert all(len(kinds) == 1 for kinds in inside)
    assert sorted(row for job in jobs for row in job.rows) == list(range(350))


def test_a_few_of_another_form_are_no_job() -> None:
    rows = [*mails(200), *invoices(5)]
    assert {job.form for job in jobs_in(rows, WordEncoder())} == {"label"}


def test_nothing_is_no_job() -> None:
    assert jobs_in([], WordEncoder()) == []


def test_the_same_traffic_falls_apart_alike() -> None:
    rows = [*mails(100), *invoices(100)]
    assert jobs_in(rows, WordEncoder()) == jobs_in(rows, WordEncoder())


def test_names_are_out_of_the_words_that_tell_tasks_apart() -> None:
    names = names_for(
        {
            "t-aaaa": "You are a helpful assistant. Sort the customer mail by topic.",
            "t-bbbb": "You are a helpful assistant. Extract the receipt fields as JSON.",
            "t-cccc": "You are a helpful assistant. Sort the customer mail by topic.",
            "t-dddd": "",
        }
    )
    assert names["t-bbbb"].startswith("extract-receipt")
    assert "mail" in names["t-aaaa"] or "sort" in names["t-aaaa"]
    assert len(set(names.values())) == 4
    assert names["t-dddd"] == "t-dddd"


def test_words_that_tell_are_not_those_that_all_have() -> None:
    assert telling(["refund my card", "card lost"], ["pay my loan", "loan lost"])[0] == "card"
