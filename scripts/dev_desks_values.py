"""The values of `dev_desks`: those of `dev_offices`, and shapes and accounts written in the template itself.

`@{~AB ######}` is a shape, `@{!cu.ni:%y%m%d#####}` one that the module of python-stdnum holds valid,
`@{=word}` the word itself, marked as the value, and `@{iban.TR}` an account of that country.
"""

# ruff: noqa: E501
from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module

from stdnum import bitcoin, iban, luhn, verhoeff

from scripts.build_dev_authors import group
from scripts.dev_offices_values import draw_shape
from scripts.dev_offices_values import value as value_of_offices

BANKS = {
    "TR": "#####0################", "RO": "BTRL&&&&&&&&&&&&&&&&", "IE": "AIBK##############", "NL": "INGB0#########", "GB": "LOYD##############", "DE": "##################",
    "FR": "30004#####00#########76", "ES": "####################", "IT": "?0306901###############", "AE": "033################", "SA": "80##################", "IL": "0108000000#########",
    "KZ": "722&&&&&&&&&&&&&", "UA": "322001###################", "BG": "STSA9300##########", "LV": "HABA#############", "LT": "7300############", "EE": "2200############",
    "CY": "00200128000000##########", "GR": "0110125000000##########", "MT": "VALL22013################00", "HR": "2360000#1########", "SI": "19100000#######", "HU": "117730160#######00000000",
    "CZ": "0800000000##########", "SK": "1100000000##########", "AT": "20111###########", "CH": "00762############", "LU": "0019############", "PL": "10201026############3###",
    "PT": "0033000045##########0", "DK": "0040##########", "NO": "8601#######", "SE": "5000000005##########", "FI": "############23", "IS": "0159260###############",
    "GE": "NB##############01", "EG": "0019000500000000#########", "MD": "AG##################", "BR": "00360305###############P1", "PK": "SCBL################", "QA": "DOHB####################&",
}  # fmt: skip
"""What follows the country and its check digits: `#` a digit, `?` a capital, `&` a capital or digit."""


def drawn(draw: random.Random, shape: str) -> str:
    """A shape, in which `[name]` is a value of another kind, `&` a lower-case letter or digit, `^` a hexadecimal one."""
    parts = re.split(r"\[(\w+)\]", shape)
    made = [value(draw, part) if i % 2 else draw_shape(draw, part) for i, part in enumerate(parts)]
    letters = {
        "&": string.ascii_lowercase + string.digits,
        "^": "0123456789abcdef",
        "*": string.ascii_lowercase,
    }

    def small(text: str) -> str:
        return "".join(draw.choice(letters.get(c, c)) for c in text)

    return "".join(text if i % 2 else small(text) for i, text in enumerate(made))


def account(draw: random.Random, country: str) -> str:
    """A valid IBAN without spaces."""
    for _ in range(100_000):
        number = drawn(draw, BANKS[country]).upper()
        number = country + iban.calc_check_digits(f"{country}00{number}") + number
        if iban.is_valid(number):
            return number
    raise ValueError(country)


def valid(draw: random.Random, module: str, shape: str) -> str:
    checked = import_module("stdnum." + module)
    for _ in range(200_000):
        number = drawn(draw, shape)
        if any(checked.is_valid(way) for way in (number, re.sub(r"[ -]", "", number))):
            return number
    raise ValueError(f"{module}:{shape}")


def weighted(digits: str, weights: str) -> int:
    return sum(int(d) * int(w) for d, w in zip(digits, weights, strict=True))


def hong_kong(draw: random.Random) -> str:
    letter, digits = draw.choice("ACDEGKPRVYZ"), draw_shape(draw, "######")
    rest = -(36 * 9 + (ord(letter) - 55) * 8 + weighted(digits, "765432")) % 11
    return f"{letter}{digits}({'A' if rest == 10 else rest})"


def singapore(draw: random.Random) -> str:
    digits = draw_shape(draw, "8######")
    return f"S{digits}{'JZIHGFEDCBA'[weighted(digits, '2765432') % 11]}"


