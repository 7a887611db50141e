"""Personal numbers of several forms, each with the check of its own.

Each function takes the number, without separators, and says whether to believe it.
"""

from __future__ import annotations

import re
from importlib import import_module

from shortstop.privacy.detect.numbers import digits, ssn


def es_person(value: str) -> bool:
    """A Spaniard's or a foreigner's number in Spain."""
    return any(import_module(f"stdnum.es.{kind}").is_valid(value) for kind in ("dni", "nie"))


def br_taxpayer(value: str) -> bool:
    """A Brazilian person's or firm's number."""
    return any(import_module(f"stdnum.br.{kind}").is_valid(value) for kind in ("cpf", "cnpj"))


def nordic_person(value: str) -> bool:
    """A personal number of a Nordic or Baltic state: it begins with a day of birth."""
    day = value[-10:][:6] if len(value) in (10, 12) else value[1:7]
    return bool(_DAY.fullmatch(day))


def eleven_person(value: str) -> bool:
    """A personal number of eleven digits, of any of eight countries (Lithuania has Estonia's)."""
    return any(import_module(f"stdnum.{name}").is_valid(value) for name in _ELEVEN)


_ELEVEN = (
    *("no.fodselsnummer", "ee.ik", "pl.pesel", "be.nn"),
    *("hr.oib", "gr.amka", "de.idnr", "tr.tckimlik"),
)
_DAY = re.compile(r"\d\d[0-9]\d[0-9]\d")


def tax_number(value: str) -> bool:
    """A US social security or individual taxpayer's number."""
    number = digits(value)
    return ssn(number) or number == "123456789" or (number[:1] == "9" and number[3:5] >= "50")
