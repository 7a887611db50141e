"""Values are found where they stand, however they are written there."""

from __future__ import annotations

import pytest

from shortstop.flywheel.copy.align import AlignedField, align_field
from shortstop.specialists.copy.page import Page

pytest.importorskip("rapidfuzz", reason="needs the extra [learn]")
RECEIPTS = [
    f"ACME SDN BHD\n{i} LONG ROAD\nDATE 0{i}/12/2018\nTOTAL RM {i}.50\nCASH {i}.50"
    for i in range(1, 8)
]


def aligned(texts: list[str], values: list[str], *, numeric: bool = False) -> AlignedField:
    return align_field([Page(t) for t in texts], [[v] for v in values], numeric=numeric)


def pieces(text: str, value: str) -> list[str]:
    (spans,) = aligned([text], [value]).spans
    return [Page(text).piece(*span) for span in spans or []]


def test_all_occurrences_of_a_value_are_its_places() -> None:
    field = aligned(RECEIPTS, [f"{i}.50" for i in range(1, 8)])
    assert (field.share, field.form) == (1.0, "same")
    assert all(spans is not None and len(spans) == 2 for spans in field.spans)


def test_a_date_in_another_order_is_found_and_its_form_learned() -> None:
    field = aligned(RECEIPTS, [f"2018-12-0{i}" for i in range(1, 8)])
    assert (field.share, field.form) == (1.0, "dmy %Y-%m-%d")


def test_numbers_are_found_however_they_are_written() -> None:
    texts = ["PAID 1,250.00 EUR", "PAID 7.50 EUR", "PAID 12 EUR"]
    field = aligned(texts, ["1250.0", "7.5", "12"], numeric=True)
    assert (field.share, field.form) == (1.0, "number")


def test_a_value_over_two_lines_and_one_with_a_slip_are_found() -> None:
    value = "12 LONG ROAD, 75100 MELAKA"
    assert pieces("SHOP\n12 LONG ROAD,\n75100 MELAKA\nTEL 1", value) == [
        "12 LONG ROAD,\n75100 MELAKA"
    ]
    assert pieces("SHOP\n12 LONG R0AD,\n75100 MELAKA\nTEL 1", value) == [
        "12 LONG R0AD,\n75100 MELAKA"
    ]


def test_marks_at_the_ends_belong_to_a_value() -> None:
    assert pieces("call +351 21 430 now", "+351 21 430") == ["+351 21 430"]
    assert pieces("ACME (KL) LTD", "ACME (KL)") == ["ACME (KL)"]


def test_what_stands_inside_another_word_is_not_it() -> None:
    assert aligned(["ROOM 1234 ABCDEF"], ["CDE"]).share == 0


def test_what_is_not_in_the_text_has_no_place_and_no_value_needs_none() -> None:
    field = align_field(
        [Page("TOTAL 5.00"), Page("TOTAL 6.00"), Page("NIL")], [["5.00"], ["a summary"], []]
    )
    assert field.share == 0.5
    assert field.spans[1:] == [None, []]


def test_each_value_of_a_list_is_found() -> None:
    field = align_field([Page("parts K1, K2 and K3")], [["K1", "K3"]])
    assert field.spans == [[(1, 3), (7, 9)]] or field.spans[0] is not None
    assert field.share == 1.0
