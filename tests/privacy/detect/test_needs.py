"""What a pattern needs is in every text in which it matches."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect.needs import RUN, Needs, either, inventory, needs
from shortstop.privacy.detect.rules import builtin, compile_pattern
from shortstop.privacy.detect.signs import SIGNS
from tests.privacy.conftest import UNTIMED

AT, DASHES = frozenset(b"@"), frozenset(b"-_")


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("a", Needs()),
        (r"\d{3}", Needs(digits=3)),
        (r"\d{2,5}[0-4]7", Needs(digits=4)),
        (r"\d|\d\d", Needs(digits=1)),
        (r"(?:\d{4} ?){2,}", Needs(digits=8)),
        (r"\d?[0-9a]*", Needs()),
        (r"[\d.]{4}", Needs()),
        (r"\p{Nd}{4}", Needs()),
        (r"[A-Z]{16}", Needs(run=True)),
        (r"[A-Z]{8}[a-z0-9]{8,}", Needs(run=True)),
        (r"[A-Z]{8}x?[a-z]{8}", Needs(run=True)),
        (r"[A-Z]{8}\s?[a-z]{8}", Needs()),
        (r"[A-Z ]{16}", Needs()),
        (r"[^\s]{16}", Needs(run=True)),
        (r"[^a]{16}", Needs()),
        (r"[^\pL]{16}", Needs()),
        (r"\S{16}", Needs(run=True)),
        (r"[\pL\d]{16}", Needs(run=True)),
        (r"\pZ{16}", Needs()),
        (r".{16}", Needs()),
        (r"(?:ab){8}", Needs(run=True)),
        (r"(?:ab|abc){8}", Needs(run=True)),
        (r"(?:ab|a b){8}", Needs()),
        (r"[\w.]+@[\w.]+", Needs(signs=AT)),
        ("a@|b_|c-", Needs(signs=AT | DASHES)),
        ("a@|b", Needs()),
        ("@[-_]?", Needs(signs=AT)),
        ("[-_]@", Needs(signs=AT)),
        ("[-_.]", Needs()),
        ("[–-]", Needs()),
        (r"\x{41}", Needs()),
        ("x" * 5_000, Needs()),
        ("((", Needs()),
    ],
)
def test_what_a_pattern_needs(pattern: str, needed: Needs) -> None:
    assert needs(pattern) == needed


def test_what_a_text_has() -> None:
    has = inventory("Order 66, jane@acme.org: é".encode())
    assert (has.digits, has.run, has.signs) == (2, False, frozenset(b"@:"))
    assert inventory(b"x" * RUN).run
    assert not inventory(b"x" * (RUN - 1) + b" x").run
    assert inventory("é".encode() * RUN).run, "more than one byte is no gap"


@pytest.mark.parametrize(
    ("needed", "met"),
    [
        (Needs(), True),
        (Needs(digits=2), True),
        (Needs(digits=3), False),
        (Needs(run=True), False),
        (Needs(signs=AT | DASHES), True),
        (Needs(signs=DASHES), False),
        (either([Needs(digits=3), Needs(signs=DASHES)]), True),
        (either([Needs(digits=3), Needs(digits=9, signs=DASHES)]), False),
    ],
)
def test_a_text_has_what_is_needed_or_not(needed: Needs, met: bool) -> None:
    assert needed.met_by(inventory(b"66 @")) is met


PATTERNS = [p for rule in builtin() for p in (rule.pattern, *rule.gates)] + [*SIGNS.values()]
VECTORS = [text for rule in builtin() for text in (*rule.positive, *rule.negative)]


@UNTIMED
@given(st.sampled_from(PATTERNS), st.lists(st.sampled_from(VECTORS), min_size=1, max_size=3))
def test_where_a_pattern_matches_is_what_it_needs(pattern: str, texts: list[str]) -> None:
    """Even in the match alone, with nothing around it."""
    for match in compile_pattern(pattern).finditer("\n".join(texts).encode()):
        assert needs(pattern).met_by(inventory(match.group()))


def test_most_patterns_need_something() -> None:
    """Else nothing is gained: a rule that can be written so that it does should be."""
    assert sum(needs(rule.pattern) != Needs() for rule in builtin()) > 0.8 * len(builtin())


def test_no_pattern_is_in_words_that_are_read_otherwise_by_python() -> None:
    for pattern in PATTERNS:
        assert not re.search(r"\[\[:|\\[QEACGXz]|\\P", pattern)
