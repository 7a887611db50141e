"""Valid numbers are believed, and none that differs from one in a single digit."""

from __future__ import annotations

import ipaddress
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import iban, luhn

from shortstop.privacy.detect import numbers

DIGITS = st.text(string.digits, min_size=1, max_size=1)


def digits_of(size: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=size, max_size=size)


def changed(number: str, place: int, digit: str) -> str:
    """The number with one of its digits replaced; the same when it is that digit already."""
    places = [i for i, c in enumerate(number) if c.isdigit()]
    i = places[place % len(places)]
    return number[:i] + digit + number[i + 1 :]


def grouped(number: str, gap: str) -> str:
    return gap.join(number[i : i + 4] for i in range(0, len(number), 4))


GAPS = st.sampled_from(["", " ", "-"])


# ---------------------------------------------------------------- cards


BRANDS = st.sampled_from(
    [("4", 13), ("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16),
     ("34", 15), ("37", 15), ("36", 14), ("38", 14), ("30", 14), ("3528", 16), ("6011", 16),
     ("65", 16), ("62", 16), ("6759", 12), ("5018", 16), ("2200", 16), ("9792", 16)]
)  # fmt: skip


@st.composite
def cards(draw: st.DrawFn) -> str:
    head, length = draw(BRANDS)
    body = head + draw(digits_of(length - len(head) - 1))
    number = body + luhn.calc_check_digit(body)
    return number


@given(cards(), GAPS)
def test_a_card_of_every_brand_is_one(number: str, gap: str) -> None:
    assert numbers.card(grouped(number, gap))


@given(cards(), st.integers(0, 18), DIGITS)
def test_a_card_with_one_digit_changed_is_none(number: str, place: int, digit: str) -> None:
    other = changed(number, place, digit)
    assume(other != number)
    assert not numbers.card(other)


@given(digits_of(15))
def test_luhn_is_the_librarys(body: str) -> None:
    number = body + luhn.calc_check_digit(body)
    assume(len(set(number)) > 1)
    assert numbers.luhn(number)
    assert not numbers.luhn(body + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "number",
    [
        "0000000000000000",
        "4111 1111 1111 1112",
        "1234567812345670",  # Luhn holds, no issuer has the range
        "411111111111",  # a Visa's range, not its length
        "9999999999999995",
        "",
    ],
)
def test_what_is_no_card_is_none(number: str) -> None:
    assert not numbers.card(number)


# ---------------------------------------------------------------- accounts


@st.composite
def accounts(draw: st.DrawFn) -> str:
    country, length = draw(st.sampled_from([("DE", 18), ("GB", 18), ("FR", 23), ("NO", 11)]))
    body = draw(digits_of(length))
    return country + iban.calc_check_digits(f"{country}00{body}") + body


@given(accounts(), GAPS, st.booleans())
def test_an_account_is_one_however_it_is_written(number: str, gap: str, small: bool) -> None:
    written = grouped(number, gap)
    assert numbers.iban_number(written.lower() if small else written)


@given(accounts(), st.integers(0, 30), DIGITS)
def test_an_account_with_one_digit_changed_is_none(number: str, place: int, digit: str) -> None:
    other = changed(number, place, digit)
    assume(other != number)
    assert not numbers.iban_number(other)


@given(accounts(), st.integers(0, 20))
def test_nor_is_one_with_two_neighbours_swapped(number: str, place: int) -> None:
    i = 2 + place % (len(number) - 3)
    other = number[:i] + number[i + 1] + number[i] + number[i + 2 :]
    assume(other != number)
    assert not numbers.iban_number(other)


def test_a_word_with_few_digits_is_no_account() -> None:
    assert not numbers.iban_number("GBABCDEFGHIJKLMNOP")
    assert not numbers.iban_number("DE89 3704")
    assert numbers.iban_country("DE89370400440532013001"), "beside the word IBAN a typo is one"
    assert not numbers.iban_country("DE89 3704 00")


WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7)


@st.composite
def routing_numbers(draw: st.DrawFn) -> str:
    body = draw(digits_of(8))
    total = sum(w * int(c) for w, c in zip(WEIGHTS, body, strict=True))
    return f"{body}{-total % 10}"


@given(routing_numbers(), st.integers(0, 8), DIGITS)
def test_an_american_bank_is_known_by_its_weighted_sum(number: str, place: int, digit: str) -> None:
    assume(any(c != "0" for c in number))
    assert numbers.aba(number)
    other = changed(number, place, digit)
    assume(other != number)
    assert not numbers.aba(other)


def test_nine_zeros_and_ten_digits_are_no_bank() -> None:
    assert not numbers.aba("000000000")
    assert not numbers.aba("0210000210")


# ---------------------------------------------------------------- people and machines


@pytest.mark.parametrize("number", ["088-32-1296", "088 32 1296", "123 45 6788"])
def test_social_security(number: str) -> None:
    assert numbers.ssn(number)


@pytest.mark.parametrize(
    "number",
    ["000-32-1296", "666-32-1296", "088-00-1296", "088-32-0000", "111111111", "123456789", "1234"],
)
def test_numbers_that_were_never_issued(number: str) -> None:
    assert not numbers.ssn(number)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("+49 30 901820", True),
        ("(415) 555-2671", True),
        ("555-2671", True),
        ("123-456", False),
        ("0000000", False),
        ("1111 2222 1111", False),
        ("00 415 555", False),
        ("00 49 30 901820", True),
        ("1" + "234567890" * 2, False),
    ],
)
def test_phones(value: str, wanted: bool) -> None:
    assert numbers.phone(value) is wanted


@given(st.ip_addresses(v=4))
def test_only_addresses_that_are_routed_count(address: ipaddress.IPv4Address) -> None:
    if numbers.routable_ip(str(address)):
        assert not address.is_loopback
        assert not address.is_multicast
        for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/8", "240.0.0.0/4"):
            assert address not in ipaddress.ip_network(net)
    else:
        assert not address.is_global or address.is_multicast


@pytest.mark.parametrize("value", ["1.2.3", "1.2.3.4.5", "300.1.1.1", "8.8.8.256"])
def test_what_is_no_address_of_a_machine_is_none(value: str) -> None:
    assert not numbers.routable_ip(value)
