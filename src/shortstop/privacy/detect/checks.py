"""Check digits and other proofs that a matched text is what it looks like.

A check gets the matched text, separators included, and says whether to believe it.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable
from importlib import import_module

import re2

Check = Callable[[str], bool]


def digits(value: str) -> str:
    """The digits of `value`, without anything between them."""
    return "".join(filter(str.isdigit, value))


_DOUBLED = str.maketrans("0123456789", "0246813579")


def luhn(number: str) -> bool:
    """The check digit of ISO 7812, for ASCII digits. Every long number in a text is asked, and
    python-stdnum's takes five times as long."""
    even, odd = number[::-2], number[-2::-2].translate(_DOUBLED)
    return len(set(number)) > 1 and (sum(map(int, even)) + sum(map(int, odd))) % 10 == 0


def card(value: str) -> bool:
    """A payment card: a range that an issuer uses, that issuer's length, and Luhn."""
    number = digits(value)
    return len(number) > 11 and _brand(number) and luhn(number)


_MAESTRO = ("5018", "5020", "5038", "5893", "6304", "6390", "6759", "6761", "6762", "6763")


def _brand(number: str) -> bool:
    n, head2, head4 = len(number), int(number[:2] or 0), int(number[:4] or 0)
    if number[0] == "4":
        return n in (13, 16, 19)
    if 51 <= head2 <= 55 or 2221 <= head4 <= 2720 or 2200 <= head4 <= 2204 or head4 == 9792:
        return n == 16
    if head2 in (34, 37) or head4 in (1800, 2131):
        return n == 15
    if head2 in (30, 36, 38, 39):
        return n in (14, 16)
    if head2 == 35:
        return n == 16
    if n == 12:
        return number.startswith(_MAESTRO)
    return n in (16, 18, 19) and (head2 in (50, 60, 62, 64, 65) or 56 <= head2 <= 69)


def luhn_digits(value: str) -> bool:
    """Luhn over the digits alone."""
    number = digits(value)
    return len(number) > 1 and luhn(number)


_LETTERS = {ord(c): str(int(c, 36)) for c in string.ascii_uppercase}
"""The value of a letter in ISO 7064."""


def iban_number(value: str) -> bool:
    """The check digits of an IBAN. Its country's format is not checked: some banks bend it."""
    compact = re.sub(r"[\s.-]", "", value).upper()
    if not (15 <= len(compact) <= 34 and compact.isascii() and compact.isalnum()):
        return False
    if sum(c.isdigit() for c in compact) < (8 if value.isupper() else 10):
        return False
    return int((compact[4:] + compact[:4]).translate(_LETTERS)) % 97 == 1


def iban_country(value: str) -> bool:
    """Only an IBAN's length: enough of a proof next to the word IBAN."""
    compact = re.sub(r"[\s.-]", "", value).upper()
    return 15 <= len(compact) <= 34 and sum(c.isdigit() for c in compact) >= 8


def ssn(value: str) -> bool:
    """A US social security number that may have been issued."""
    number = digits(value)
    if len(number) != 9 or len(set(number)) == 1 or number == "123456789":
        return False
    return number[:3] not in ("000", "666") and number[3:5] != "00" and number[5:] != "0000"


def aba(value: str) -> bool:
    """The routing number of an American bank: weighted sum 3, 7, 1."""
    d = [int(c) for c in digits(value)]
    return (
        len(d) == 9
        and any(d)
        and sum(w * x for w, x in zip((3, 7, 1) * 3, d, strict=True)) % 10 == 0
    )


def personal_mailbox(value: str) -> bool:
    """An e-mail address that somebody reads, unlike those that robots sign with."""
    return not re.match(r"(?i)(?:no|do[._-]?not)[._-]?reply@", value)


def phone(value: str) -> bool:
    """As many digits as a telephone number has, and not all of one or two kinds."""
    number = digits(value)
    least = 11 if number.startswith("00") else 7
    return least <= len(number) <= 18 and len(set(number)) > 2


