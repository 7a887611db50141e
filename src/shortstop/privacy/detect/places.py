# ruff: noqa: E501 - patterns are read whole
"""Places and dates: whether a text with numbers and names in it is about where or when.

Each function takes the matched text and says whether to believe it.
"""

from __future__ import annotations

import re

import re2

from shortstop.privacy.detect.numbers import some_digits

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


_MONTH = (
    r"(?:jan|feb|fév|mar|mär|apr|avr|abr|may|mai|mag|maj|jun|jui|giu|cze|jul|lug|lip|aug|aoû|ago|sie|sep|set|wrz|oct|okt|"
    r"ott|out|paź|nov|lis|dec|dez|déc|dic|gru)\w*\.?"
)
_MONEY = r"(?:EUR|USD|GBP|CHF|PLN|SEK|NOK|DKK|CZK|HUF|JPY|[€$£¥])"
_COUNTED = re.compile(
    rf"(?ix)\b\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}\b | \b\d{{1,2}}\.?(?:\ (?:of|de|di))?\ {_MONTH}(?:\ (?:of|de|di))?(?:\ \d{{4}})?\b"
    rf"| \b{_MONTH}\ \d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\ \d{{4}}\b)? | \b{_MONTH}\ \d{{4}}\b"
    rf"| {_MONEY}\ ?\d[\d.,' ]*\d | \b\d[\d.,']*\ ?(?:k|m|mio|bn)?\ ?{_MONEY} | \b\d+(?:[.,]\d{{3}})*[.,]\d{{1,2}}\b(?!\d) | \b\d+\ ?%"
    r"| \b(?:[a-z]{1,5}[-/]?\d+(?:[-/.]\w+)+|[a-z]{2,5}[-/]?\d{4,}|[a-z]\d+-\d+|\d{3,}[-/.]\d[\d/.-]*)\b"
    r"| (?:\b(?:no|nr|nº|n°|number|invoice|facture|factura|fattura|factuur|faktura|fatura|rechnung|order|pedido|po|ref|item|art|customer|"
    r"contract|tender|batch|lot|serial|version|clause|page|week|semaine)\b|\#)[.:]?\ ?\#?\d+\b"
    r"| \b\d+(?:[.,]\d+)?\ ?(?:x\b|(?!rue|avenue|av\b|bd|boulevard|chemin|impasse|all[ée]e|place|quai|bis|ter|via|viale|piazza|corso|rua|"
    r"calle|ul\b|de\b|da\b|do\b|du\b|des\b)(?-i:[a-zß-ÿ]{2,}))"
)
"""Numbers that count or name something else: dates, amounts, ids, quantities."""


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
    """A street address with a postal code besides the house number, in a text that may hold an
    invoice's number, date and amount as well."""
    value = _COUNTED.sub(" ", value)
    codes = len(_CODE.findall(value))
    return (
        codes > 0
        and codes + len(_NUMBER.findall(value)) >= 2
        and len(_NAME.findall(value)) >= 2
        and place(value)
    )


_NAME = re.compile(r"\b[A-Z\u00c0-\u00de\u0100-\u017f\u0370-\uffff][^\W\d_]")


def date(value: str) -> bool:
    """A day on which a person living today may have been born."""
    if value.isdigit():
        return "19" <= value[:2] <= "20" and "01" <= value[4:6] <= "12" and value[6:] <= "31"
    years = [int(y) for y in re.findall(r"\d{4}", value)]
    return not years or any(1900 <= y <= 2100 for y in years)


def birthday(value: str) -> bool:
    """A day of birth in figures or words: there is such a day in such a month, and the year is one of
    the last century or this (in Thailand 543 more)."""
    numbers = [int(n) for n in re.findall(r"\d+", value)]
    years = [n for n in numbers if n > 999]
    rest = [n for n in numbers if n <= 999]
    if any(not (1900 <= y <= 2100 or 2440 <= y <= 2600) for y in years):
        return False
    day_and_month = rest[:1] if _NAME_OF_MONTH.search(value) else rest[:2]
    return bool(rest) and all(1 <= n <= 31 for n in day_and_month)


_NAME_OF_MONTH = re.compile(r"[^\W\d_]{3}")
