"""Addresses of coins: checksums of several ledgers.

Each function takes the matched text and says whether to believe it.
"""

from __future__ import annotations

import re
from hashlib import sha256
from importlib import import_module


def base58(value: str) -> bool:
    """A Bitcoin address with a valid checksum."""
    return bool(import_module("stdnum.bitcoin").is_valid(value))


def grouped_bitcoin(value: str) -> bool:
    """A Bitcoin address with a valid checksum, in any groups."""
    return base58(re.sub(r"[\W_]", "", value))


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = str.maketrans("rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz", _BASE58)


def base58_check(value: str) -> bool:
    """Base58 whose last four bytes are a checksum of the others: coins other than Bitcoin."""
    number = 0
    for char in value:
        number = number * 58 + max(0, _BASE58.find(char))
    raw = number.to_bytes(25, "big") if number < 1 << 200 else b""
    return bool(raw) and sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def ripple(value: str) -> bool:
    """An address of the XRP ledger: base58 in another alphabet."""
    return base58_check(value.translate(_RIPPLE))


def mixed_wallet(value: str) -> bool:
    """Capitals, small letters and digits, as chance mixes them."""
    return len(set(value)) > 14 and any(map(str.isdigit, value)) and value.lower() != value


def forty_hex(value: str) -> bool:
    """Forty hexadecimal digits behind 0x, in any groups."""
    return len(re.sub(r"[\W_]", "", value)) == 42
