"""Checks believe valid numbers, and no number that differs from one in a single digit."""

from __future__ import annotations

import ipaddress
import random
import string
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import iban, luhn

from shortstop.privacy.detect import checks
from shortstop.privacy.detect.rules import builtin

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
    assert checks.card(grouped(number, gap))


@given(cards(), st.integers(0, 18), DIGITS)
def test_a_card_with_one_digit_changed_is_none(number: str, place: int, digit: str) -> None:
    other = changed(number, place, digit)
    assume(other != number)
    assert not checks.card(other)


@given(digits_of(15))
def test_luhn_is_the_librarys(body: str) -> None:
    number = body + luhn.calc_check_digit(body)
    assume(len(set(number)) > 1)
    assert checks.luhn(number)
    assert not checks.luhn(body + str((int(number[-1]) + 1) % 10))


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
    assert not checks.card(number)


# ---------------------------------------------------------------- accounts


@st.composite
def accounts(draw: st.DrawFn) -> str:
    country, length = draw(st.sampled_from([("DE", 18), ("GB", 18), ("FR", 23), ("NO", 11)]))
    body = draw(digits_of(length))
    return country + iban.calc_check_digits(f"{country}00{body}") + body


@given(accounts(), GAPS, st.booleans())
def test_an_account_is_one_however_it_is_written(number: str, gap: str, small: bool) -> None:
    written = grouped(number, gap)
    assert checks.iban_number(written.lower() if small else written)


@given(accounts(), st.integers(0, 30), DIGITS)
def test_an_account_with_one_digit_changed_is_none(number: str, place: int, digit: str) -> None:
    other = changed(number, place, digit)
    assume(other != number)
    assert not checks.iban_number(other)


@given(accounts(), st.integers(0, 20))
def test_nor_is_one_with_two_neighbours_swapped(number: str, place: int) -> None:
    i = 2 + place % (len(number) - 3)
    other = number[:i] + number[i + 1] + number[i] + number[i + 2 :]
    assume(other != number)
    assert not checks.iban_number(other)


def test_a_word_with_few_digits_is_no_account() -> None:
    assert not checks.iban_number("GBABCDEFGHIJKLMNOP")
    assert not checks.iban_number("DE89 3704")
    assert checks.iban_country("DE89370400440532013001"), "beside the word IBAN a typo is one"
    assert not checks.iban_country("DE89 3704 00")


WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7)


@st.composite
def routing_numbers(draw: st.DrawFn) -> str:
    body = draw(digits_of(8))
    total = sum(w * int(c) for w, c in zip(WEIGHTS, body, strict=True))
    return f"{body}{-total % 10}"


@given(routing_numbers(), st.integers(0, 8), DIGITS)
def test_an_american_bank_is_known_by_its_weighted_sum(number: str, place: int, digit: str) -> None:
    assume(any(c != "0" for c in number))
    assert checks.aba(number)
    other = changed(number, place, digit)
    assume(other != number)
    assert not checks.aba(other)


def test_nine_zeros_and_ten_digits_are_no_bank() -> None:
    assert not checks.aba("000000000")
    assert not checks.aba("0210000210")


# ---------------------------------------------------------------- people


@pytest.mark.parametrize("number", ["088-32-1296", "088 32 1296", "123 45 6788"])
def test_social_security(number: str) -> None:
    assert checks.ssn(number)


@pytest.mark.parametrize(
    "number",
    ["000-32-1296", "666-32-1296", "088-00-1296", "088-32-0000", "111111111", "123456789", "1234"],
)
def test_numbers_that_were_never_issued(number: str) -> None:
    assert not checks.ssn(number)


PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)


@given(
    st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.integers(0, 9999), st.integers(0, 10), DIGITS
)
def test_a_polish_number_with_one_digit_changed_is_none(
    born: date, serial: int, place: int, digit: str
) -> None:
    body = f"{born:%y%m%d}{serial:04d}"
    total = sum(w * int(c) for w, c in zip(PESEL_WEIGHTS, body, strict=True))
    number = f"{body}{-total % 10}"
    check = checks.named("pl.pesel")
    assert check(number)
    other = changed(number, place, digit)
    assume(other != number)
    assert not check(other)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("es.dni", "54362315K"),
        ("es.nie", "X2482300W"),
        ("fr.nir", "295109912611193"),
        ("it.codicefiscale", "RCCMNL83S18D969H"),
        ("be.nn", "85073003328"),
        ("ch.ssn", "7569217076985"),
        ("za.idnr", "7503305044089"),
    ],
)
def test_national_numbers_with_one_digit_changed_are_none(name: str, number: str) -> None:
    check = checks.named(name)
    assert check(number)
    believed = [
        other
        for place in range(sum(c.isdigit() for c in number))
        for digit in string.digits
        if (other := changed(number, place, digit)) != number and check(other)
    ]
    assert believed == []


def test_a_row_of_one_digit_is_no_number_of_anybody() -> None:
    assert checks.named("br.cpf")("39053344705")
    assert not checks.named("br.cpf")("00000000000")


def test_every_check_that_a_rule_names_exists_and_others_do_not() -> None:
    assert [r.id for r in builtin() if r.check is not None]
    with pytest.raises(ModuleNotFoundError):
        checks.named("no.such.check")


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
    assert checks.phone(value) is wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("19800315", True),
        ("20240229", True),
        ("18800315", False),
        ("19801315", False),
        ("19800332", False),
        ("3 March 1980", True),
        ("3 March 1066", False),
        ("03.03.80", True),
    ],
)
def test_days_somebody_may_be_born_on(value: str, wanted: bool) -> None:
    assert checks.date(value) is wanted


