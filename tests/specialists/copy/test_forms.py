"""How values are written: every form applies to what it is for, and to nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.specialists.copy.forms import FORMS, fitting, loose, written


@pytest.mark.parametrize(
    ("form", "span", "value"),
    [
        ("same", "A, B", "A, B"),
        ("trimmed", "ACME LTD.,", "ACME LTD"),
        ("one-line", "12 Long Road,\n  Bath", "12 Long Road Bath"),
        ("commas", "12 Long Road,\n  Bath", "12 Long Road, Bath"),
        ("lower", "Paid\nNOW", "paid now"),
        ("title", "acme ltd", "Acme Ltd"),
        ("bare", "RM 12.50", "12.50"),
        ("bare", "12,50 €", "12,50"),
        ("number", "$1,234.50", "1234.50"),
        ("number-comma", "1.234,50 EUR", "1234.50"),
        ("squeezed", "DE 12 3456", "DE123456"),
        ("dmy %Y-%m-%d", "25/12/2018", "2018-12-25"),
        ("mdy %Y-%m-%d", "12/25/18", "2018-12-25"),
        ("ymd %d.%m.%Y", "2018-12-25", "25.12.2018"),
        ("dmy %d/%m/%Y", "25 Dec 2018", "25/12/2018"),
        ("dmy %Y-%m-%d", "25 de dezembro de 2018", "2018-12-25"),
        ("dmy %Y-%m-%d", "1º de março de 2018", "2018-03-01"),
        ("dmy %Y-%m-%d", "3. Mai 2018", "2018-05-03"),
        ("mdy %Y-%m-%d", "December 25th, 2018", "2018-12-25"),
        ("dmy %Y-%m-%d", "7 juillet 2018", "2018-07-07"),
        ("dmy %Y-%m-%d", "7 juin 2018", "2018-06-07"),
    ],
)
def test_a_form_makes_the_value_of_its_span(form: str, span: str, value: str) -> None:
    assert FORMS[form](span) == value
    assert form in set(fitting(span, value))


@pytest.mark.parametrize("span", ["no date here", "99/99/9999", "31/02/2018"])
def test_what_is_no_date_is_left_as_it_is(span: str) -> None:
    assert FORMS["dmy %Y-%m-%d"](span) is None
    assert written("dmy %Y-%m-%d", span) == span


@given(st.text(max_size=40))
def test_no_form_fails_whatever_the_span(span: str) -> None:
    for name in FORMS:
        assert isinstance(written(name, span), str)


@given(st.text(max_size=60))
def test_the_loose_spelling_knows_where_it_came_from(text: str) -> None:
    flat, where = loose(text)
    assert len(flat) == len(where)
    assert all(text[i].lower()[:1] == c for c, i in zip(flat, where, strict=True))
