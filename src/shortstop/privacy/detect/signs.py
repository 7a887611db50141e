# ruff: noqa: E501 - patterns are read whole
"""Signs: cheap patterns that say whether it is worth reading a text in another way.

Decoding base64, joining broken lines or reversing a text is expensive, so `decode` tries a reading
only where its sign occurs. A sign matches in every text in which its reading could find anything
(`tests/privacy/detect/test_signs.py` proves it where it can), within fewer than `detector.OVERLAP`
characters. The automata that look for rules look for signs in the same pass.
"""

from __future__ import annotations

from shortstop.privacy.detect.mailboxes import SIGN as MAILBOX
from shortstop.privacy.detect.spoken import SIGN as NUMERALS

_WITHIN = r"[\s,;.:-]{1,3}[^\s0-9]{1,10}[\s,;.:-]{1,3}(?:[^\s0-9]{1,9}[\s,;.:-]{1,3})?"
"""One or two words between digits."""
_TAGS = r"(?:<[^<>0-9]{1,30}>[\s|]?){1,4}(?:[A-Z]{1,6}(?:<[^<>0-9]{1,30}>\s?){1,4})?"
FIGURES = rf"[0-9](?:(?:[^0-9]{{0,8}}|[^0-9a-z]{{0,16}}|{_TAGS}|{_WITHIN})[0-9]){{4"
"""Five digits that are close to each other, without the end of the repetition."""

SIGNS = {
    "hex": r"(?:[0-9a-fA-F]{2}(?:[ :]|\\x|, ?0x)?){8}",
    "base64": r"[A-Za-z0-9+/_-]{16}",
    "percent": r"%[0-9a-fA-F]{2}",
    "entities": r"&(?:#|[a-z]{2})",
    "escapes": r"\\[ux0-7]",
    "quoted-printable": r"=(?:[0-9A-F]{2}|\r?\n)",
    "spelled": MAILBOX,
    "tags": r"[\x{E0020}-\x{E007E}]|[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]{4}",
    "concatenated": r"[\"'`]\s*(?:\+|\.|\.\.|&|\|\||<<)?\s*\\?\n?\s*[\"'`]",
    "broken": r"[^\x1f]\n[^\x1f]|[*`]|__|/\*|[0-9A-Za-z]_",
    "spaced-digits": r"\d(?:[ \t_.\-/|*\n]{1,3}\d{1,4}){6}",
    "spaced": r"(?:[0-9A-Za-z@.][ \t_.\-/|*]{1,2}){7}[0-9A-Za-z]",
    "spoken": r"(?i)(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|dash|space)\b[\s,-]*){3}",
    "figures": FIGURES + "}",
    "numerals": NUMERALS,
    "gap": r"[\s,-]{65}",
    "drawn": r"[!-~]{16}",
    "turned": r"-{5}|xox|kbk|xapp|ppax|knpc|[A-Za-z] ?\d\d ?\d\d ?\d\d ?[A-Za-z]",
}
TURNED = frozenset(["drawn", "turned"])
"""The signs of a text that is worth reading backwards and rotated."""
STRETCHED = frozenset(["spelled", "concatenated", "spoken"])
"""Readings that allow any amount of space between their parts. In a text with a gap their sign may
be longer than the overlap, so a gap counts as a sign of each of them."""
