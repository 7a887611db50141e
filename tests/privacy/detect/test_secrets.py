"""A secret is random or chosen as a password: not a name, not a placeholder."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shortstop.privacy.detect import secrets


@given(st.integers(0, 2**32), st.integers(24, 64))
def test_what_was_drawn_is_a_secret(seed: int, length: int) -> None:
    drawn = "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))
    assume(any(c.isdigit() for c in drawn))
    assert secrets.secret(drawn)
    assert secrets.secret(f'"{drawn}",')
    assert secrets.mixed(drawn)


PLACEHOLDERS = [
    "xxxxxxxx", "********", "<your-key>", "${API_KEY}", "your_api_key_here", "my-secret-token",
    "API_KEY", "changeme", "example-token-1", "process.env.TOKEN", "os.environ['X']",
    "getPassword()", "insert_key_here", "none", "undefined", "1234567890", "%TOKEN%",
]  # fmt: skip


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_no_secret(value: str) -> None:
    assert not secrets.secret(value)
    assert not secrets.password(value)
    assert not secrets.drawn(value)


NAMES = [
    "snake_case_name_of_things", "kebab-case-name-of-things", "package.module.function",
    "/usr/local/share/things", "./relative/path/to/it", "somelongwordwithoutend",
]  # fmt: skip


@pytest.mark.parametrize("value", NAMES)
def test_a_name_in_code_is_no_secret(value: str) -> None:
    assert not secrets.secret(value)


@pytest.mark.parametrize(
    "value", ["v1.2.3-beta.4", "2024-03-01T10:00:00Z", "/srv/app2/file10.txt", "item-12.rev-34"]
)
def test_versions_dates_and_paths_were_not_drawn(value: str) -> None:
    assert not secrets.drawn_short(value)
    assert not secrets.drawn(value)


def test_beside_a_common_word_more_is_asked() -> None:
    ten = "a8Kq2Zx9Lm"
    assert secrets.drawn_short(ten)
    assert not secrets.drawn(ten)
    assert secrets.drawn(ten + "7Rt4Yw")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("hunter2", True), ("Passw0rd!", True), ("correct", False), ("Jane's", False),
     ("Anne-marie", False), ("ab1", False), ("letmein", False), ("s3cr3t", True)],
)  # fmt: skip
def test_passwords_of_people(value: str, wanted: bool) -> None:
    assert secrets.password(value) is wanted


def test_beside_a_name_a_password_must_not_be_a_name_itself() -> None:
    assert secrets.mixed_password("Tr0ub4dor&3")
    assert not secrets.mixed_password("Johnson2")
    assert not secrets.mixed_password("hunter2")


@given(st.text(max_size=40))
def test_entropy_is_between_none_and_all(text: str) -> None:
    bits = secrets.entropy(text)
    assert 0 <= bits <= max(0.0, len(text).bit_length())
    assert secrets.entropy("ab") == pytest.approx(1)
    assert secrets.entropy("aaaa") == 0
