"""Other readings of a text: whatever was encoded is read, and found where it was hidden."""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import random
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shortstop.privacy.detect.decode import (
    LONG,
    MAX_CHARS,
    Decoding,
    respelled,
    signs,
    turned,
    unpacked,
)
from shortstop.privacy.detect.signs import SIGNS
from tests.privacy.conftest import UNTIMED

Encode = Callable[[str], str]
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=16, max_size=60)
CODE = st.text(st.sampled_from("%&#;=\\ux{}0149AFaf gZ+/-_\n\"'"), max_size=80)
ANY = st.text(max_size=120) | CODE


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    """As mail wraps it."""
    whole = base64_of(text)
    return "\n".join(whole[i : i + 20] for i in range(0, len(whole), 20))


def percent(text: str) -> str:
    return "".join(f"%{b:02X}" for b in text.encode())


PACKED: dict[str, tuple[str, Encode]] = {
    "base64": ("base64", base64_of),
    "base64, for URLs": ("base64", lambda t: base64.urlsafe_b64encode(t.encode()).decode()),
    "base64, unpadded": ("base64", lambda t: base64_of(t).rstrip("=")),
    "gzip": ("base64", lambda t: base64.b64encode(gzip.compress(t.encode(), mtime=0)).decode()),
    "zlib": ("base64", lambda t: base64.b64encode(zlib.compress(t.encode())).decode()),
    "utf-16": ("base64", lambda t: base64.b64encode(t.encode("utf-16-le")).decode()),
    "hex": ("hex", lambda t: t.encode().hex()),
    "hex, upper": ("hex", lambda t: t.encode().hex().upper()),
    "hex, spaced": ("hex", lambda t: t.encode().hex(" ")),
    "hex, colons": ("hex", lambda t: t.encode().hex(":")),
    "hex, C": ("hex", lambda t: "".join(f"\\x{b:02x}" for b in t.encode())),
    "hex, array": ("hex", lambda t: ", ".join(f"0x{b:02x}" for b in t.encode())),
    "percent": ("percent", percent),
    "entities": ("entities", lambda t: "".join(f"&#{ord(c)};" for c in t)),
    "entities, hex": ("entities", lambda t: "".join(f"&#x{ord(c):x};" for c in t)),
    "escapes": ("escapes", lambda t: "".join(f"\\u{ord(c):04x}" for c in t)),
    "escapes, braces": ("escapes", lambda t: "".join(f"\\u{{{ord(c):x}}}" for c in t)),
    "escapes, octal": ("escapes", lambda t: "".join(f"\\{ord(c):03o}" for c in t)),
    "quoted-printable": ("quoted-printable", lambda t: "".join(f"={b:02X}" for b in t.encode())),
}


def texts(readings: Iterator[Decoding], how: str) -> list[str]:
    return [r.text or "" for r in readings if r.how == how]


@pytest.mark.parametrize("code", PACKED)
@UNTIMED
@given(words=WORDS)
def test_what_is_encoded_is_read(code: str, words: str) -> None:
    how, encode = PACKED[code]
    assume(len(encode(words).rstrip("=")) >= 16)
    for text in (encode(words), f"see: {encode(words)} .", f"«{encode(words)}»"):
        assert any(words in reading for reading in texts(unpacked(text), how)), text


@UNTIMED
@given(words=WORDS, end=st.sampled_from(["", "\n", "\nbye\n", "\n\nbye", " (end)", "\nMDAw\n"]))
def test_base64_in_the_lines_of_a_mail_is_read_to_its_end(words: str, end: str) -> None:
    """Its last line, often a short one, was once left out; the next word is not part of it."""
    readings = texts(unpacked(f"see:\n{wrapped(words)}{end}"), "base64")
    assert any(words in reading for reading in readings)


def test_a_word_in_the_next_line_spoils_no_value_at_the_end() -> None:
    """It may decode to letters that would become part of the value."""
    value = "konto DE89370400440532013000"
    for word in ("AAAA", "hello", "QUJD", "Best"):
        readings = texts(unpacked(f"{base64_of(value)}\n{word}"), "base64")
        assert value in readings


