"""Health counts when it is somebody's: a term, a patient, and who it is."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.combine import (
    REACH,
    STRETCH,
    health_of_a_person,
    health_of_anybody,
    lowered,
    may_speak_of_health,
    weights,
)

LETTER = "My patient Jane Doe was diagnosed with diabetes last year."


def told(text: str, *identifiers: int) -> str | None:
    span = health_of_a_person(text, identifiers)
    return None if span is None else text[slice(*span)]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        (LETTER, "diabetes"),
        ("The patient, Mr. John Smith, suffers from chronic migraines.", "migraines"),
        ("Patient: Maria García. Admitted with pneumonia.", "pneumonia"),
        ("Herr Karl Müller leidet an Depressionen", "Depressionen"),
        ("Jane Doe, 43, tested positive for HIV", "tested positive"),
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
    assert told(text, text.index("jane@")) == "diabetes"


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


@pytest.mark.parametrize(
    "text",
    [
        "Pt Odile Marsh, chart 77120, Hx of adenocarcinoma, Tx FOLFIRI, f/u in June.",
        "52 y/o F c/o SOB, s/p CABG, BP 158/94, on bisoprolol 5 mg BID. Bed 4, Mr. Iwu.",
        "I have been taking escitalopram since my panic attacks began.",
        "my son was just diagnosed with leukaemia",
        "She has endometriosis and is on dienogest.",
        "Ich habe seit gestern Fieber und Husten.",
        "Bei mir wurde Brustkrebs festgestellt.",
        "Je souffre d'une hernie discale.",
        "Mi madre tiene alzheimer y no nos reconoce.",
        "Mijn dochter heeft epilepsie.",
        "Mio padre ha avuto un infarto.",
        "Minha mãe teve um AVC.",
        "Mój syn ma astmę.",
        "У моей дочери диабет.",
        "我妈妈得了肺癌",
        "母は認知症です。私の母は入院中です。",
        "제 아들은 천식이 있어요.",
        "Min mamma har fått bröstcancer.",
        "Babam kalp krizi geçirdi.",
    ],
)
def test_people_tell_of_their_health_in_many_ways(text: str) -> None:
    assert told(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "How does bisoprolol slow the heart?",
        "I am writing a paper about leukaemia.",
        "My dog has diabetes.",
        "Should I get a flu shot?",
        "He caught the travel bug; the project is on life support.",
        "A 52-year-old woman presents with dyspnoea and fever. Which of the following is the most "
        "likely diagnosis? A) pneumonia B) asthma C) heart failure",
        "Mortality was lower with dapagliflozin in 4,120 patients.",
        "The Great Depression hit her town hard.",
        "Was ist Epilepsie?",
        "Ho una domanda: quali sono i sintomi della polmonite?",
        "O que é asma?",
        "Что такое астма?",
        "April and May were months of sympathy, nostalgia and microscopy.",
    ],
)
def test_what_is_nobodys_does_not_count(text: str) -> None:
    assert told(text) is None


def test_an_exam_with_a_real_patient_in_it_is_no_exam() -> None:
    vignette = "A 52-year-old woman has fever. Which of the following? A. asthma B. flu C. gout"
    assert told(vignette) is None
    assert told("jane@example.com " + vignette, 0) is not None


def test_a_long_text_of_illnesses_alone_is_read_in_bounded_stretches() -> None:
    assert told("asthma, gout, lupus, " * STRETCH) is None
    assert told("asthma, gout, lupus, " * STRETCH + " Mrs Iwu has gout") is not None


def test_a_word_about_health_counts_for_anybody_named_elsewhere() -> None:
    span = health_of_anybody("please plan the chemotherapy for May")
    assert span == (16, 28)
    assert health_of_anybody("please plan the party for May") is None


def test_lower_case_keeps_every_offset() -> None:
    text = "İSTANBUL ΑΣΘΜΑ Straße"
    assert len(lowered(text)) == len(text)


def test_ordinary_text_is_done_in_one_pass() -> None:
    assert not may_speak_of_health("please move the meeting to friday and book a room")
    assert may_speak_of_health("the meeting is about epilepsy")


def test_every_kind_of_evidence_has_a_weight_and_the_strongest_suffice_together() -> None:
    table = weights()
    strong = max(table["health"].values()), max(table["person"].values())
    assert strong[0] * strong[1] > table["enough"] > max(table["health"].values())


@pytest.mark.parametrize(
    "text",
    [
        "Ο Νίκος κάνει αιμοκάθαρση τρεις φορές την εβδομάδα",
        "राहुल को टीबी हो गई है",
        "赵雨桐下周要做乳腺手术",
        "部長が先月から透析に通っている",
        "רונית מתחילה כימותרפיה ביום ראשון",
        "فاطمة تبدأ العلاج الكيميائي يوم الأحد",
    ],
)
def test_a_name_in_another_script_says_whose_it_is(text: str) -> None:
    assert health_of_a_person(text, []) is not None


@pytest.mark.parametrize("text", ["I have an odd payment", "10 kg dumb bells, I need them"])
def test_everyday_words_are_no_illness(text: str) -> None:
    assert health_of_a_person(text, []) is None
