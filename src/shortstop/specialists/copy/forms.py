"""How a value is written, against how it stands in the text: a small library of transforms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

_SPACE = re.compile(r"\s+")
_LINE_END = re.compile(r"[ \t,]*\n[ \t]*")
_CURRENCY = re.compile(r"^(?:[A-Z]{2,3}|[$€£¥₹])?\s*|\s*(?:[A-Z]{3}|[$€£¥₹])?$")
_NUMBER = re.compile(r"[-+]?\d[\d.,' ]*")
_MONTHS = {
    stem: month
    for month, stems in enumerate(
        (
            "jan ene gen", "feb fev fév", "mar mär maa", "apr abr avr", "may mai mag mei",
            "jun juin giu", "jul juil lug", "aug ago aoû", "sep set", "oct out okt ott", "nov",
            "dec dez dic déc",
        ),
        start=1,
    )
    for stem in stems.split()
}  # fmt: skip
"""How months begin in English, Portuguese, Spanish, French, German, Italian and Dutch."""
_MONTH = rf"(?:{'|'.join(_MONTHS)})[^\W\d_]*"
_DATE = re.compile(
    rf"\b(\d{{1,4}}|{_MONTH})(?:st|nd|rd|th|º)?[./\-\s]+(?:de |of )?"
    rf"(\d{{1,2}}|{_MONTH})(?:st|nd|rd|th|º)?[./\-\s,]+(?:de |of )?(\d{{1,4}})\b",
    re.IGNORECASE,
)
ORDERS = ("dmy", "mdy", "ymd")
OUTPUTS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %b %Y", "%Y/%m/%d")

Form = Callable[[str], str | None]
"""The value as the answer writes it, for a span of the text; None where it does not apply."""


def _date_form(order: str, output: str) -> Form:
    def form(span: str) -> str | None:
        match = _DATE.search(span)
        when = _date(match.groups(), order) if match else None
        return when.strftime(output) if when else None

    return form


def _date(parts: tuple[str, ...], order: str) -> date | None:
    named = dict(zip(order, parts, strict=True))
    try:
        year, month = int(named["y"]), month_of(named["m"]) or int(named["m"])
        return date(year + 2000 if year < 100 else year, month, int(named["d"]))
    except ValueError:
        return None


def month_of(word: str) -> int | None:
    """1 to 12 for a month's name or its beginning."""
    lower = word.lower()
    return _MONTHS.get(lower[:4]) or _MONTHS.get(lower[:3])


def _number(point: str) -> Form:
    other = "," if point == "." else "."

    def form(span: str) -> str | None:
        match = _NUMBER.search(span)
        if match is None:
            return None
        digits = match.group().strip().replace(other, "").replace(" ", "").replace("'", "")
        return digits.replace(point, ".").rstrip(".")

    return form


def _joined(span: str, joiner: str) -> str:
    return _SPACE.sub(" ", _LINE_END.sub(lambda _: joiner, span)).strip()


FORMS: dict[str, Form] = {
    "same": lambda span: span,
    "trimmed": lambda span: span.strip(" \t\n.,;:*#-"),
    "one-line": lambda span: _joined(span, " "),
    "commas": lambda span: _joined(span, ", "),
    "lower": lambda span: _joined(span, " ").lower(),
    "upper": lambda span: _joined(span, " ").upper(),
    "title": lambda span: _joined(span, " ").title(),
    "bare": lambda span: _CURRENCY.sub("", span.strip()),
    "number": _number("."),
    "number-comma": _number(","),
    "squeezed": lambda span: _SPACE.sub("", span),
    **{f"{order} {out}": _date_form(order, out) for order in ORDERS for out in OUTPUTS},
}
"""By name, in the order of preference: the first that fits most values of a field is its form."""


def fitting(span: str, value: str, numeric: bool = False) -> Iterator[str]:
    """The names of the forms that make `value` of a span; `numeric`: a number equal to it."""
    wanted = _figure(value) if numeric else None
    for name, form in FORMS.items():
        made = form(span)
        if made == value or (wanted is not None and made and _figure(made) == wanted):
            yield name


def _figure(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def written(form: str, span: str) -> str:
    """The value of a span; the span on one line where the form does not apply to it."""
    value = FORMS[form](span)
    return value if value is not None else _SPACE.sub(" ", span).strip()


def loose(text: str) -> tuple[str, list[int]]:
    """Letters, digits and dots in lower case, and where each stood in the text."""
    kept = [(c.lower()[:1], i) for i, c in enumerate(text) if c.isalnum() or c == "."]
    return "".join(c for c, _ in kept), [i for _, i in kept]
