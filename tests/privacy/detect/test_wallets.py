"""Wallets are known by their checksums."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shortstop.privacy.detect import wallets


def test_a_wallet_is_known_by_its_checksum() -> None:
    address = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    assert wallets.base58(address)
    assert not wallets.base58(address[:-1] + "b")


@pytest.mark.parametrize(
    ("check", "address"),
    [
        (wallets.base58_check, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        (wallets.base58_check, "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"),
        (wallets.ripple, "rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"),
    ],
)
def test_of_other_coins(check: Callable[[str], bool], address: str) -> None:
    assert check(address)
    assert not check(address[:-1] + ("a" if address[-1] != "a" else "b"))
