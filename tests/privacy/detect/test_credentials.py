"""Secrets told by cues and by context, and how many values are judged for it."""

from __future__ import annotations

import random
import re
import unicodedata
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import credentials, secret_context
from shortstop.privacy.detect.rules import compile_pattern, either

TOLD = [
    "Hey, the staging box wants R7&blanket#41x when it asks, can you write the page for that?",
    "It won't take Cobalt*2291 any more since Tuesday, any idea?",
    "things to do: water plants, call Ann, icloud Mirror-Cactus88!, post the parcel",
    "Hast du Pflaume&Segel4471 schon am Drucker ausprobiert?",
    "rate this one: Gravel!Pony606",
]
HARMLESS = [
    "The order A-20391 was shipped with 1Z999AA10123456784 on Monday.",
    "Bump numpy to 2.4.6 and pandas3.0.1 in the lock file, then run pytest-9.0.",
    "row 3f0d2f6e-7f56-4d0e-9b8c-0f3f1b1f7a11 of table orders was written twice",
    "Solve 3x^2-2x+7=0 and then f(x)=2x^3-4x for x=12.",
    "Tyres 205/55R16 91V, bolts M8x40 DIN933, paint RAL7016.",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b made the build slower",
]


def _found(text: str) -> list[str]:
    data = text.encode()
    return [data[a:b].decode() for a, b in credentials.spans(data)]


@pytest.mark.parametrize("text", TOLD)
def test_a_password_is_seen_without_a_word_for_it(text: str) -> None:
    assert compile_pattern(either(credentials.gates())).search(text.encode()) is not None
    assert _found(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert _found(text) == []


def test_ordinary_prose_is_not_judged_and_a_long_list_only_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[str] = []
    monkeypatch.setattr(
        secret_context, "believes", lambda text, suspect: bool(judged.append(suspect.value))
    )
    prose = "Please write 300 words on the 12 oldest bridges of Europe, in 3 parts. " * 20
    assert compile_pattern(either(credentials.gates())).search(prose.encode()) is None
    assert _found(prose) == []
    assert judged == []
    draw = random.Random(1)
    rows = "".join(f"{uuid.UUID(int=draw.getrandbits(128))} went well\n" for _ in range(500))
    assert _found(rows) == []
    assert 0 < len(judged) <= credentials.MOST


_OLD_SENTENCE = re.compile(
    r"[^\W\d_]{2,}[ \n,;:.'’-]{1,3}[^\W\d_]{2,}|[\u0e00-\u0eff\u3040-\u9fff]{4}"
)
"""The same in Python's words."""


@given(
    st.lists(st.sampled_from([*"abZé漢ก²Ⅷ_3٣", *" \n,.;:'’-", "word", "ごはん"]), max_size=12).map(
        "".join
    )
)
def test_two_words_in_a_row_are_told_as_python_tells_them(text: str) -> None:
    assert (credentials._SENTENCE.search(text.encode()) is None) == (
        _OLD_SENTENCE.search(text) is None
    )


def test_letters_are_those_of_python() -> None:
    letter = compile_pattern(r"^[\pL\p{Nl}\p{No}]$")
    for code in range(0x10FFFF + 1):
        char = chr(code)
        if unicodedata.category(char) not in ("Cs", "Cn"):
            told = letter.search(char.encode()) is not None
            assert told == (char.isalnum() and not char.isdecimal()), hex(code)