@UNTIMED
@given(before=st.text("abc .é🙂", max_size=20), words=WORDS, after=st.text(" .é", max_size=9))
def test_a_reading_knows_the_exact_place_of_what_it_decoded(
    before: str, words: str, after: str
) -> None:
    coded = percent(words)
    text = f"{before}{coded}{after}"
    (reading,) = [r for r in unpacked(text) if r.how == "percent"]
    assert reading.text is not None
    start = reading.text.index(words)
    assert reading.span(0, start) == (0, len(before))
    first, last = reading.span(start, start + len(words))
    assert first == len(before)
    assert first + len(words) <= last <= first + len(coded), "within what was encoded"
    tail = reading.span(start + len(words), len(reading.text))
    assert tail == (len(before) + len(coded), len(text))


@UNTIMED
@given(words=WORDS)
def test_of_a_blob_only_the_whole_is_known(words: str) -> None:
    coded = base64_of(words)
    readings = [r for r in unpacked(f"see {coded} there") if r.how == "base64"]
    assert [r.span(2, 5) for r in readings] == [(4, 4 + len(coded))]


@pytest.mark.parametrize(
    "word",
    ["decade", "facade", "c0ffee", "0xdeadbeef", "decode", "cafe ba", "bad", "c0de5", "0xdeadb"],
)
def test_a_word_that_also_looks_like_hex_hides_nothing(word: str) -> None:
    """A word of an odd number of digits shifts all that follows by half a byte."""
    secret = "jane.doe@acme-corp.com"
    for gap in (" ", ""):
        text = f"{word}{gap}{secret.encode().hex()}"
        assert any(secret in reading for reading in texts(unpacked(text), "hex")), text


@pytest.mark.parametrize("shift", range(4))
def test_letters_before_base64_hide_nothing_at_any_alignment(shift: int) -> None:
    secret = "the password is hunter2, keep it"
    text = "Ab1/"[:shift] + base64_of(secret)
    readings = texts(unpacked(text), "base64")
    assert any("password is hunter2" in reading for reading in readings)


def test_a_long_blob_that_gives_no_text_is_said_to_hide_some() -> None:
    noise = random.Random(4).randbytes(600)
    for coded in (base64.b64encode(noise).decode(), noise.hex()):
        assert [r.text for r in unpacked(coded)][:1] == [None]


def test_a_short_one_is_just_an_identifier() -> None:
    noise = random.Random(4).randbytes(24)
    assert len(noise.hex()) < LONG
    assert list(unpacked(f"commit {noise.hex()}")) == []
    assert list(unpacked("aaaaaaaaaaaaaaaa" * 40)) == [], "nor is a row of one letter a blob"


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    bomb = base64.b64encode(gzip.compress(b"a" * (4 * MAX_CHARS))).decode()
    (reading,) = [r for r in unpacked(bomb) if r.how == "base64"]
    assert reading.text is not None
    assert len(reading.text) == MAX_CHARS


@pytest.mark.parametrize("escape", ["\\ud800", "\\u{110000}", "\\udfff"])
def test_an_escape_of_no_character_stays_as_it_is(escape: str) -> None:
    assert texts(unpacked(f"a{escape}\\u0041"), "escapes") == [f"a{escape}A"]


@UNTIMED
@given(ANY)
@example("&#99999999;")
@example("%FF%FE")
@example("\\u{ffffff}")
@example("\ud800 %41")
def test_no_text_makes_a_reading_fail_or_point_outside(text: str) -> None:
    readings = [
        *unpacked(text),
        *unpacked(text, frozenset(SIGNS)),
        *respelled(text, frozenset(SIGNS)),
        *turned(text),
    ]
    for reading in readings:
        assert 0 <= reading.start <= reading.end <= len(text)
        length = len(reading.text or "")
        start, end = reading.span(0, length)
        assert 0 <= start <= end <= len(text)


@UNTIMED
@given(ANY)
def test_without_its_sign_no_reading_would_find_anything(text: str) -> None:
    """What is skipped for want of a sign would have changed nothing."""
    tried = {(r.how, r.text) for r in unpacked(text)}
    everything = {(r.how, r.text) for r in unpacked(text, frozenset(SIGNS))}
    assert tried == everything


