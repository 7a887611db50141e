"""Surrogates: of the value's kind, stable where they must be, and real for nobody."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import numbers
from shortstop.privacy.detect.detector import standard_detector
from shortstop.privacy.replace.surrogates import MAX_TRIES, SurrogateFactory, cased
from tests.privacy.conftest import UNTIMED

KEY = b"k" * 32
LABELS = ["EMAIL", "PHONE", "CARD", "IBAN", "ADDRESS", "IP", "NATIONAL_ID", "PASSPORT",
          "BANK_ACCOUNT", "PERSON", "ORGANISATION", "PLACE", "SECRET", "MEDICAL_ID"]  # fmt: skip
LABEL = st.sampled_from(LABELS)
VALUE = st.text(min_size=1, max_size=30).filter(lambda t: bool(t.strip()))


def drawn(label: str, value: str, conversation: str = "c", tenant: str = "t") -> str:
    return SurrogateFactory(KEY, tenant, conversation).surrogate(label, value, "", set())


# ---------------------------------------------------------------- stable, and only where it must be


@given(LABEL, VALUE)
def test_the_same_value_gets_the_same_surrogate_in_a_conversation(label: str, value: str) -> None:
    assert drawn(label, value) == drawn(label, value)


@pytest.mark.parametrize("spelling", ["jane  doe", "Jane\nDoe", "JANE DOE"])
def test_spaces_and_case_make_no_other_value(spelling: str) -> None:
    assert drawn("EMAIL", spelling) == drawn("EMAIL", "Jane Doe")


@pytest.mark.parametrize("label", [x for x in LABELS if x != "IP"])
def test_elsewhere_it_gets_another(label: str) -> None:
    """Two conversations, two tenants or two keys cannot be linked by their surrogates."""
    here = drawn(label, "Jane Doe")
    assert here != drawn(label, "Jane Doe", conversation="d")
    assert here != drawn(label, "Jane Doe", tenant="u")
    assert here != SurrogateFactory(b"o" * 32, "t", "c").surrogate(label, "Jane Doe", "", set())
    assert here != drawn(label, "John Roe")


def test_a_tenants_name_cannot_be_shifted_into_a_conversations() -> None:
    assert drawn("EMAIL", "x", tenant="ab", conversation="c") != drawn(
        "EMAIL", "x", tenant="a", conversation="bc"
    )


@given(LABEL, VALUE, st.integers(1, 5))
def test_one_that_is_taken_is_not_given_again(label: str, value: str, count: int) -> None:
    factory, used = SurrogateFactory(KEY, "t", "c"), set[str]()
    for _ in range(count):
        surrogate = factory.surrogate(label, value, "", used)
        assert surrogate.lower() not in used
        used.add(surrogate.lower())


@given(LABEL, VALUE)
def test_one_that_the_text_contains_is_not_given(label: str, value: str) -> None:
    first = drawn(label, value)
    text = f"and {first} too".lower()
    other = SurrogateFactory(KEY, "t", "c").surrogate(label, value, text, set())
    assert other.lower() not in text


def test_when_none_is_free_nothing_leaves() -> None:
    taken = {f"203.0.113.{n}" for n in range(256)}
    with pytest.raises(ValueError, match="free"):
        SurrogateFactory(KEY, "t", "c").surrogate("IP", "8.8.8.8", "", taken)
    assert MAX_TRIES < 256


# ---------------------------------------------------------------- harmless


@given(VALUE)
def test_no_surrogate_reaches_anybody(value: str) -> None:
    assert re.search(r"@example\.(com|net|org)$", drawn("EMAIL", value)), "reserved, RFC 2606"
    assert re.fullmatch(r"\+1-\d{3}-555-01\d\d", drawn("PHONE", value)), "for fiction"
    assert ipaddress.ip_address(drawn("IP", value)) in ipaddress.ip_network("203.0.113.0/24")
    assert not numbers.card(drawn("CARD", value))
    assert len(drawn("CARD", value)) == 16
    assert drawn("NATIONAL_ID", value).startswith("ID-000-")


@given(st.from_regex(r"[A-Z]{2}\d{2}[A-Z0-9]{10,20}", fullmatch=True))
def test_an_account_keeps_its_country_and_fails_its_check(value: str) -> None:
    surrogate = drawn("IBAN", value)
    assert surrogate[:2] == value[:2]
    assert not numbers.iban_number(surrogate)


def test_of_an_account_without_a_country_none_is_made_up() -> None:
    assert drawn("IBAN", "12 345").startswith("XX00")


@UNTIMED
@given(LABEL, VALUE)
def test_a_surrogate_is_no_value_that_would_pin_again(label: str, value: str) -> None:
    """E-mail addresses and phones aside, which look like what they are."""
    if label not in ("EMAIL", "PHONE", "ADDRESS", "PASSPORT", "NATIONAL_ID", "BANK_ACCOUNT"):
        labels = {h.rule.label for h in standard_detector().hits(drawn(label, value))}
        assert labels <= {"IP"}


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("value", "script"),
    [
        ("Jane", "LATIN"), ("Иван", "CYRILLIC"), ("Ελένη", "GREEK"), ("李小龙", "CJK"),
        ("さくら", "HIRAGANA"), ("サクラ", "KATAKANA"), ("김민준", "HANGUL"), ("محمد", "ARABIC"),
        ("דוד", "HEBREW"), ("राम", "DEVANAGARI"), ("สมชาย", "THAI"), ("Ամիր", "LATIN"),
    ],
)  # fmt: skip
def test_a_name_keeps_its_script(value: str, script: str) -> None:
    surrogate = drawn("PERSON", value)
    assert {unicodedata.name(c).split()[0] for c in surrogate if c.isalpha()} == {script}
    assert surrogate != value


@pytest.mark.parametrize(
    ("value", "case"), [("Jane", str.istitle), ("JANE", str.isupper), ("jane", str.islower)]
)
def test_and_its_case(value: str, case: object) -> None:
    assert callable(case)
    assert case(drawn("PERSON", value))


@given(st.text("abc", min_size=1, max_size=6), st.sampled_from(["jane", "JANE", "Jane", "J", "漢"]))
def test_a_name_is_cased_like_another_and_stays_the_same_name(name: str, value: str) -> None:
    assert cased(name, value).lower() == name
    assert cased(cased(name, value), value) == cased(name, value)


@pytest.mark.parametrize("form", ["Ltd", "GmbH", "Inc.", "Bank", "University"])
def test_a_firm_keeps_its_form(form: str) -> None:
    first, last = drawn("ORGANISATION", f"Acme {form}").split()
    assert (first != "Acme", last) == (True, form)
    assert " " not in drawn("ORGANISATION", "Acme Rockets")


# ---------------------------------------------------------------- dates


@given(st.dates(date(1910, 1, 1)), st.dates(date(1910, 1, 1)))
def test_intervals_of_a_conversation_stay(one: date, two: date) -> None:
    factory = SurrogateFactory(KEY, "t", "c")
    a, b = (
        date.fromisoformat(factory.surrogate("DOB", d.isoformat(), "", set())) for d in (one, two)
    )
    assert a - b == one - two
    assert a != one


def test_another_conversation_moves_by_another_number_of_days() -> None:
    moves = {drawn("DOB", "1980-03-15", conversation=str(n)) for n in range(20)}
    assert len(moves) > 10
    assert all(date(1980, 3, 15) - date.fromisoformat(d) >= date(2001, 2, 5) - date(2000, 1, 1)
               for d in moves), "at least 400 days"  # fmt: skip
