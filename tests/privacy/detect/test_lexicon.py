"""The lists of words: each is read, and the sign holds wherever one of its words may count."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect import lexicon as words
from shortstop.privacy.detect.combine import spelled
from shortstop.privacy.detect.rules import compile_pattern

TRIED = {
    "en": "diabetes", "de": "krebs", "fr": "asthme", "es": "asma", "it": "epatite",
    "pt": "gravidez", "nl": "kanker", "pl": "padaczka", "ru": "диабет", "zh": "糖尿病",
    "ja": "肺炎", "ko": "천식", "th": "มะเร็ง", "he": "סרטן", "ar": "سرطان", "el": "διαβήτης",
    "hi": "मधुमेह", "vi": "ung thư",
}  # fmt: skip


@pytest.mark.parametrize("code", words.languages())
def test_every_language_has_the_kinds_that_are_weighed(code: str) -> None:
    lexicon = words.lexicon(code)
    assert {"illness", "symptom", "care"} <= set(lexicon.terms)
    assert {"first", "kin", "patient", "age", "label"} <= set(lexicon.marks)


@pytest.mark.parametrize(("code", "word"), TRIED.items())
def test_a_word_is_a_term_of_its_language_and_a_sign(code: str, word: str) -> None:
    word = spelled(word)
    assert words.lexicon(code).terms["illness"].search(f"x {word} x".encode()) is not None
    assert words.sign_set().matches(f"x {word} x")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("drug", ["ramipril", "olmesartan", "nebivolol", "rosuvastatin", "esomeprazole",
                  "trastuzumab", "erlotinib", "flucloxacillin", "clarithromycin", "linagliptin",
                  "canagliflozin", "famotidine", "diazepam", "alprazolam", "paroxetine"],
         ["april", "islam", "statin island spam"]),
        ("ending", ["nephritis", "appendectomy", "neuropathy", "fibromyalgia", "septicaemia",
                    "rhinoplasty", "bronchoscopy", "hepatoma", "cardiomyopathy"],
         ["aroma", "roma", "diploma", "oklahoma"]),
    ],
)  # fmt: skip
def test_word_parts_make_words_that_no_list_has(kind: str, good: list[str], bad: list[str]) -> None:
    pattern = words.latin()[0][kind]
    assert [w for w in good if pattern.search(w) is None] == []
    found = {m.group().strip() for w in bad for m in pattern.finditer(w)}
    assert found <= words.excepted()


def test_shorthand_and_codes_are_told_by_their_capitals() -> None:
    as_is = words.latin()[1]
    assert as_is["shorthand"].search("Hx of gout, PRN") is not None
    assert as_is["shorthand"].search("a bid on a prn") is None
    assert as_is["code"].search("ICD-10: E11.9") is not None
    assert as_is["value"].search("BP 140/90") is not None


@pytest.mark.parametrize(
    "text", ["Hx of gout", "ICD-10 E11.9", "HbA1c 8.1 %", "BP 140/90", "POD 2", "SpO2 91%"]
)
def test_the_sign_holds_for_shorthand_in_lower_case(text: str) -> None:
    assert words.sign_set().matches(spelled(text))


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        (["diabet*"], "x diabetische x", " diabetische "),
        (["*krebs"], "x brustkrebs x", " brustkrebs "),
        (["heart attack"], "heart-attack", "heart-attack"),
        (["癌"], "肺癌で", "癌"),
    ],
)
def test_stars_and_blanks(wanted: list[str], text: str, found: str) -> None:
    match = compile_pattern(words.any_of(wanted)).search(text)
    assert match is not None
    assert match.group() == found
    assert compile_pattern(words.any_of(wanted, loose=True)).search(text) is not None


def test_a_word_is_not_found_inside_another() -> None:
    pattern = compile_pattern(words.any_of(["рак", "hiv"]))
    assert pattern.search("характер") is None
    assert pattern.search("archive") is None


def test_languages_are_told_by_their_words() -> None:
    assert "de" in words.spoken("ich habe das nicht und der hund ist weg")
    assert words.spoken("this is what the people of the town have said") == ["en"]
    assert words.spoken("12 34") == ["en", *(c for c in words.languages() if c != "en")]
    assert "ru" in words.spoken("что это такое")


@pytest.mark.parametrize(
    "word", ["thymoma", "gastroparesis", "mesothelioma", "cardiomiopatia", "lungenfibrose"]
)
def test_a_word_of_greek_and_latin_parts_is_a_sign(word: str) -> None:
    assert words.sign_set().matches(f"he has {word} now")


@pytest.mark.parametrize(
    ("word", "good", "bad"),
    [
        (r"mein\w* (?:\w+ ){0,2}schwester", "meine ältere süße schwester", "meine schwes"),
        ("křížov* vaz*", "přetržený křížový vaz", "křížov2 vaz"),
    ],
)
def test_letters_inside_a_word_may_have_accents(word: str, good: str, bad: str) -> None:
    pattern = compile_pattern(words.any_of([word]))
    assert pattern.search(good.encode()) is not None
    assert pattern.search(bad.encode()) is None
