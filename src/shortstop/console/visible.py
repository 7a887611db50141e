"""Text as a terminal or a log may show it: names come from clients, upstreams and files.

A terminal obeys what it is sent: escape sequences move the cursor, rename the window and hide
links; a line break forges a line; bidirectional overrides turn one name into another. All of that
is shown as what it is, such as `\\x1b`, instead of being done.
"""

from __future__ import annotations

import json

HARMLESS = frozenset("\u00a0\u2009\u200c\u200d\u202f\u3000")
"""Spaces, and the joiners that Persian, Hindi and emoji are written with."""


def visible(text: str) -> str:
    """`text` in one line, with nothing in it that is not printed."""
    if text.isprintable():
        return text
    return "".join([c if _is_plain(c) else _escaped(c) for c in text])


def visible_json(text: str) -> str:
    """A JSON document with line breaks between its parts, and the same values in it."""
    if text.isprintable():
        return text
    return "".join([c if _is_plain(c) or c == "\n" else json.dumps(c)[1:-1] for c in text])


def _is_plain(character: str) -> bool:
    return character.isprintable() or character in HARMLESS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