def taiwan(draw: random.Random) -> str:
    letter, digits = draw.choice("ABFH"), draw.choice("12") + draw_shape(draw, "#######")
    code = {"A": 10, "B": 11, "F": 15, "H": 17}[letter]
    total = code // 10 + code % 10 * 9 + weighted(digits, "87654321")
    return f"{letter}{digits}{-total % 10}"


def snils(draw: random.Random) -> str:
    digits = draw_shape(draw, "1########")
    return (
        f"{digits[:3]}-{digits[3:6]}-{digits[6:]} {weighted(digits, '987654321') % 101 % 100:02d}"
    )


def kazakhstan(draw: random.Random) -> str:
    while True:
        digits = draw_shape(draw, "%y%m%d40####")[:11]
        rest = sum(int(d) * (i + 1) for i, d in enumerate(digits)) % 11
        if rest < 10:
            return f"{digits}{rest}"


def uruguay(draw: random.Random) -> str:
    digits = draw_shape(draw, "#######")
    return f"{digits[0]}.{digits[1:4]}.{digits[4:]}-{-weighted(digits, '2987634') % 10}"


def luxembourg(draw: random.Random) -> str:
    """Eleven digits, then one by Luhn and one by Verhoeff, both of the eleven."""
    digits = draw_shape(draw, "%Y%m%d###")
    return f"{digits}{luhn.calc_check_digit(digits)}{verhoeff.calc_check_digit(digits)}"


def wallet(draw: random.Random) -> str:
    """A Bitcoin address of a key that nobody has."""
    return drawn(draw, "bc1q") + "".join(
        draw.choice("qpzry9x8gf2tvdw0s3jn54khce6mua7l") for _ in range(38)
    )


def old_wallet(draw: random.Random) -> str:
    while True:
        letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        raw = b"\0" + draw.randbytes(20)
        number = int.from_bytes(raw + sum_of(raw), "big")
        text = ""
        while number:
            number, rest = divmod(number, 58)
            text = letters[rest] + text
        if bitcoin.is_valid("1" + text):
            return "1" + text


def sum_of(raw: bytes) -> bytes:
    return sha256(sha256(raw).digest()).digest()[:4]


WEIGHTED: dict[str, tuple[str, str, Callable[[int], int]]] = {
    "taj": ("### ### ##", "3 7 3 7 3 7 3 7", lambda n: n % 10), "ado": ("8########", "1 2 3 4 5 6 7 8 9", lambda n: n % 11),
    "melli": ("008######", "10 9 8 7 6 5 4 3 2", lambda n: n % 11 if n % 11 < 2 else 11 - n % 11), "idnp": ("200#########", "7 3 1 7 3 1 7 3 1 7 3 1", lambda n: n % 10),
    "niss": ("11########", "29 23 19 17 13 11 7 5 3 2", lambda n: 9 - n % 10), "chi": ("%d%m%y###", "10 9 8 7 6 5 4 3 2", lambda n: -n % 11),
    "lv": ("%d%m%y-1###", "1 6 3 7 9 10 5 8 4 2", lambda n: (1101 - n) % 11), "pis": ("120.#####.##-", "3 2 9 8 7 6 5 4 3 2", lambda n: -n % 11 % 10),
    "clabe.mx": ("01218000#########", "3 7 1 " * 5 + "3 7", lambda n: -n % 10), "szig": ("2%y%m%d###", "1 2 3 4 5 6 7 8 9 10", lambda n: n % 11),
}  # fmt: skip
"""Shape without the check digit, weights, and the check digit by the sum."""


def with_check(draw: random.Random, name: str) -> str:
    shape, weights, check = WEIGHTED[name]
    while True:
        number = draw_shape(draw, shape)
        digits = re.sub(r"\D", "", number)
        rest = check(sum(int(d) * int(w) for d, w in zip(digits, weights.split(), strict=True)))
        if rest < 10:
            return f"{number}{rest}"


def crossed(digits: str, weights: str) -> int:
    """The sum of the digits of each product."""
    return sum(sum(map(int, str(int(d) * int(w)))) for d, w in zip(digits, weights, strict=True))


