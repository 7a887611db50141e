"""Health counts when it is somebody's: a term, a patient, and who it is."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.combine import REACH, health_of_a_person

LETTER = "My patient Jane Doe was diagnosed with diabetes last year."


def told(text: str, *identifiers: int) -> str | None:
    span = health_of_a_person(text, identifiers)
    return None if span is None else text[slice(*span)]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        (LETTER, "diagnosed"),
        ("The patient, Mr. John Smith, suffers from chronic migraines.", "migraines"),
        ("Patient: Maria García. Admitted with pneumonia.", "pneumonia"),
        ("Herr Karl Müller leidet an Depressionen", "Depressionen"),
        ("Jane Doe, 43, tested positive for HIV", "HIV"),
        ("la paciente, Sra. Ana López, tiene cáncer", "cáncer"),
    ],
)
def test_a_term_a_patient_and_a_name(text: str, term: str) -> None:
    assert told(text) == term


@pytest.mark.parametrize(
    "text",
    [
        "Diabetes is a disease in which blood sugar is high.",
        "The patient was diagnosed with diabetes.",
        "Jane Doe wrote a book about diabetes.",
        "My patient Jane Doe likes to paint.",
        "What are the symptoms of depression?",
    ],
)
def test_two_of_the_three_are_not_enough(text: str) -> None:
    assert told(text) is None


def test_an_identifier_serves_as_well_as_a_name() -> None:
    text = "The patient was diagnosed with diabetes. Contact: jane@example.com"
    assert told(text) is None
    assert told(text, text.index("jane@")) == "diagnosed"


@pytest.mark.parametrize("gap", [REACH - 40, REACH + 40])
def test_what_is_too_far_apart_does_not_count_together(gap: int) -> None:
    text = "My patient John Smith." + " x" * (gap // 2) + " diabetes"
    assert (told(text) is not None) == (gap < REACH)
    far = "diabetes, says the patient" + " x" * (gap // 2) + " jane@example.com"
    assert (told(far, far.index("jane@")) is not None) == (gap < REACH)


def test_a_later_term_counts_where_the_first_is_general() -> None:
    text = "Diabetes is common." + " x" * REACH + " My patient Jane Doe has asthma."
    assert told(text) == "asthma"


def test_an_identifier_before_the_term_counts_too() -> None:
    text = "jane@example.com: the patient has asthma"
    assert told(text, 0) == "asthma"
