# ruff: noqa: E501 - patterns are read whole
"""Candidates: strings that may be a secret by what they are, whatever stands near them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from shortstop.privacy.detect import placeholders
from shortstop.privacy.detect.rules import compile_pattern

_RUN = re.compile(r"[!-~\u00c0-\u024f]{3,}")
"""Printable characters in a row."""
_ODD = re.compile(r"[0-9]|[A-Za-z]{16}|[#$%^&*+=~@!?:|][A-Za-z]|(?:[a-z]{2,12}-){3}")
"""What a run holds that may hold a value: a digit, a sign, or many letters."""
_SPLIT = re.compile(r"[^\"'`<>(){}\[\],;|\\]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|^//|^www\.")
_PARAMETERS = re.compile(r"/[\w./-]*\?[\w.-]+=|&[a-z_]+=[^&]+&[a-z_]+=")
_QUERY = re.compile(r"[?&#:][\w.\[\]-]+=([^&#]+)")
_ASSIGNED = re.compile(
    r"-{0,2}[A-Za-z_$][\w.$-]*?(?:=>|:=|={1,3}|:|->)(?=.)|[a-z]{2,12}%|-[A-Za-z](?=[^-\s])|\$env:"
)
_NAME = re.compile(r"\W*(?:[a-z_.$-]+|[A-Z_]+|[a-z]*(?:[A-Z]{1,4}[a-z]{2,})+)[0-9]*\W*")
"""A name of one case, or of letters alone: what stands behind it is assigned to it."""
_LEADING = ":=.?!-_*/~"
_TRAILING = ".,:;?*…"
_SYNTAX = re.compile(
    r"\w[(\[{]|\)\[|[`{}]|^[:/]|[\"'],|[)\]][.:;,]|\(\)|[\"'][:\])]|\\[nrtx]|</?\w"
)
"""Of code: such a run holds several things, and is none."""
_LETTER = re.compile(r"[A-Za-z\u00c0-\u024f]")
_DIGITS = re.compile(
    r"(?<![\d./+-])(?<!\d,)(?:\d{6}(?:-\d{6}){5,7}|\d{3}-\d{3}|\d{4}-\d{4}|\d{4,24})(?![\d/+-]|[.:]\d)"
)
"""Codes among digits and signs: not a part of an amount, a date or a longer number."""
_CODE_HEAD = re.compile(r"(?:^|[:=(\"'])(\d{3})$")
_CODE = re.compile(r"\d{3} \d{3}(?![A-Za-z0-9-]|[.:/]\d)")
_PHRASE = compile_pattern(
    r"(?:[\"“«„'`] ?|[:=]\s{0,3}|(?i:phrase|frase|wachtzin|mnemonic)[^\n]{0,24}?\W"
    r"(?:is|was|type|ist|lautet|est|es|è|é)\s|(?i:phrase|frase)\s{0,2}\n\s{0,2}|(?i:master.?pass\w{2,5})[^\n]{0,24}?\W(?:is|was|ist|est|es)\s|\bI (?:typed?|enter(?:ed)?|used?) )"
    r"([a-z]{2,12}(?:(?: [a-z]{2,12}){3,7}|(?:[._][a-z]{3,12}){3,7})(?:[ ._]?\d{1,4})?)(?:\s?[\"”»“'`.,;?!\n]|\s?$| (?:and|with|but|or|as|on) )"
)
"""Words in a row that fill a pair of quotes, or end what begins with a colon or with "phrase is"."""
_SPACED = compile_pattern(
    r"(?:^|[^A-Za-z0-9-])([a-z0-9]{4}(?: [a-z0-9]{4}){3,7}|[A-Z0-9]{4}(?: [A-Z0-9]{4}){3,7}|\d{6}(?: \d{6}){7}|\d{4} \d{4}|[A-Z0-9]{5}(?: [A-Z0-9]{5}){3,5})(?:[^A-Za-z0-9-]|$)"
)
"""Keys and codes in groups with spaces between."""

_FINGERPRINT = re.compile(r"[0-9A-F]{4}(?: [0-9A-F]{4}){4}(?:  ?[0-9A-F]{4}(?: [0-9A-F]{4}){4})?")
"""Of an OpenPGP key, whole or up to its middle: public."""

FORMS = (
        ("uuid", r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        ("digits", r"\d{4,8}|\d{4,6}[A-F]|\d{3}-\d{3}|\d{4}-\d{4}|[A-Z]-\d{4,8}"),
        ("groups", r"\d{6}(?:-\d{6}){5,7}|(?=.*\d)[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){2,11}|(?=(?:[a-z-]*\d){2})(?:[a-z0-9]{4}-[a-z0-9]{4}|[a-z0-9]{5}-[a-z0-9]{5}|[a-z0-9]{4,6}(?:-[a-z0-9]{4,6}){2,7})"),
        ("long", r"\d{9,24}"),
        ("number", r"[\d.,:/+-]+"),
        ("hex", r"(?:0x)?(?=[a-fA-F]*\d)(?:[0-9a-f]{16,}|[0-9A-F]{16,})"),
        ("chosen", r"[A-Za-z\u00c0-\u024f]{5,20}\d{1,5}|[A-Za-z\u00c0-\u024f]{4,20}[_.-]\d{3,5}"),
        ("random", r"(?=[^\d]*\d|[^A-Z]*[A-Z])(?=[^a-zA-Z]*[a-zA-Z])[A-Za-z0-9+/_=.~%-]{16,}"),
        ("chosen", r"(?=\D*\d)(?=[^A-Za-z\u00c0-\u024f]*[A-Za-z\u00c0-\u024f])[A-Za-z0-9\u00c0-\u024f]{5,15}"),
        ("coded", r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9]+(?:[-_./][A-Za-z0-9]+)+"),
        ("words", r"[a-z]{2,12}(?:[-_. ][a-z]{2,12}){3,9}"),
        ("letters", r"[A-Za-z]+"),
)  # fmt: skip
"""Makes of values, the first that fits; anything else is "mixed". Of letters, numbers and words
most are none: the weights decide."""
_FORM = re.compile("|".join(f"({pattern})" for _, pattern in FORMS))


class Suspect(Struct, frozen=True, gc=False):
    """text[start:end] has the make `form`. `named`: it reads as the name of something, and is a
    secret only where the text says that it is a password."""

    start: int
    end: int
    form: str
    value: str
    named: bool = False


def candidates(text: str) -> Iterator[Suspect]:
    """All of them in a text without lone surrogates, by place but for words in a row."""
    for match in _PHRASE.finditer(text):
        form = "words" if " " in match.group(1) else "joined"
        yield Suspect(match.start(1), match.end(1), form, match.group(1))
    for match in _SPACED.finditer(text):
        if value := _grouped(match.group(1)):
            yield Suspect(match.start(1), match.end(1), value, match.group(1))
    for start, run in _runs(text):
        if (head := _CODE_HEAD.search(run)) and (code := _CODE.match(text, start + head.start(1))):
            yield Suspect(code.start(), code.end(), "digits", code.group())
        for at, value in _parts(run, start):
            form, end = form_of(value), at + len(value)
            if not form or placeholders.is_never(value, text[end : end + 2]):
                continue
            named = placeholders.is_type(value) or placeholders.is_label(value)
            if not named or placeholders.may_be_chosen(value):
                yield Suspect(at, end, form, value, named)


def _grouped(value: str) -> str:
    """The make of groups with spaces between: of digits and letters, or of two groups of digits."""
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    if not letters:
        return "digits" if len(value) == 9 else "groups" if len(value) == 55 else ""
    if _FINGERPRINT.fullmatch(value):
        return ""
    mixed = sum(any(c.isdigit() for c in g) for g in value.split())
    return "groups" if digits and (mixed > 1 or len(value) < 24) else ""


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """(offset, run) of printable characters in a row with a digit or a sign in it, or long."""
    for match in _RUN.finditer(text):
        if _ODD.search(run := match.group()):
            yield match.start(), run


def _parts(run: str, offset: int) -> Iterator[tuple[int, str]]:
    """(offset, part): what a run of printable characters may hold."""
    if not _LETTER.search(run):
        for match in _DIGITS.finditer(run):
            yield offset + match.start(), match.group()
        return
    if run.isalnum():
        yield from _long_enough(run, offset)
        return
    if _URL.search(run) or _PARAMETERS.search(run):
        for match in _QUERY.finditer(run):
            yield offset + match.start(1), match.group(1)
        return
    pieces = list(_SPLIT.finditer(run))
    for piece in pieces:
        value = piece.group().lstrip(_LEADING)
        yield from _bare(value, offset + piece.end() - len(value))
    if len(pieces) > 1:
        whole = run.strip("\"'`<>(){}[],;|")
        if len(pieces) <= 4 and whole != pieces[0].group() and not _SYNTAX.search(whole):
            yield from _bare(whole, offset + run.index(whole))


def _bare(value: str, offset: int) -> Iterator[tuple[int, str]]:
    """Without a name in front of it and without the sentence's punctuation behind it."""
    while match := _ASSIGNED.match(value):
        if not _NAME.fullmatch(match.group()):
            yield from _long_enough(value, offset)
        value, offset = value[match.end() :], offset + match.end()
    yield from _long_enough(value, offset)


def _long_enough(value: str, offset: int) -> Iterator[tuple[int, str]]:
    value = value.rstrip(_TRAILING)
    value = value.rstrip("#*") if value[:-1].isdigit() else value
    if len(value) >= 4 and "sha256:" not in value.lower():
        yield offset, value


def form_of(value: str) -> str:
    """The make of a value; "" for what no secret looks like."""
    match = _FORM.fullmatch(value)
    if match is None or match.lastindex is None:
        return "mixed" if _is_mixed(value) else ""
    name = FORMS[match.lastindex - 1][0]
    if name == "letters":
        return "letters" if len(value) >= 16 and not value.istitle() else ""
    return "" if name == "number" else name


def _is_mixed(value: str) -> bool:
    """Letters with signs or digits, as a password has them; an apostrophe or dash is none."""
    if not 5 <= len(value) <= 100 or not any(c.isalpha() for c in value):
        return False
    signs = {c for c in value if not c.isalnum()} - set("'’-_./")
    return any(c.isdigit() for c in value) or (len(signs) > 1 and value.lower() != value)
