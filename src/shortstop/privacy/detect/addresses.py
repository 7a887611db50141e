# ruff: noqa: E501, SIM905 - patterns and lists of words are read whole
"""Street addresses in a text, with the town, code and country that follow them.

Looser than the rulebook's, which pin a request. These are read before an escalation only, so a house
number and two capitalised words are enough where a unit, a postal code or "lives at" is near.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_CAP = r"[^\W\d_a-zß-öø-ÿ][^\W\d_]{0,40}(?:[.'’-][^\W\d_]{1,40}){0,3}\.?"
_NAME = rf"(?:(?:{_CAP}|de|del|della|delle|di|da|do|dos|du|des|la|las|los|le|van|von|der|den|of)[ ]){{0,4}}{_CAP}"
_TYPES = (
    r"Street|St|Str|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|"
    r"Parkway|Pkwy|Highway|Hwy|Circle|Crescent|Close|Grove|Gardens|Mews|Row|Way|Alley|Walk|Hill|Quay|"
    r"Crossroad|Turnpike|Trail|Loop|Rise|View|Green|Park"
)
_ENDS = (
    r"straße|strasse|str|gasse|allee|weg|platz|ufer|damm|ring|laan|straat|plein|gracht|kade|steeg|singel|"
    r"dijk|baan|gatan|gata|vägen|väg|vej|gade|gate|veien|vegen|veg|tie|katu|polku|kuja|götu|stræti|straeti|"
    r"utca|út|útja|ulice|ulica|cesta|třída|brücke|stígur|vegur"
)
_BEGINS = (
    r"[Rr]ue|[Aa]venue|[Bb]oulevard|[Cc]hemin|[Aa]llée|[Pp]lace|[Qq]uai|[Ii]mpasse|Calle|C/|Avda\.?|Avenida|Av\.?|"
    r"Plaza|Paseo|Ronda|Camino|Via|Viale|Piazza|Piazzetta|Corso|Vicolo|Largo|Rua|Travessa|Alameda|Praça|"
    r"[Uu]l\.|[Aa]l\.|[Pp]l\.|[Uu]lica|[Aa]leja|Nám\.|Náměstí"
)
_UNIT = (
    r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|Rm|Appartement|Wohnung|Piso|Puerta|Interno|Lokal)"
    r"\b\.?[ ]?#?\d{1,5}[A-Za-z]?\b"
)
_POSTED = (
    r"(?:P\.?[ ]?O\.?[ ]?Box|Postbox|Postboks|Postfach|PSC|Unit|USS|USNS|USCGC|USNV)[ ](?:[\d]{1,6}|\w+)"
    r"(?:,?[ ]Box[ ]\d{1,6})?(?:\s{0,2}[ADF]PO[ ]A[AEP][ ]\d{5})?"
)
_NUMBER = r"\d{1,6}[A-Za-z]?(?:[-/]\d{1,4})?\.?"
_BEFORE = r"(?:\d{1,6}[A-Za-z]?,?[ ]){1,2}"
_SURE = re.compile(
    rf"(?:{_BEFORE}(?:{_NAME}[ ])?(?:{_TYPES})\b\.?(?:[ ]{_NUMBER})?"
    rf"|(?:{_BEFORE})?(?:{_BEGINS})[ ](?:de[ ]|du[ ]|des[ ]|la[ ]|d['’])*[^\W\d_][^\n\d,]{{1,40}}[ ]{_NUMBER}"
    rf"|{_BEFORE}(?:{_BEGINS})[ ](?:de[ ]|du[ ]|des[ ]|la[ ]|d['’])*{_NAME}"
    rf"|(?:{_BEFORE})?(?:{_NAME}[ ])??\b[^\W\d_]\w{{0,40}}(?:{_ENDS})[ ]{_NUMBER}"
    rf"|(?:{_BEFORE})?(?:{_NAME}[ ])(?:{_ENDS}|u)\.?[ ]{_NUMBER}"
    rf"|{_UNIT}|{_POSTED})"
)
_WEAK = re.compile(rf"(?:{_BEFORE}{_NAME}(?:[ ]{_NUMBER})?|{_NAME}[ ]\d{{1,5}}[A-Za-z]?\b)")
_INTRODUCED = re.compile(
    r"(?i)(?:\b(?:address(?:es)?|lives?|living|resides?|located|house|corner|side|station|office|shop|store|"
    r"restaurant|deliver\w*|ship\w*|sen[dt]|return|meet|moved?|user:?|between)\b[^\n]{0,40}?"
    r"(?:\bat|\bon|\bto|\bis|\bof|\bfrom|\bwith|:|\bsame|\bare)[: ]{0,2})$"
)
_MORE = re.compile(
    rf"(?:[ ]*,?[ ]*(?:\n[>?| ]*)?,?[ ]*)(?:{_UNIT}|[A-Z]{{1,2}}\d[A-Z\d]?[ ]?\d[A-Z]{{2}}|[A-Z]{{2,3}}[ ]\d{{4,6}}|"
    rf"\d{{4,6}}(?:-\d{{3,4}})?|nan\b|{_NAME}(?:[ ]\([^\W\d_]+\))?)(?![\w@])"
)
_CODE = re.compile(r"\d{4,6}\b|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b")
_NOT_TOWNS = frozenset(
    """
    this that is i you the and for to from in on at after before please phone tel fax email
    """.split()
)
REACH = 120
"""How far an address may go on without a digit, in characters."""


def addresses(text: str) -> list[Span]:
    """(start, end) of each address, all its parts included."""
    spans: list[Span] = []
    for start, end, sure in _candidates(text):
        if spans and start < spans[-1][1]:
            continue
        extended = _extended(text, end)
        introduced = sure or _INTRODUCED.search(text[max(0, start - 80) : start])
        if introduced or _has_code(text[end:extended]):
            spans.append((start, extended))
    return spans


def _candidates(text: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether it needs no further evidence), in order."""
    sure = [(*m.span(), True) for m in _SURE.finditer(text)]
    weak = [(*m.span(), False) for m in _WEAK.finditer(text)]
    yield from sorted(sure + weak, key=lambda s: (s[0], not s[2], -s[1]))


def _has_code(tail: str) -> bool:
    """Whether a unit or a postal code is in it."""
    return re.search(_UNIT, tail) is not None or _CODE.search(tail) is not None


def _extended(text: str, end: int) -> int:
    """The address's end after units, towns, codes and countries. A town far away or in another
    line counts only when a code or a unit follows it."""
    kept = position = end
    while position - kept < REACH and (match := _MORE.match(text, position)) is not None:
        part = match.group().strip(" ,>?|\n")
        if part.split(" ")[0].lower() in _NOT_TOWNS:
            break
        position = match.end()
        near = position - kept < 30 and "\n" not in match.group()
        if near or any(c.isdigit() for c in part):
            kept = position
    return kept