def pension(draw: random.Random) -> str:
    """A German number of the pension insurance: area, birthday, letter of the name, serial."""
    day, letter = draw_shape(draw, "65%d%m%y"), draw.choice("ABHKMSW")
    digits = f"{day}{ord(letter) - 64:02d}0{draw.randint(1, 9)}"
    return f"{day}{letter}{digits[-2:]}{crossed(digits, '212571212121') % 10}"


def insured(draw: random.Random) -> str:
    """A German health insurance number."""
    letter, digits = draw.choice("ADHKTZ"), draw_shape(draw, "########")
    return f"{letter}{digits}{crossed(f'{ord(letter) - 64:02d}{digits}', '1212121212') % 10}"


def by_731(text: str) -> int:
    return sum(int(c.replace("<", "0"), 36) * (7, 3, 1)[i % 3] for i, c in enumerate(text)) % 10


def identity_card(draw: random.Random) -> str:
    number = draw_shape(draw, "L#?##T###").replace("?", "X")
    return f"{number}{by_731(number)}"


def polish_card(draw: random.Random) -> str:
    letters, digits = draw.choice("CD") + draw_shape(draw, "??"), draw_shape(draw, "#####")
    total = sum((ord(c) - 55) * w for c, w in zip(letters, (7, 3, 1), strict=True))
    return f"{letters} {(total + weighted(digits, '73173')) % 10}{digits}"


def machine_readable(draw: random.Random) -> str:
    """The second line of a passport of Utopia."""
    number, born, ends = (
        draw_shape(draw, "L######C<"),
        draw_shape(draw, "%y%m%d"),
        draw_shape(draw, "30%m%d"),
    )
    parts = [f"{part}{by_731(part)}" for part in (number, born, ends, "<" * 14)]
    return f"{parts[0]}UTO{parts[1]}F{parts[2]}{parts[3]}{by_731(''.join(parts))}"


def spanish_insurance(draw: random.Random) -> str:
    digits = draw_shape(draw, "28########")
    return f"{digits[:2]}/{digits[2:]}/{int(digits) % 97:02d}"


def portuguese_account(draw: random.Random) -> str:
    digits = draw_shape(draw, "0035###############")
    return f"{digits[:4]} {digits[4:8]} {digits[8:]} {98 - int(digits + '00') % 97:02d}"


def french_account(draw: random.Random) -> str:
    number = draw_shape(draw, "###########")
    return f"30004 00821 {number} {97 - (89 * 30004 + 15 * 821 + 3 * int(number)) % 97:02d}"


def polish_account(draw: random.Random) -> str:
    digits = account(draw, "PL")[2:]
    return f"{digits[:2]} {group(digits[2:])}"


def foreigner_singapore(draw: random.Random) -> str:
    digits = draw_shape(draw, "#######")
    return f"G{digits}{'XWUTRQPNMLK'[(weighted(digits, '2765432') + 4) % 11]}"


MADE = {
    "rvnr": pension, "kvnr": insured, "perso": identity_card, "dowod": polish_card, "mrz": machine_readable,
    "afiliacion": spanish_insurance, "fin.sg": foreigner_singapore,
    "nib": portuguese_account, "rib": french_account, "nrb": polish_account,
    "hkid": hong_kong, "nric": singapore, "tw.id": taiwan, "snils": snils, "iin": kazakhstan, "uy.ci": uruguay,
    "lu.ccss": luxembourg, "btc": wallet, "btc1": old_wallet,
}  # fmt: skip


def value(draw: random.Random, name: str) -> str:
    """The value for a place; `name'2` is a second one of the same kind."""
    plain = re.sub(r"'\d$", "", name)
    compact = plain.endswith("/") and plain[0] not in "=~!"
    bare = plain.removesuffix("/")
    if plain[0] == "=":
        return plain[1:]
    if plain[0] == "~":
        return drawn(draw, plain[1:])
    if plain[0] == "!":
        return valid(draw, *plain[1:].split(":", 1))
    if bare.startswith("iban."):
        number = account(draw, bare.removeprefix("iban."))
        return number if compact else group(number)
    if bare in MADE or bare in WEIGHTED:
        made = MADE[bare](draw) if bare in MADE else with_check(draw, bare)
        return re.sub(r"[ .()-]", "", made) if compact else made
    return value_of_offices(draw, plain)