def date(value: str) -> bool:
    """A day on which a person living today may have been born."""
    if value.isdigit():
        return "19" <= value[:2] <= "20" and "01" <= value[4:6] <= "12" and value[6:] <= "31"
    years = [int(y) for y in re.findall(r"\d{4}", value)]
    return not years or any(1900 <= y <= 2100 for y in years)


_NOT_A_PLACE = re2.compile(
    r"(?i)https?:|@|0x[0-9a-f]|(?:\d{1,3}\.){3}\d|(?:[0-9a-f]{2}:){3}|"
    r"\b(?:table|figure|fig|chapter|section|page|step|level|version|model|item|question|part|line|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|act|article|psalm|room|order|ticket|issue|"
    r"build|release|windows|python|apollo|boeing|airbus|iphone|galaxy|top|grade|phase|round|week|day)"
    r"\.? \d"
)
_CODE = re.compile(
    r"(?!(?:19|20)\d\d\b)\d{4,7}\b|\d{3} ?\d{2}\b|"
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|[A-Z]\d[A-Z] ?\d[A-Z]\d\b"
)
_NUMBER = re.compile(r"(?<![\d.,])\d{1,6}(?!\.?\d)")


def place(value: str) -> bool:
    """A street address: a number and a name, and nothing that looks like a version, a figure or a
    date instead."""
    return (
        _NUMBER.search(value) is not None
        and _NAME.search(value) is not None
        and _NOT_A_PLACE.search(value) is None
    )


def some_place(value: str) -> bool:
    """The same by numbers alone: enough for a house and its postal code."""
    return some_digits(value) and _NOT_A_PLACE.search(value) is None


def full_place(value: str) -> bool:
    """A street address with a postal code besides the house number."""
    codes = len(_CODE.findall(value))
    return (
        codes > 0
        and codes + len(_NUMBER.findall(value)) >= 2
        and len(_NAME.findall(value)) >= 2
        and place(value)
    )


_NAME = re.compile(r"\b[A-Z\u00c0-\u00de\u0100-\u017f\u0370-\uffff][^\W\d_]")


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    n = len(value)
    return -sum(c / n * math.log2(c / n) for c in Counter(value).values()) if n else 0.0


_PLACEHOLDER = re.compile(
    r"(?i)^(?:x{3,}|\*{3,}|\.{3,}|<.*|\[.*|\{.*|\$.*|%\w+%|your.*|my[_-]?(?:api|secret|token|key|pass).*|"
    r"(?:api|access|secret|auth)?[_-]?(?:key|token|secret|password|passwd|pass|pwd)(?:[_-]?here)?|"
    r"example.*|sample.*|dummy.*|placeholder.*|redacted.*|change[_-]?(?:me|it).*|insert.*|replace.*|"
    r"none|null|nil|undefined|true|false|string|required|optional|n/a|todo|tbd|enter.*|"
    r"(?:os|process|env|config|settings|self|this|request|secrets|vault|params|args|options|system)[.\[(].*|"
    r"\w+\(.*|get\w+|test|foo|bar|1234?5?6?7?8?9?0?)$"
)


def secret(value: str) -> bool:
    """A random value, not one that somebody wrote: long, mixed, not a placeholder."""
    value = value.strip("\"'`,;)")
    if len(value) < 8 or _PLACEHOLDER.match(value) or _is_name(value):
        return False
    if value.isdigit():
        return len(value) >= 12
    if _character_kinds(value) >= 2 and any(c.isdigit() for c in value):
        return entropy(value) >= 2.5
    return len(value) >= 16 and entropy(value) >= 3.3


def drawn(value: str) -> bool:
    """A random value next to a word as common as "key": only what nobody would write by hand.
    Sixteen characters, letters and digits mixed, not a name made of words and numbers."""
    return len(_bare(value)) >= 16 and drawn_short(value)


def drawn_short(value: str) -> bool:
    """The same from ten characters on, next to a vendor's name and a word for its key."""
    value = _bare(value)
    if len(value) < 10 or _PLACEHOLDER.match(value) or _COMPOSED.fullmatch(value):
        return False
    return (
        any(c.isdigit() for c in value)
        and any(c.isalpha() for c in value)
        and entropy(value) >= 2.8
        and "://" not in value
    )


