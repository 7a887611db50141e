"""A word beside a number says what it is, in any layout."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import named
from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.figures import figures
from shortstop.privacy.detect.named import is_of_goods, kinds, words


def found(text: str) -> list[str]:
    return [sighting.rule for sighting in figures(text)]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("SSN | 088 | 32 | 1296", "named-ssn"),
        ("my passport_number = X1234567", "named-passport"),
        ("08/8321296 is my social", "named-ssn"),
        ("<b>BSN</b> 533 449 030", "named-bsn"),
        ("Aadhaar: 2345.6789.0124", "named-aadhaar"),
        ("sort code (20) (45) (53)", "named-sort-code"),
        ("电话：13812345678", "named-phone"),
        ("Кинь на ТЕЛЕФОН 8 (916) 123-45-67", "named-phone"),
    ],
)
def test_a_named_number_is_found(text: str, rule: str) -> None:
    assert rule in found(canonical(text).text)


@pytest.mark.parametrize(
    "text",
    [
        "BSN 533 449 031",
        "order 123456789 of the card game",
        "phone app, build 98030161",
        "the passport office handled 1234567890123 cases",
        "account\x1f123456789",
    ],
)
def test_another_number_is_not(text: str) -> None:
    assert found(text) == []


def test_a_word_is_no_part_of_a_longer_one() -> None:
    assert [w.kinds[0].id for w in words("hotel tel cardinal card")] == [
        "named-phone",
        "named-card",
    ]


def test_every_kind_has_words_and_a_shape_of_its_own() -> None:
    assert all(kind.words and kind.shape.pattern for kind in kinds())
    assert len({kind.id for kind in kinds()}) == len(kinds())


def _labels(text: str) -> set[str]:
    return {f.label for f in figures(canonical(text).text)}


@pytest.mark.parametrize(
    "text",
    [
        "Kenyan ID 29387465, landlord reference",
        "military id: 1029384756",
        "01938475 (personal code)",
        "my BRP is ZX1234567, what now",
        "титул, лична карта 640298375",
        "Fnr: 20119667276",
    ],
)
def test_a_document_of_any_country_is_told_by_its_name(text: str) -> None:
    assert "NATIONAL_ID" in _labels(text)


@pytest.mark.parametrize(
    "text",
    [
        "the BRP of 2024 and 1234567 others",
        "dossier n° 1612673, demande de permis pour notre entrepôt",
        "order id: 1029384756, passport copies go separately",
        "CI runs: 12345678 of them, PP is polypropylene",
    ],
)
def test_a_number_that_is_named_otherwise_is_no_document(text: str) -> None:
    assert "NATIONAL_ID" not in _labels(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("so chung minh nhan dan 022563397", "named-document-further"),  # without accents
        ("N° national 80030448925", "named-document-further"),  # "numéro" shortened
        ("Fuehrerscheinnr N0704578901", "named-licence"),  # "ü" and "nummer" as typed
        ("tarjeta residencia E12345678", "named-document"),  # without "de"
        ("ЕМБГ 1801967450584", "named-document-further"),
        ("პირადი ნომერი 01056459986", "named-document-further"),
        ("Վարորդական վկայական AB804391", "named-document-further"),
        ("আধার নম্বর 234567890124", "named-document-further"),
        ("iin 670606401582", "named-abbreviated-small"),
        ("A# A293-994-110", "named-document-further"),
    ],
)
def test_names_of_numbers_as_they_are_typed(text: str, rule: str) -> None:
    assert rule in found(canonical(text).text)


@pytest.mark.parametrize(
    ("beside", "alone"),
    [
        ("Matrikelnummer 2015596, Leonie Brandt", "Matrikelnummer 2015596 ist ungültig"),
        ("student id s6804683 Jiaqi Wen", "student id s6804683 not found"),
        ("ci 6499226 Wilma Mamani", "ci 6499226 failed twice"),
        ("service number 30187654 Cpl. Hughes", "service number 30187654, free of charge"),
        ("табельный номер 104527, Иванов Пётр", "табельный номер 104527 занят"),
    ],
)
def test_a_number_of_a_role_needs_somebody(beside: str, alone: str) -> None:
    kinds_of_roles = {"named-in-a-role", "named-abbreviated-of-somebody"}
    assert kinds_of_roles & set(found(canonical(beside).text))
    assert not kinds_of_roles & set(found(canonical(alone).text))


_GOODS = [word for word in re.split(r"[|()?:\[\]]+", named._OTHER.pattern) if word]


@given(st.lists(st.sampled_from([*_GOODS, *" \t\xa0\u3000\x1f.:#-vV29aß"]), max_size=6))
def test_both_engines_know_the_same_words_for_goods(parts: list[str]) -> None:
    before = "".join(parts)[-30:].rstrip("\"'\\“„(")
    assert is_of_goods(before, len(before)) == (named._OTHER.search(before) is not None)
