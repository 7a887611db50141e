"""Whether the words around a value name somebody."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.somebody import may_be_named, spoken_of


@pytest.mark.parametrize(
    "text",
    [
        "Leonie Brandt, 4. Versuch",
        "Sandoval, Deepak",
        "Ms Quaye is behind",
        "my husband lost it",
        "meine Tochter zieht um",
        "the Hallorans: 318,400",
        "Marguerite is on 62k",
        "Anna's bonus",
        "Grzegorz zarabia 9 850",
        "mum has savings",
        "Иванова Светлана",
        "李伟先生",
        "김민수 씨",
        "Cpl. Hughes",
    ],
)
def test_somebody_is_spoken_of(text: str) -> None:
    assert spoken_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "Peter Huber GmbH, 12 pallets",
        "Hotel Adler, 2 rooms",
        "the Netherlands: 318,400",
        "Besuchen Sie uns",
        "14 Tage, Mahnung",
        "Quarterly Report of the Board",
        "金额 1200",
        "the worker starts 4 jobs",
        "8-18 Uhr. Bitte kürzen",
        "Bristol BS1 5TY",
    ],
)
def test_nobody_is(text: str) -> None:
    assert not spoken_of(text)


def test_a_first_name_alone_may_be_somebody() -> None:
    assert may_be_named("iin of Deepak")
    assert not spoken_of("iin of Deepak")
    assert not may_be_named("iin of the driver")


def test_a_department_says_that_a_name_is_a_person_s() -> None:
    assert spoken_of("Beth in accounts got a raise")
    assert spoken_of("Callum still owes me 40")