@pytest.mark.parametrize("name", ["no-reply", "noreply", "do-not-reply", "donotreply", "No_Reply"])
def test_a_robots_address_is_nobodys(name: str) -> None:
    assert not checks.personal_mailbox(f"{name}@acme.com")
    assert checks.personal_mailbox(f"jane.{name}@acme.com")


# ---------------------------------------------------------------- places


@pytest.mark.parametrize("value", ["12 Station Road", "Hauptstraße 5, Berlin", "10 Downing Street"])
def test_a_number_and_a_name_make_a_place(value: str) -> None:
    assert checks.place(value)


@pytest.mark.parametrize(
    "value",
    ["Station Road", "12 34", "Chapter 5 of Dracula", "version 12 Beta", "http://12 Road",
     "Windows 11 Pro", "On May 12 Jane", "the 12 monkeys", "1.5 Million People"],
)  # fmt: skip
def test_what_is_counted_or_dated_is_none(value: str) -> None:
    assert not checks.place(value)


def test_a_full_address_has_a_code_besides_the_house() -> None:
    assert checks.full_place("12 Station Road, Leeds LS1 4AP")
    assert checks.full_place("Hauptstraße 5, 10115 Berlin")
    assert not checks.full_place("12 Station Road, Leeds")
    assert not checks.full_place("12 station road, leeds LS1 4AP")


# ---------------------------------------------------------------- secrets


@given(st.integers(0, 2**32), st.integers(24, 64))
def test_what_was_drawn_is_a_secret(seed: int, length: int) -> None:
    drawn = "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))
    assume(any(c.isdigit() for c in drawn))
    assert checks.secret(drawn)
    assert checks.secret(f'"{drawn}",')
    assert checks.mixed(drawn)


PLACEHOLDERS = [
    "xxxxxxxx", "********", "<your-key>", "${API_KEY}", "your_api_key_here", "my-secret-token",
    "API_KEY", "changeme", "example-token-1", "process.env.TOKEN", "os.environ['X']",
    "getPassword()", "insert_key_here", "none", "undefined", "1234567890", "%TOKEN%",
]  # fmt: skip


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_no_secret(value: str) -> None:
    assert not checks.secret(value)
    assert not checks.password(value)
    assert not checks.drawn(value)


NAMES = [
    "snake_case_name_of_things", "kebab-case-name-of-things", "package.module.function",
    "/usr/local/share/things", "./relative/path/to/it", "somelongwordwithoutend",
]  # fmt: skip


@pytest.mark.parametrize("value", NAMES)
def test_a_name_in_code_is_no_secret(value: str) -> None:
    assert not checks.secret(value)


@pytest.mark.parametrize(
    "value", ["v1.2.3-beta.4", "2024-03-01T10:00:00Z", "/srv/app2/file10.txt", "item-12.rev-34"]
)
def test_versions_dates_and_paths_were_not_drawn(value: str) -> None:
    assert not checks.drawn_short(value)
    assert not checks.drawn(value)


def test_beside_a_common_word_more_is_asked() -> None:
    ten = "a8Kq2Zx9Lm"
    assert checks.drawn_short(ten)
    assert not checks.drawn(ten)
    assert checks.drawn(ten + "7Rt4Yw")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("hunter2", True), ("Passw0rd!", True), ("correct", False), ("Jane's", False),
     ("Anne-marie", False), ("ab1", False), ("letmein", False), ("s3cr3t", True)],
)  # fmt: skip
def test_passwords_of_people(value: str, wanted: bool) -> None:
    assert checks.password(value) is wanted


def test_beside_a_name_a_password_must_not_be_a_name_itself() -> None:
    assert checks.mixed_password("Tr0ub4dor&3")
    assert not checks.mixed_password("Johnson2")
    assert not checks.mixed_password("hunter2")


@given(st.text(max_size=40))
def test_entropy_is_between_none_and_all(text: str) -> None:
    bits = checks.entropy(text)
    assert 0 <= bits <= max(0.0, len(text).bit_length())
    assert checks.entropy("ab") == pytest.approx(1)
    assert checks.entropy("aaaa") == 0


# ---------------------------------------------------------------- addresses of machines


@given(st.ip_addresses(v=4))
def test_only_addresses_that_are_routed_count(address: ipaddress.IPv4Address) -> None:
    if checks.routable_ip(str(address)):
        assert not address.is_loopback
        assert not address.is_multicast
        for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/8", "240.0.0.0/4"):
            assert address not in ipaddress.ip_network(net)
    else:
        assert not address.is_global or address.is_multicast


@pytest.mark.parametrize("value", ["1.2.3", "1.2.3.4.5", "300.1.1.1", "8.8.8.256"])
def test_what_is_no_address_of_a_machine_is_none(value: str) -> None:
    assert not checks.routable_ip(value)


def test_a_wallet_is_known_by_its_checksum() -> None:
    address = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    assert checks.base58(address)
    assert not checks.base58(address[:-1] + "b")


@given(st.text("0123456789abcXYZ -_.@/'\"$<\u0660", max_size=40))
def test_no_value_that_a_rule_may_match_breaks_a_check(value: str) -> None:
    for name, check in checks.NAMED.items():
        if name != "routable_ip":  # its rule matches four numbers only
            assert check(value) in (True, False)
