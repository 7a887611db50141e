"""Values are found where they stand, however they are written there."""

from __future__ import annotations

from shortstop.flywheel.copy.align import align_field, tags
from shortstop.specialists.copy.tokens import tokens

RECEIPTS = [
    f"ACME SDN BHD\n{i} LONG ROAD\nDATE 0{i}/12/2018\nTOTAL RM {i}.50\nCASH {i}.50"
    for i in range(1, 8)
]


def test_all_occurrences_of_a_value_are_its_places() -> None:
    field = align_field(RECEIPTS, [f"{i}.50" for i in range(1, 8)])
    assert (field.share, field.form) == (1.0, "same")
    assert all(place is not None and len(place.spans) == 2 for place in field.places)


def test_a_date_in_another_order_is_found_and_its_form_learned() -> None:
    field = align_field(RECEIPTS, [f"2018-12-0{i}" for i in range(1, 8)])
    assert (field.share, field.form) == (1.0, "dmy %Y-%m-%d")


def test_a_value_over_two_lines_and_one_with_a_slip_are_found() -> None:
    texts = [
        "SHOP\n12 LONG ROAD,\n75100 MELAKA\nTEL 1",
        "SHOP\n12 LONG R0AD,\n75100 MELAKA\nTEL 1",
    ]
    field = align_field(texts, ["12 LONG ROAD, 75100 MELAKA"] * 2)
    assert field.share == 1.0
    place = field.places[1]
    assert place is not None
    assert place.texts == ("12 LONG R0AD,\n75100 MELAKA",)


def test_what_stands_inside_another_word_is_not_it() -> None:
    field = align_field(["ROOM 1234 ABCDEF"], ["CDE"])
    assert field.share == 0


def test_what_is_not_in_the_text_has_no_place() -> None:
    field = align_field(["TOTAL 5.00", "TOTAL 6.00"], ["5.00", "a summary"])
    assert field.share == 0.5
    assert field.places[1] is None


def test_tags_mark_the_beginning_and_the_rest() -> None:
    text = "PAY TO ACME LTD NOW"
    field = align_field([text], ["ACME LTD"])
    assert field.places[0] is not None
    assert tags(len(tokens(text)), field.places[0]) == ["O", "O", "B", "I", "O"]
