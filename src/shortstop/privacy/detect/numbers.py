"""Numbers: check digits, and the lengths and ranges that are given out.

Each function takes the matched text, separators included, and says whether to believe it.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from functools import cache

from stdnum import numdb


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
    """A payment card: a range that an issuer uses, that issuer's length, Luhn, and no groups that
    nobody writes cards in."""
    return loose_card(value) and card_shape([len(g) for g in re.split(r"[ -]+", value)])


def loose_card(value: str) -> bool:
    """The same in any groups."""
    number = digits(value)
    return len(number) > 11 and _brand(number) and luhn(number)


_CARD_SHAPES = {
    (4, 4, 4, 4),
    (4, 4, 4, 4, 3),
    (4, 4, 4, 4, 2),
    (4, 4, 4, 1),
    (4, 6, 5),
    (4, 6, 4),
    (4, 4, 4, 3),
    (4, 4, 4, 2),
    (6, 13),
    (4, 4, 4),
    (4, 4, 5),
    (4, 4, 4, 4, 1),
}
"""In which lengths of groups cards are printed."""


def card_shape(groups: Sequence[int]) -> bool:
    """Whether cards are written in groups of these lengths: as they are printed, in one, or in
    small groups of one length."""
    if len(groups) == 1 or tuple(groups) in _CARD_SHAPES:
        return True
    *most, last = groups
    return len(set(most)) == 1 and most[0] <= 3 and last <= most[0]


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


_DATE = re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:19|20)\d\d|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2}")


def _dialled(value: str) -> str:
    """The digits, behind a plus where there is one."""
    return "+" * value.lstrip(" (").startswith("+") + digits(value)


_HOTLINE = re.compile(
    r"(?:(?:\+|00)?1)?8(?:00|33|44|55|66|77|88)\d{7}|(?:0|(?:\+|00)(?:3[1-9]|4[1-9]|6[14]|353|351))800\d{5,7}"
    r"|0805\d{6}|0808\d{6}|0180[1-7]\d{5,6}|90[02]\d{6}|0900\d{6}"
)
"""What a firm pays for, or takes money for: numbers that are nobody's."""


def phone(value: str) -> bool:
    """As many digits as a telephone number has, not all of one or two kinds, no date, and no
    hotline."""
    if _DATE.fullmatch(value.strip()) or _HOTLINE.fullmatch(_dialled(value)):
        return False
    number = digits(value)
    least = 11 if number.startswith("00") else 7
    return least <= len(number) <= 18 and len(set(number)) > 2


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


@cache
def iban_length(country: str) -> int:
    """Of the country's IBANs, in characters; 0 for a country without any."""
    for _, properties in numdb.get("iban").info(country):
        if "bban" in properties:
            return 4 + sum(map(int, re.findall(r"\d+", properties["bban"])))
    return 0


def no_year(value: str) -> bool:
    """Anything but a year of now."""
    return not (value.isdigit() and 1900 <= int(value) <= 2100)
