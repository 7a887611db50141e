"""Surrogates: of the same type as the real value, stable in a conversation, and harmless."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from shortstop.privacy.detect.numbers import iban_number
from shortstop.privacy.replace.dates import moved
from shortstop.privacy.replace.syllables import SYLLABLES

MAX_TRIES = 64


class SurrogateFactory:
    """Makes the surrogates of one conversation: a keyed function of label and value, so that the
    same value gets the same surrogate in every process that has `key`."""

    def __init__(self, key: bytes, tenant: str, conversation: str) -> None:
        self._key = key
        self._scope = f"{tenant}\0{conversation}".encode()
        self._days = 400 + self._draw("DOB", "", 0) % 3_000

    def surrogate(self, label: str, value: str, avoid: str, used: set[str]) -> str:
        """A surrogate that is neither in the text `avoid` nor among those `used`, both in lower
        case.

        Raises ValueError when none is free: then nothing leaves.
        """
        normal = " ".join(value.split()).casefold()
        for attempt in range(MAX_TRIES):
            if label == "DOB":  # one shift for a conversation: ages and intervals stay the same
                surrogate = moved(value, self._days + attempt)
            else:
                surrogate = _shaped(label, value, self._draw(label, normal, attempt))
            low = surrogate.lower()
            if low not in avoid and low not in used and surrogate != value:
                return surrogate
        raise ValueError("no surrogate is free")

    def _draw(self, label: str, value: str, attempt: int) -> int:
        """256 bits that only the key, the conversation and the value decide."""
        text = b"\0".join(
            (self._scope, label.encode(), value.encode("utf-8", "surrogatepass"), b"%d" % attempt)
        )
        return int.from_bytes(hmac.new(self._key, text, hashlib.sha256).digest(), "big")


def _shaped(label: str, value: str, drawn: int) -> str:
    """A surrogate of the label's form. None of them is a real value: reserved domains, telephone
    numbers and IP addresses, failing check digits, streets that do not exist."""
    if label in ("PERSON", "ORGANISATION", "PLACE"):
        return _name(label, value, drawn)
    if label == "EMAIL":
        return f"person-{_letters(drawn, 8)}@example.{('com', 'net', 'org')[drawn % 3]}"
    if label == "PHONE":
        area = 201 + drawn % 700
        return f"+1-{area}-555-01{drawn // 700 % 100:02d}"
    if label == "CARD":
        return _failing_card(drawn)
    if label == "IBAN":
        return _failing_account(value[:2].upper() if value[:2].isalpha() else "XX", drawn)
    if label == "ADDRESS":
        return f"{100 + drawn % 9900} Placeholder {_letters(drawn >> 20, 5).title()} Street"
    if label == "IP":
        return f"203.0.113.{drawn % 256}"
    if label in ("NATIONAL_ID", "BANK_ACCOUNT", "PASSPORT"):
        return f"ID-000-{_digits(drawn, 8)}"
    return f"REF-{label.replace('_', '-')}-{_letters(drawn, 8).upper()}"


def _name(label: str, value: str, drawn: int) -> str:
    """A name in the value's script and case that nobody bears, so that it is recognised in an
    answer."""
    script = next((unicodedata.name(c, "LATIN").split()[0] for c in value if c.isalpha()), "LATIN")
    name = ""
    for syllables in SYLLABLES.get(script, SYLLABLES["LATIN"]):
        name += syllables[drawn % len(syllables)]
        drawn //= len(syllables)
    if label == "PLACE" and script == "LATIN":
        name += "ford"
    name = cased(name, value)
    last = value.split()[-1]
    return f"{name} {last}" if label == "ORGANISATION" and _FIRM.fullmatch(last) else name


def cased(name: str, value: str) -> str:
    """A name in the case of `value`: capitals, lower case, or with an initial capital."""
    if value.isupper() and len(value) > 1:
        return name.upper()
    return name.lower() if value.islower() else name.title()


_FIRM = re.compile(
    r"(?i)(?:inc|corp|co|ltd|llc|llp|plc|gmbh|ag|kg|sa|bv|nv|group|bank|university)\.?"
)


def _letters(drawn: int, count: int) -> str:
    alphabet = "bcdfghjkmnpqrstvwxz"
    return "".join(alphabet[drawn // len(alphabet) ** i % len(alphabet)] for i in range(count))


def _digits(drawn: int, count: int) -> str:
    return f"{drawn % 10**count:0{count}d}"


def _failing_account(country: str, drawn: int) -> str:
    """An IBAN with check digits that no bank has, and that fail: 00 passes one time in 97."""
    number = f"{country}00{_digits(drawn, 18)}"
    return f"{number[:-1]}{(int(number[-1]) + 1) % 10}" if iban_number(number) else number


def _failing_card(drawn: int) -> str:
    """Sixteen digits of an unassigned range, whose last one fails Luhn."""
    body = f"9999{_digits(drawn, 11)}"
    total = sum(
        d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(map(int, body))
    )
    return f"{body}{(11 - total % 10) % 10}"
