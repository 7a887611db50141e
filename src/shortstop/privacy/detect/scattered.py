# ruff: noqa: E501 - patterns are read whole
"""Cards and IBANs whose groups are spread over sentences, lines of a talk or cells of a row.

A word for such a number must stand in the text; then groups of digits that follow each other, with
whatever words between them, are read as one number, and its check digits decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from shortstop.privacy.detect.numbers import iban_length, iban_number, loose_card
from shortstop.privacy.detect.rules import compile_pattern

REACH = 400
"""Bytes around the word in which groups are looked for."""
GAP = 60
"""The most characters between two groups of one number."""
CARD = 16
"""Digits of the cards that are looked for: others are too seldom, and hit by chance as often."""
SHORTEST, LONGEST = 2, 12
"""Digits of a group of a card."""
_CARD_WORD = (
    r"\bcards?\b|\bvisa\b|mastercard|kreditkarte|\bkarten?nummer|\bkarte\b|\bcarte\b|tarjeta|\bcarta di\b|cart[ãa]o"
    r"|\bkaart|\bkarty?\b|kartı|карт[аыуе]|信用卡|银行卡|卡号|カード|카드|بطاقة|כרטיס|कार्ड"
)
_ACCOUNT_WORD = r"\biban\b|\bkonto\b|\baccount\b|\bbank\b|\bbanque\b|\bcuenta\b|\bconto\b|\bconta\b|\brekening|rachun"
_WORD = compile_pattern(f"(?i)(?:{_CARD_WORD}|{_ACCOUNT_WORD})")
_CARDS = compile_pattern(f"(?i)(?:{_CARD_WORD})")
_DIGITS = re.compile(rf"(?<![\w.,/-])\d{{{SHORTEST},{LONGEST}}}(?![\w/-]|[.,]\d)")
_PIECE = re.compile(r"(?<!\w)(?:[A-Z]{2}\d{2}|[A-Z]{4}|[0-9A-Z]{1,8}(?<=\d))(?!\w)")
_HEAD = re.compile(r"[A-Z]{2}\d{2}")
_FEWEST = {2: 6, 3: 3}
"""Digits of the shortest group in a number of so many groups; 2 in longer ones."""


def gates() -> tuple[str, ...]:
    """Patterns (RE2), one of which matches in every text in which `spans` may find something."""
    return (f"(?i)(?:{_CARD_WORD}|{_ACCOUNT_WORD})",)


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every such number in UTF-8."""
    done = 0
    for word in _WORD.finditer(data):
        low, high = max(done, word.start() - REACH), word.end() + REACH
        if high <= done:
            continue
        text = data[low:high].decode("utf-8", "ignore")
        found = [*_ibans(text)]
        if _CARDS.search(data, low, high) is not None:
            found += _cards(text)
        for start, end in found:
            done = low + len(text[:end].encode())
            yield low + len(text[:start].encode()), done


def _cards(text: str) -> Iterator[tuple[int, int]]:
    groups = [match.span() for match in _DIGITS.finditer(text)]
    first = 0
    while first < len(groups):
        last = _card_from(text, groups, first)
        if last is None:
            first += 1
        else:
            yield groups[first][0], groups[last][1]
            first = last + 1


def _card_from(text: str, groups: Sequence[tuple[int, int]], first: int) -> int | None:
    """The last group of a card that begins with the group `first`."""
    number, lengths = "", list[int]()
    for i in range(first, len(groups)):
        start, end = groups[i]
        if i > first and start - groups[i - 1][1] > GAP:
            return None
        number += text[start:end]
        lengths.append(end - start)
        if len(number) >= CARD:
            whole = len(number) == CARD and len(lengths) > 1
            printed = min(lengths) >= _FEWEST.get(len(lengths), 2)
            return i if whole and printed and loose_card(number) else None
    return None


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    pieces = list(_PIECE.finditer(text))
    for first, head in enumerate(pieces):
        wanted = iban_length(head.group()[:2]) if _HEAD.fullmatch(head.group()) else 0
        if not wanted:
            continue
        number, end = head.group(), head.end()
        for piece in pieces[first + 1 :]:
            if piece.start() - end > GAP or len(number) >= wanted:
                break
            number, end = number + piece.group(), piece.end()
        if len(number) == wanted and iban_number(number):
            yield head.start(), end