_COMPOSED = re.compile(
    r"v?\d+(?:\.\d+)+[\w.+-]{0,12}|\d{4}-\d\d-\d\d.*|[~.]{0,2}/.*|"
    r"(?:[A-Za-z]{0,14}\d{0,10}[._/:@#%-])*[A-Za-z]{0,14}\d{0,10}"
)
"""Versions, dates, paths, and words with a number after them."""


def _bare(value: str) -> str:
    return value.strip("\"'`,;)").rstrip(".:!?")


def password(value: str) -> bool:
    """A password that a person may have chosen: short, with a digit or a sign among letters."""
    value = value.strip("\"'`,;").rstrip(".?!)") or value
    if len(value) < 5 or _PLACEHOLDER.match(value):
        return False
    return _character_kinds(value) >= 2 and not re.fullmatch(r"[A-Z]?[a-z]+(?:['’-][a-z]+)*", value)


def mixed(value: str) -> bool:
    """Letters of both cases, or letters and digits."""
    return _character_kinds(value) >= 2


def mixed_password(value: str) -> bool:
    """A password with three of: small and capital letters, digits, signs. Next to a user's name
    a value of two kinds may itself be a name."""
    bare = _bare(value)
    return _character_kinds(bare) >= 3 and password(value) and not _COMPOSED.fullmatch(bare)


def _character_kinds(value: str) -> int:
    """How many of: small letters, capitals, digits, others."""
    return (
        any(c.islower() for c in value)
        + any(c.isupper() for c in value)
        + any(c.isdigit() for c in value)
        + any(not c.isalnum() for c in value)
    )


def _is_name(value: str) -> bool:
    """Whether it is snake_case, kebab-case, a dotted name or a path of letters."""
    name = r"(?:~?\.{0,2}/|\.)?[A-Za-z]{1,14}(?:[._/:-][A-Za-z]{1,14}){1,}|[A-Za-z]?[a-z]+"
    numbered = r"[a-z]{2,14}(?:[._:/-](?:[a-z]{2,14}\d{0,4}|\d{1,6}))+"
    return bool(re.fullmatch(name, value) or re.fullmatch(numbered, value))


def some_digits(value: str) -> bool:
    """An identifier next to a word for it: at least five digits, not all the same."""
    number = digits(value)
    return len(number) >= 5 and len(set(number)) > 1


def routable_ip(value: str) -> bool:
    """A dotted IPv4 address that is neither private, local nor reserved."""
    parts = [int(p) for p in value.split(".")]
    if len(parts) != 4 or max(parts) > 255 or parts[0] in (0, 10, 127) or parts[0] >= 224:
        return False
    return not (parts[:2] == [192, 168] or (parts[0] == 172 and 16 <= parts[1] <= 31))


def base58(value: str) -> bool:
    """A Bitcoin address with a valid checksum."""
    return bool(import_module("stdnum.bitcoin").is_valid(value))


def stdnum(name: str) -> Check:
    """The validator of python-stdnum's module `name`; a number of one repeated digit fails.

    Raises ModuleNotFoundError.
    """
    module = import_module(f"stdnum.{name}")

    def valid(value: str) -> bool:
        return len(set(digits(value))) > 1 and bool(module.is_valid(value))

    return valid


NAMED: dict[str, Check] = {
    "card": card,
    "luhn": luhn_digits,
    "iban": iban_number,
    "iban_country": iban_country,
    "ssn": ssn,
    "aba": aba,
    "phone": phone,
    "somebody": personal_mailbox,
    "date": date,
    "place": place,
    "full_place": full_place,
    "some_place": some_place,
    "secret": secret,
    "drawn": drawn,
    "mixed": mixed,
    "mixed_password": mixed_password,
    "drawn_short": drawn_short,
    "password": password,
    "some_digits": some_digits,
    "routable_ip": routable_ip,
    "base58": base58,
}


def named(name: str) -> Check:
    """The check that rules call `name`: one of NAMED, else python-stdnum's.

    Raises ModuleNotFoundError when there is neither.
    """
    return NAMED[name] if name in NAMED else stdnum(name)