# ---------------------------------------------------------------- respelled


def readings_of(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reading in respelled(text, signs(text)):
        found.setdefault(reading.how, []).append(reading.text or "")
    return found


@pytest.mark.parametrize(
    ("how", "text", "wanted"),
    [
        ("spelled", "write to jane dot doe at example dot com now", "jane.doe@example.com"),
        ("spelled", "jane.doe [at] example [dot] com", "jane.doe@example.com"),
        ("spelled", "jane (at) example {dot} co {dot} uk", "jane@example.co.uk"),
        ("spelled", "jane arobase example point fr", "jane@example.fr"),
        ("concatenated", 'key = "AKIA" + "QX7Z"', "AKIAQX7Z"),
        ("concatenated", "'AKIA' . 'QX7Z'", "AKIAQX7Z"),
        ("concatenated", '"AKIA"\n"QX7Z"', "AKIAQX7Z"),
        ("broken", "5474-0399-\n6012-1113", "5474-0399-6012-1113"),
        ("broken", "# AKIA\n# QX7Z", "AKIAQX7Z"),
        ("broken", "jane@acme-**corp**.com", "jane@acme-corp.com"),
        ("broken", "AK/* no */IA", "AKIA"),
        ("spaced", "5 4 7 4 0 3 9 9 6 0 1 2", "547403996012"),
        ("dashed", "0 8 8 - 3 2 - 1 2 9 6", "088-32-1296"),
        ("spaced", "j a n e @ a c m e . c o m", "jane@acme.com"),
        ("spoken", "zero eight eight three two one two nine six", "088321296"),
        ("spoken", "zero eight eight three two one two nine six", "088-32-1296"),
        ("spoken", "oh eight eight dash three two dash one two nine six", "088-32-1296"),
    ],
)
def test_spellings_for_people_are_read(how: str, text: str, wanted: str) -> None:
    assert any(wanted in reading for reading in readings_of(text)[how])


@pytest.mark.parametrize("gap", [1, 70, 2_000])
def test_any_amount_of_space_may_stand_between_the_parts(gap: int) -> None:
    text = '"AKIA"' + " " * gap + '+ "QX7Z"'
    assert any("AKIAQX7Z" in reading for reading in readings_of(text)["concatenated"])


def test_readings_that_invent_text_are_believed_by_strict_rules_alone() -> None:
    text = 'a "b" + "c" jane dot doe at example dot com 5 4 7 4 0 3 9 9 6'
    assert {r.full for r in respelled(text, signs(text))} == {False}
    assert {r.full for r in turned(text)} == {False}
    assert {r.full for r in unpacked("%41%42 " + base64_of("some text or other"))} == {True}


# ---------------------------------------------------------------- turned


@UNTIMED
@given(ANY, st.integers(0, 120), st.integers(0, 120))
def test_a_turned_text_leads_back_to_where_it_came_from(text: str, a: int, b: int) -> None:
    start, end = sorted((min(a, len(text)), min(b, len(text))))
    backwards, rotated = turned(text)
    assert backwards.text is not None
    first, last = backwards.span(start, end)
    assert text[first:last] == backwards.text[start:end][::-1]
    first, last = rotated.span(start, end)
    assert codecs.encode(text[first:last], "rot13") == (rotated.text or "")[start:end]


@UNTIMED
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_every_entity_of_html_is_read(text: str) -> None:
    escaped = html.escape(text).replace("@", "&commat;")
    readings = texts(unpacked(escaped, frozenset({"entities"})), "entities")
    assert readings == ([text] if text != escaped else [])


def test_a_query_string_is_read() -> None:
    url = f"https://h.example/?to={quote('jane.doe@acme-corp.com')}"
    assert any("jane.doe@acme-corp.com" in reading for reading in texts(unpacked(url), "percent"))


def test_a_number_that_is_assigned_is_not_quoted_printable() -> None:
    readings = [
        r.text for r in unpacked("max_tokens=4096, why cut off") if r.how == "quoted-printable"
    ]
    assert readings == []
    assert any("bob@" in (r.text or "") for r in unpacked("write to bob=40example.org"))
