"""No reading is skipped that could find something: proved on the patterns, tried on texts."""

from __future__ import annotations

import codecs
import re
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.privacy.detect.detector import PIECE, standard_detector
from shortstop.privacy.detect.rules import Rule, builtin
from shortstop.privacy.detect.scan import SEPARATOR
from shortstop.privacy.detect.signs import TURNED

RUN = 16
"""What the sign of turned texts asks for: so many printable characters in a row."""
SPELLED_OUT = {"pem", "slack-token", "gb-nino"}
"""Turned rules with shorter runs: the sign has alternatives for each."""

Shape = tuple[bool, int, int, int]
"""All printable?, and how many there must at least be at the start, at the end, in one run."""


def shape(tree: Any) -> Shape:
    """Of every match of a parsed pattern."""
    whole: Shape = (True, 0, 0, 0)
    for op, value in tree:
        whole = then(whole, one(op, value))
    return whole


def one(op: Any, value: Any) -> Shape:
    if op is c.AT:
        return (True, 0, 0, 0)
    if op is c.SUBPATTERN:
        return shape(value[3])
    if op is c.BRANCH:
        ways = [shape(way) for way in value[1]]
        return (all(w[0] for w in ways), *(min(w[i] for w in ways) for i in (1, 2, 3)))  # type: ignore[return-value]
    if op in (c.MAX_REPEAT, c.MIN_REPEAT):
        return repeated(shape(value[2]), value[0], value[1])
    printable = all(map(shown, value)) if op is c.IN else shown((op, value))
    return (printable, int(printable), int(printable), int(printable))


def shown(item: Any) -> bool:
    op, value = item
    if op is c.LITERAL:
        return 33 <= value <= 126
    if op is c.RANGE:
        return value[0] >= 33 and value[1] <= 126
    return op is c.CATEGORY and value in (c.CATEGORY_DIGIT, c.CATEGORY_WORD)


def then(a: Shape, b: Shape) -> Shape:
    first = a[1] + (b[1] if a[0] else 0)
    last = b[2] + (a[2] if b[0] else 0)
    return (a[0] and b[0], first, last, max(a[3], b[3], a[2] + b[1], first, last))


def repeated(part: Shape, low: int, high: int) -> Shape:
    whole: Shape = (True, 0, 0, 0)
    for _ in range(min(low, RUN)):
        whole = then(whole, part)
    return whole if part[0] or low == high else (False, *whole[1:])


STRONG = [rule for rule in builtin() if rule.strong and rule.check is None]


@pytest.mark.parametrize("rule", STRONG, ids=lambda rule: rule.id)
def test_what_is_turned_holds_a_long_run(rule: Rule) -> None:
    if rule.id not in SPELLED_OUT:
        assert shape(_parser.parse(re.sub(r"\(\?-?i:", "(?:", rule.pattern)))[3] >= RUN


@pytest.mark.parametrize("rule", STRONG, ids=lambda rule: rule.id)
def test_a_turned_vector_is_seen_turned(rule: Rule) -> None:
    for text in rule.positive:
        for turned in (text[::-1], codecs.encode(text, "rot13")):
            assert TURNED & standard_detector().survey(turned).signs


READINGS = {
    "percent": "jane%40acme.com",
    "entities": "jane&#64;acme.com",
    "escapes": r"jane\u0040acme.com",
    "quoted-printable": "jane=40acme.com",
    "spelled": "jane dot doe at example dot com",
    "concatenated": '"AKIA" + "QX7Z"',
    "broken": "5474-0399-\n6012-1113",
    "spaced": "5 4 7 4 0 3 9 9 6",
    "spoken": "zero eight eight three two one two nine six",
}


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_that_would_change_something_is_tried(name: str) -> None:
    for before in ("so: ", "x" * (PIECE - 10) + " "):
        assert name in standard_detector().survey(before + READINGS[name]).signs


@given(st.text(alphabet="ab1 -\n", max_size=60), st.integers(0, 900))
@settings(max_examples=40, deadline=None)
def test_a_long_text_is_surveyed_as_a_short_one(text: str, before: int) -> None:
    """A sign that stands in a text stands in it also behind others, wherever it is cut."""
    short = standard_detector().survey(text)
    long = standard_detector().survey("x" * (PIECE - before) + SEPARATOR + text)
    assert short.signs <= long.signs
