"""Spans are counted by what they cover, class by class, and F2 weighs recall."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.evaluate.privacy import spans
from shortstop.evaluate.privacy.figures import Measured
from shortstop.evaluate.privacy.spans import CLASS, IDENTITY, Marked, span_report

TEXT = "Jane Doe, 12 High Street"


def marked(*some: Marked) -> list[dict[str, Any]]:
    return [{"label": label, "start": start, "end": end} for label, start, end in some]


PERSON, STREET = ("PERSON", 0, 8), ("STREET_ADDRESS", 10, 24)


def figures(
    findings: Sequence[Marked], truth: Sequence[Marked] = (PERSON, STREET), text: str = TEXT
) -> dict[str, Measured]:
    row = {"id": "1", "text": text, "spans": marked(*truth)}
    report = span_report([row], lambda texts: [findings for _ in texts], "x")
    return {f.name: f for f in report.figures}


def counts(found: dict[str, Measured], name: str) -> tuple[int, int]:
    return found[name].hits, found[name].n


def test_spans_are_counted_as_told() -> None:
    found = figures([("PERSON", 0, 4), ("EMAIL", 0, 4)])
    assert counts(found, "recall: person") == (1, 1)
    assert counts(found, "recall: address") == (0, 1)
    assert counts(found, "precision") == (1, 2)
    assert found["span F2"].share == pytest.approx(0.5)
    assert found["span F2, one to one"].hits == 1


def test_all_right_is_one_and_nothing_is_none() -> None:
    perfect = figures([("PERSON", 0, 8), ("ADDRESS", 10, 24)])
    assert perfect["span F2"].share == pytest.approx(1)
    assert perfect["span F2, one to one"].share == pytest.approx(1)
    nothing = figures([])
    assert nothing["span F2"].share == 0
    assert counts(nothing, "recall: all") == (0, 2)


@pytest.mark.parametrize(("end", "hit"), [(3, 0), (4, 1), (8, 1)])
def test_half_of_the_letters_must_be_covered(end: int, hit: int) -> None:
    """Of "Jane Doe", seven of them."""
    assert counts(figures([("PERSON", 0, end)]), "recall: person") == (hit, 1)


def test_several_findings_may_cover_one_span_together() -> None:
    found = figures([("PERSON", 0, 2), ("PERSON", 2, 4)])
    assert counts(found, "recall: person") == (1, 1)
    assert counts(found, "precision") == (2, 2)


def test_a_finding_of_another_class_covers_nothing() -> None:
    found = figures([("EMAIL", 0, 8)])
    assert counts(found, "recall: person") == (0, 1)
    assert counts(found, "precision") == (0, 1)


def test_labels_that_identify_nobody_do_not_count_at_all() -> None:
    found = figures([("PERSON", 0, 8), ("SECRET", 10, 20)], [PERSON, ("DATE_TIME", 10, 24)])
    assert counts(found, "recall: all") == (1, 1)
    assert counts(found, "precision") == (1, 1)


def test_a_town_may_be_part_of_an_address_and_a_title_of_a_person() -> None:
    text = "Mr Doe, Leeds"
    truth = [("TITLE", 0, 2), ("PERSON", 3, 6), ("GPE", 8, 13)]
    found = figures([("PERSON", 0, 2), ("PERSON", 3, 6), ("ADDRESS", 8, 13)], truth, text)
    assert counts(found, "precision") == (3, 3)
    assert counts(found, "recall: all") == (1, 1), "neither has to be found"


def test_one_to_one_a_finding_serves_one_span_alone() -> None:
    text, truth = "Jane Doe", [("PERSON", 0, 4), ("PERSON", 5, 8)]
    found = figures([("PERSON", 0, 8)], truth, text)
    assert counts(found, "recall: all") == (2, 2)
    assert found["span F2, one to one"].hits == 1


@pytest.mark.parametrize(("end", "hits"), [(3, 0), (4, 1), (8, 1), (16, 1), (17, 0)])
def test_one_to_one_they_must_overlap_by_half_of_both(end: int, hits: int) -> None:
    assert figures([("PERSON", 0, end)], [PERSON])["span F2, one to one"].hits == hits


def test_recall_weighs_four_times_precision() -> None:
    missing = figures([PERSON])["span F2"].share
    made_up = figures([PERSON, ("ADDRESS", 10, 24), ("EMAIL", 0, 4), ("PHONE", 0, 4)])
    assert missing < made_up["span F2"].share


def test_the_interval_is_over_templates() -> None:
    """Rows of one template are one draw: their number makes no interval narrower."""

    def interval(templates: int, rows: int) -> float:
        table = [
            {"id": str(n), "template": n % templates, "text": TEXT, "spans": marked(PERSON)}
            for n in range(rows)
        ]
        found = [[PERSON] if n % templates % 2 else [] for n in range(rows)]
        figure = span_report(table, lambda texts: found, "x").figures[0]
        assert figure.low <= figure.share <= figure.high
        return figure.high - figure.low

    assert interval(4, 40) == pytest.approx(interval(4, 4))
    assert interval(40, 40) < interval(4, 40)


@given(st.lists(st.tuples(st.sampled_from(["PERSON", "EMAIL"]), st.integers(0, 30),
                          st.integers(1, 9)), max_size=8))  # fmt: skip
def test_findings_of_one_label_are_merged_and_cover_the_same(some: list[Marked]) -> None:
    findings = [(label, start, start + length) for label, start, length in some]
    merged = spans._merged(findings)
    for label in ("PERSON", "EMAIL"):
        own = sorted((a, b) for name, a, b in merged if name == label)
        assert all(b <= c for (_, b), (c, _) in pairwise(own))
        before = {i for name, a, b in findings if name == label for i in range(a, b)}
        assert {i for a, b in own for i in range(a, b)} == before


def test_every_label_belongs_to_one_class() -> None:
    labels = [label for some in IDENTITY.values() for label in some.split()]
    assert len(labels) == len(set(labels)) == len(CLASS)


def test_rules_mark_values_that_stand_plainly() -> None:
    mail = "jane.doe@acme-corp.com"
    plain, coded, none = spans.by_rules([f"to {mail}", "jane.doe%40acme-corp.com", "hello"])
    assert plain == [("EMAIL", 3, 3 + len(mail))]
    assert (coded, none) == ([], []), "what is hidden in a code has no place of its own"


def test_rows_of_one_template_are_seen_or_unseen_together() -> None:
    rows = [{"id": str(n), "template": n % 7} for n in range(70)]
    by_template: dict[int, set[bool]] = {}
    for row in rows:
        by_template.setdefault(int(row["template"]), set()).add(spans.is_unseen(row))
    assert all(len(unseen) == 1 for unseen in by_template.values())
    assert spans.is_unseen({"id": "a"}) == spans.is_unseen({"id": "a"})
