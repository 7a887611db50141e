"""How an argument's value is made of the words that stand for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from shortstop.specialists.copy.forms import FORMS
from shortstop.specialists.tools.days import clock, day
from shortstop.specialists.tools.numerals import number

Reading = Callable[[str, date | None], Any]
"""(span, the day on which it is said) -> value; None where the span has no such reading."""
TEXT_FORMS = ("same", "one-line", "lower", "upper", "title", "squeezed")
_TIMES = {"%H:%M": "{h}:{m}", "%H:%M:00": "{h}:{m}:00"}


def _neat(span: str, today: date | None) -> str:
    """Without the marks around it; a dot may belong to it."""
    return span.strip(" \t\n,;:!?\"'“”«»()-")


def _text(form: str) -> Reading:
    return lambda span, today: FORMS[form](span)


def _digits(span: str, today: date | None) -> str | None:
    value = number(span)
    return None if value is None else str(value)


def _number(span: str, today: date | None) -> int | float | None:
    return number(span)


def _day(order: str, output: str) -> Reading:
    def reading(span: str, today: date | None) -> str | None:
        when = day(span, order, today)
        return when.strftime(output) if when else None

    return reading


def _clock(output: str) -> Reading:
    def reading(span: str, today: date | None) -> str | None:
        at = clock(span)
        return output.format(h=at[:2], m=at[3:]) if at else None

    return reading


READINGS: Mapping[str, Reading] = {
    "number": _number,
    **{
        f"day {order} {output}": _day(order, output)
        for order in ("dmy", "mdy")
        for output in ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y")
    },
    **{f"time {name}": _clock(output) for name, output in _TIMES.items()},
    "text neat": _neat,
    **{f"text {form}": _text(form) for form in TEXT_FORMS},
    "digits": _digits,
}
"""By name, preferred ones first."""
