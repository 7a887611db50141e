"""Nothing that a terminal obeys leaves a name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.console.visible import visible, visible_json

ATTACKS = {
    "\x1b[31mred": r"\x1b[31mred",
    "\x1b]8;;https://evil.com\x1b\\click\x1b]8;;\x07": (
        r"\x1b]8;;https://evil.com\x1b\click\x1b]8;;\x07"
    ),
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b2J": r"\x9b2J",
    "\x9d8;;x\x9c": r"\x9d8;;x\x9c",
    "a\nb": r"a\nb",
    "a\r\nb": r"a\r\nb",
    "50%\rfake": r"50%\rfake",
    "a\tb": r"a\tb",
    "a\x08\x08b": r"a\x08\x08b",
    "a\x00b\x7f": r"a\x00b\x7f",
    "evil\u202egpj.exe": r"evil\u202egpj.exe",
    "\u2066a\u2069": r"\u2066a\u2069",
    "a\u200eb\u200f\u061c": r"a\u200eb\u200f\u061c",
    "a\u2028b\u2029c\x85d": r"a\u2028b\u2029c\x85d",
    "adm\u200bin\ufeff": r"adm\u200bin\ufeff",
    "hi\U000e0041\U000e007f": r"hi\U000e0041\U000e007f",
    "\ud800": r"\ud800",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_terminal_would_obey_is_shown(attack: str) -> None:
    assert visible(attack) == ATTACKS[attack]


PLAIN = [
    "",
    "mail bot",
    "Zo\u00eb",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u65e5\u672c\u8a9e",
    "\U0001f469\u200d\U0001f4bb",
    "10\u00a0000",
    "[red]x[/]",
    r"a\x1b",
]


@pytest.mark.parametrize("name", PLAIN)
def test_what_people_write_stays(name: str) -> None:
    assert visible(name) == name


@given(st.text())
def test_what_is_shown_is_one_line_that_can_be_printed(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert all(ord(c) >= 32 and not 127 <= ord(c) < 160 for c in shown)
    shown.encode()


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_says_the_same(value: object) -> None:
    written = json.dumps(value, ensure_ascii=False, indent=2)
    shown = visible_json(written)
    assert json.loads(shown) == value
    assert visible(shown.replace("\n", "")) == shown.replace("\n", "")
