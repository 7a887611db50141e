"""The checks that rules name: ours, and the national numbers of python-stdnum."""

from __future__ import annotations

import string
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shortstop.privacy.detect import checks
from shortstop.privacy.detect.named import kinds
from shortstop.privacy.detect.rules import builtin
from tests.privacy.detect.test_numbers import DIGITS, changed

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


def test_every_check_of_ours_is_named_by_some_rule() -> None:
    used = {rule.check for rule in builtin()} | {kind.check for kind in kinds()}
    assert [name for name, check in checks.NAMED.items() if check not in used] == []


def test_a_check_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        checks.named("no.such.check")


@pytest.mark.parametrize("name", ["mailer-daemon", "release-bot", "users-leave", "lists.dev"])
def test_mailboxes_of_robots_and_lists_are_nobody_s(name: str) -> None:
    assert not checks.personal_mailbox(f"{name}@acme.com")
    assert checks.personal_mailbox(f"jane+{name}@acme.com")


@pytest.mark.parametrize("name", ["no-reply", "noreply", "do-not-reply", "donotreply", "No_Reply"])
def test_a_robots_address_is_nobodys(name: str) -> None:
    assert not checks.personal_mailbox(f"{name}@acme.com")
    assert checks.personal_mailbox(f"jane.{name}@acme.com")


@given(st.text("0123456789abcXYZ -_.@/'\"$<\u0660", max_size=40))
def test_no_value_that_a_rule_may_match_breaks_a_check(value: str) -> None:
    for name, check in checks.NAMED.items():
        if name != "routable_ip":  # its rule matches four numbers only
            assert check(value) in (True, False)
