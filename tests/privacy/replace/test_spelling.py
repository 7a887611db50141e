r"""A surrogate that the model spells otherwise is restored, in the spelling it was found in."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.replace.restore import Buffer, Restorer

MAIL, VALUE = "person-bcdfghjk@example.com", 'o\'hara "x"\\y@acme-corp.com'
PHONE, NUMBER = "+1-415-555-0132", "+49 30 90 18 20"
NAME, PERSON = "Жамиро", "Анна Ли"
RESTORER = Restorer({MAIL: VALUE, PHONE: NUMBER, NAME: PERSON})


def coded(text: str, marks: str, form: str) -> str:
    return "".join(form.format(c=c, o=ord(c)) if c in marks else c for c in text)


def test_json_escapes() -> None:
    for form in ("\\u{o:04x}", "\\u{o:04X}"):
        text = f'{{"to": "{coded(MAIL, "@.-", form)}"}}'
        assert json.loads(RESTORER.text(text)) == {"to": VALUE}
        assert json.loads(RESTORER.text(text, escaped=True)) == {"to": VALUE}


def test_json_in_json() -> None:
    inner = '{"to": "' + coded(MAIL, "@", "\\u{o:04x}") + '"}'
    text = json.dumps({"body": inner})
    assert json.loads(json.loads(RESTORER.text(text, escaped=True))["body"]) == {"to": VALUE}
    assert json.loads(json.loads(RESTORER.text(text))["body"]) == {"to": VALUE}


@pytest.mark.parametrize("surrogate", [MAIL, PHONE, NAME])
def test_percent(surrogate: str) -> None:
    value = RESTORER.text(surrogate)
    link = f"https://x.example/?to={quote(surrogate, safe='')}&n=1"
    assert RESTORER.text(link) == f"https://x.example/?to={quote(value, safe='')}&n=1"
    twice = f"next={quote(quote(surrogate, safe=''), safe='')};"
    if surrogate != NAME:
        assert unquote(unquote(RESTORER.text(twice))) == f"next={value};"


@pytest.mark.parametrize("at", ["&#64;", "&#x40;", "&#X40;", "&commat;", "&amp;#64;"])
def test_entities(at: str) -> None:
    restored = RESTORER.text(f"<b>{MAIL.replace('@', at)}</b>")
    for _ in range(1 + at.count("amp")):
        restored = html.unescape(restored)
    assert restored == f"<b>{VALUE}</b>"
    assert RESTORER.text("tel: &#43;1&#45;415-555-0132") == f"tel: {NUMBER}"


def test_markdown() -> None:
    assert RESTORER.text("call \\+1\\-415\\-555\\-0132.") == "call \\+49 30 90 18 20."
    shown = RESTORER.text("write to person\\-bcdfghjk\\@example\\.com")
    assert shown.endswith("\\@acme\\-corp\\.com")
    arguments = json.dumps({"md": "person\\-bcdfghjk@example\\.com"})
    restored = json.loads(RESTORER.text(arguments, escaped=True))["md"]
    assert restored.endswith("@acme\\-corp\\.com")


def test_code() -> None:
    code = "to = 'person-bcdfghjk\\x40example.com'"
    assert RESTORER.text(code).endswith("@acme-corp.com'")
    assert "o\\'hara" in RESTORER.text(code)


SPELLED = [
    MAIL,
    coded(MAIL, "@", "\\u{o:04x}"),
    coded(MAIL, "@.", "&#{o};"),
    quote(MAIL, safe=""),
    quote(NAME),
    coded(PHONE, "+-", "\\{c}"),
    coded(NAME, NAME, "\\u{o:04x}"),
    "100%",
    "a & b",
    "c:\\dir\\u",
    "&nbsp;",
]


@given(st.lists(st.sampled_from(SPELLED), max_size=6), st.lists(st.integers(1, 9), max_size=60))
def test_a_stream_cut_anywhere_says_the_same(parts: list[str], cuts: list[int]) -> None:
    text = " x ".join(parts)
    for escaped in (False, True):
        buffer, out, rest = Buffer(RESTORER, escaped=escaped), [], text
        for cut in cuts:
            out.append(buffer.push(rest[:cut]))
            rest = rest[cut:]
        out.append(buffer.push(rest, final=True))
        assert "".join(out) == RESTORER.text(text, escaped=escaped)


@given(st.text("\\%&#;ux40@amp_.- ", max_size=60))
def test_what_holds_no_surrogate_stays(text: str) -> None:
    assert RESTORER.text(text) == text
