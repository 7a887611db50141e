"""Stand-ins for real values: of the same type, stable in a conversation, and harmless."""

from __future__ import annotations

import hashlib
import hmac
import re

_YEAR = re.compile(r"(?:19|20)\d{2}")
TRIES = 64


class Mint:
    """Makes the surrogates of one conversation. `key` belongs to the tenant."""

    def __init__(self, key: bytes, tenant: str, conversation: str) -> None:
        self._key = key
        self._scope = f"{tenant}\0{conversation}".encode()

    def surrogate(self, label: str, value: str, avoid: str, used: set[str]) -> str:
        """A stand-in that occurs neither in `avoid` (lower case) nor among those `used`.

        Raises ValueError when none can be found: then nothing leaves.
        """
        normal = " ".join(value.split()).casefold()
        for attempt in range(TRIES):
            drawn = self._draw(label, normal, attempt)
            made = _shape(label, value, drawn)
            if made.lower() not in avoid and made.lower() not in used and made != value:
                return made
        raise ValueError("no surrogate is free")

    def _draw(self, label: str, value: str, attempt: int) -> int:
        text = b"\0".join(
            (self._scope, label.encode(), value.encode("utf-8", "surrogatepass"), b"%d" % attempt)
        )
        return int.from_bytes(hmac.new(self._key, text, hashlib.sha256).digest(), "big")


def _shape(label: str, value: str, drawn: int) -> str:
    if label == "EMAIL":
        return f"person-{_letters(drawn, 8)}@example.{('com', 'net', 'org')[drawn % 3]}"
    if label == "PHONE":
        area = 201 + drawn % 700
        return f"+1-{area}-555-01{drawn // 700 % 100:02d}"
    if label == "CARD":
        return _failing_card(drawn)
    if label == "IBAN":
        return f"{value[:2].upper() if value[:2].isalpha() else 'XX'}00{_digits(drawn, 18)}"
    if label == "DOB" and _YEAR.search(value):
        shift = 1 + drawn % 9
        return _YEAR.sub(lambda m: str(int(m.group()) - shift), value)
    if label == "ADDRESS":
        return f"{100 + drawn % 9900} Placeholder {_letters(drawn >> 20, 5).title()} Street"
    if label == "IP":
        return f"203.0.113.{drawn % 256}"
    if label in ("NATIONAL_ID", "BANK_ACCOUNT", "PASSPORT"):
        return f"ID-000-{_digits(drawn, 8)}"
    return f"REF-{label.replace('_', '-')}-{_letters(drawn, 8).upper()}"


def _letters(drawn: int, count: int) -> str:
    alphabet = "bcdfghjkmnpqrstvwxz"
    return "".join(alphabet[drawn // len(alphabet) ** i % len(alphabet)] for i in range(count))


def _digits(drawn: int, count: int) -> str:
    return f"{drawn % 10**count:0{count}d}"


def _failing_card(drawn: int) -> str:
    """Sixteen digits of an unassigned range whose last one breaks Luhn."""
    body = f"9999{_digits(drawn, 11)}"
    total = sum(
        d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(map(int, body))
    )
    return f"{body}{(11 - total % 10) % 10}"
