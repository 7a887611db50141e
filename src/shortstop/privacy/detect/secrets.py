"""Secrets: whether a value is random, or chosen as a password, and not a name or a placeholder.

Each function takes the matched text and says whether to believe it.
"""

from __future__ import annotations

import math
import re
from collections import Counter


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    n = len(value)
    return -sum(c / n * math.log2(c / n) for c in Counter(value).values()) if n else 0.0


_PLACEHOLDER = re.compile(
    r"(?i)^(?:x{3,}|\*{3,}|\.{3,}|<.*|\[.*|\{.*|\$.*|%\w+%|your.*|my[_-]?(?:api|secret|token|key|pass).*|"
    r"(?:api|access|secret|auth)?[_-]?(?:key|token|secret|password|passwd|pass|pwd)(?:[_-]?here)?|"
    r"example.*|sample.*|dummy.*|placeholder.*|redacted.*|change[_-]?(?:me|it).*|insert.*|replace.*|"
    r"none|null|nil|undefined|true|false|string|required|optional|n/a|todo|tbd|enter.*|"
    r"(?:os|process|env|config|settings|self|this|request|secrets|vault|params|args|options|system)[.\[(].*|"
    r"\w+\(.*|get\w+|test|foo|bar|1234?5?6?7?8?9?0?)$"
)


def secret(value: str) -> bool:
    """A random value, not one that somebody wrote: long, mixed, not a placeholder."""
    value = value.strip("\"'`,;)")
    if len(value) < 8 or _PLACEHOLDER.match(value) or _is_name(value):
        return False
    if value.isdigit():
        return len(value) >= 12
    if _character_kinds(value) >= 2 and any(c.isdigit() for c in value):
        return entropy(value) >= 2.5
    return len(value) >= 16 and entropy(value) >= 3.3


def drawn(value: str) -> bool:
    """A random value next to a word as common as "key": only what nobody would write by hand.
    Sixteen characters, letters and digits mixed, not a name made of words and numbers."""
    return len(_bare(value)) >= 16 and drawn_short(value)


def drawn_short(value: str) -> bool:
    """The same from ten characters on, next to a vendor's name and a word for its key."""
    value = _bare(value)
    if len(value) < 10 or _PLACEHOLDER.match(value) or _COMPOSED.fullmatch(value):
        return False
    return (
        any(c.isdigit() for c in value)
        and any(c.isalpha() for c in value)
        and entropy(value) >= 2.8
        and "://" not in value
    )


_COMPOSED = re.compile(
    r"v?\d+(?:\.\d+)+[\w.+-]{0,12}|\d{4}-\d\d-\d\d.*|[~.]{0,2}/.*|"
    r"(?:[A-Za-z]{0,14}\d{0,10}[._/:@#%-])*[A-Za-z]{0,14}\d{0,10}"
)
"""Versions, dates, paths, and words with a number after them."""


def _bare(value: str) -> str:
    return value.strip("\"'`,;)").rstrip(".:!?")


def password(value: str) -> bool:
    """A password that a person may have chosen: short, with a digit or a sign among letters."""
    value = value.strip("\"'`,;").rstrip(".?!)") or value
    if len(value) < 5 or _PLACEHOLDER.match(value):
        return False
    return _character_kinds(value) >= 2 and not re.fullmatch(r"[A-Z]?[a-z]+(?:['’-][a-z]+)*", value)


def mixed(value: str) -> bool:
    """Letters of both cases, or letters and digits."""
    return _character_kinds(value) >= 2


def mixed_password(value: str) -> bool:
    """A password with three of: small and capital letters, digits, signs. Next to a user's name
    a value of two kinds may itself be a name."""
    bare = _bare(value)
    return _character_kinds(bare) >= 3 and password(value) and not _COMPOSED.fullmatch(bare)


def _character_kinds(value: str) -> int:
    """How many of: small letters, capitals, digits, others."""
    return (
        any(c.islower() for c in value)
        + any(c.isupper() for c in value)
        + any(c.isdigit() for c in value)
        + any(not c.isalnum() for c in value)
    )


def _is_name(value: str) -> bool:
    """Whether it is snake_case, kebab-case, a dotted name or a path of letters."""
    name = r"(?:~?\.{0,2}/|\.)?[A-Za-z]{1,14}(?:[._/:-][A-Za-z]{1,14}){1,}|[A-Za-z]?[a-z]+"
    numbered = r"[a-z]{2,14}(?:[._:/-](?:[a-z]{2,14}\d{0,4}|\d{1,6}))+"
    return bool(re.fullmatch(name, value) or re.fullmatch(numbered, value))
