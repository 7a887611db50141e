"""What stands in the place of a secret is one, unless it only stands for one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import secrets

WALLET = "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn"
"""The key 1 of Bitcoin's curve, compressed."""


@pytest.mark.parametrize(
    "value", ["<your-key>", "${API_KEY}", "YOUR_TOKEN_HERE", "changeme", "xxxxxxxxxxxx", "password",
              "{{ token }}", "example-token-1", "%TOKEN%", "AKIAIOSFODNN7EXAMPLE",
              "os.environ['X']"]
)  # fmt: skip
def test_a_placeholder_is_no_secret(value: str) -> None:
    assert not secrets.real(value)


@pytest.mark.parametrize("value", ["nxrp", "R3tT", "hunter2", "5vWv5pzgpUammUJT", "tr0ub4dor"])
def test_what_somebody_filled_in_is(value: str) -> None:
    assert secrets.real(value)
    assert secrets.real(f'"{value}",')


@pytest.mark.parametrize(
    ("url", "wanted"),
    [("postgres://app:thd35TBu8@db-3.corp/crm", True), ("redis://:q8Tz!@cache:6379/0", True),
     ("https://jon:F3rr@ri#9@repo.corp/x", True), ("postgres://user:password@localhost/db", False),
     ("mysql://root:root@127.0.0.1/test", False), ("amqp://guest:guest@mq/", False),
     ("https://u:${PW}@host/", False), ("http://host:8080/?x=a@b.example", False),
     ("nothing", False)],
)  # fmt: skip
def test_a_url_holds_a_password_when_it_is_nobodys_default(url: str, wanted: bool) -> None:
    assert secrets.url_password(url) is wanted


def test_a_wallets_key_proves_itself() -> None:
    assert secrets.base58check(WALLET)
    assert not secrets.base58check(WALLET[:-1] + "o")
    assert not secrets.base58check("0" * 51), "no digit of base 58"


@given(st.binary(min_size=1, max_size=40))
def test_any_payload_with_its_checksum_is_believed(payload: bytes) -> None:
    raw = b"\x80" + payload
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, text = int.from_bytes(raw), ""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    while number:
        number, rest = divmod(number, 58)
        text = alphabet[rest] + text
    assert secrets.base58check(text)


def test_mixed_means_two_kinds_of_characters() -> None:
    assert secrets.mixed("ab1")
    assert secrets.mixed("aB")
    assert not secrets.mixed("abc")


@given(st.text(max_size=40))
def test_entropy_is_between_none_and_all(text: str) -> None:
    bits = secrets.entropy(text)
    assert 0 <= bits <= max(0.0, len(text).bit_length())
    assert secrets.entropy("ab") == pytest.approx(1)
    assert secrets.entropy("aaaa") == 0
