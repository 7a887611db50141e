"""Filled in: whether a value that is said to be a secret may be one, and is nothing about one."""

from __future__ import annotations

import re
from functools import cache

from shortstop.privacy.detect import placeholders
from shortstop.privacy.detect.wordlists import secret_words

_ENDS = re.compile(r"(?:ed|ing|able|ible|ful|less|ive|ory|ent|ant|ly|ish|ated|iert|lich|bar|los)$")
"""How words end that say something about a password."""
_CODE = re.compile(r"[(){}<>\[\]=$|]|::|\.\w+\(")
_FILE = re.compile(r"[$%<{(/.\\-]|\w+\.(?:sql|zip|txt|json|ya?ml|7z|gz)$")
_NAME = re.compile(r"[a-z]+(?:[_.][a-z]+)+|[A-Z_]+|\d{1,5}")
_CALL = re.compile(r"[A-Za-z_]\.[a-z_]+[A-Z(]?|[(){}\[\]<>]|://")
"""Of code, or an address."""
_LEAST, _STRONG = 3, 6


def is_value(value: str) -> bool:
    """Whether what is said to be a secret may be one: no placeholder, and nothing about one."""
    value = value.strip("\"'`“”„«» .,;:!?")
    parts = re.split(r"[\s_/-]+", value.lower())
    return (
        len(value) >= _LEAST
        and not placeholders.is_filler(value)
        and not any(part in _never() for part in parts)
        and _CODE.search(value) is None
    )


def is_plain(value: str) -> bool:
    """The same of a word without quotes: also none that says how a password is."""
    return is_value(value) and _ENDS.search(value) is None and "'" not in value


def is_typed(value: str) -> bool:
    """Whether what stands behind an option of a command was typed in full: no file, no name."""
    value = value.rstrip(";,)`\\")
    plain = value.isalpha() and value.islower()
    return (
        is_value(value)
        and _FILE.match(value) is None
        and not (plain and (len(value) < 6 or value in _never()))
        and _NAME.fullmatch(value) is None
    )


def is_quoted(value: str) -> bool:
    """Whether what stands in quotes behind an option for a password is one, and no variable."""
    return "$" not in value and not placeholders.is_filler(value)


def is_spaced_code(value: str) -> bool:
    """Whether a code digit by digit neither counts nor repeats one digit."""
    number = re.sub(r"\D", "", value)
    return number not in "01234567890123456789" and len(set(number)) > 1


def is_by_looks(value: str) -> bool:
    """Whether what looks like a chosen password is no version or device."""
    return not placeholders.is_never(value.rstrip("!?*"))


def is_answer(value: str) -> bool:
    """Whether a turn of one word is the answer to a question about a secret: it has a digit."""
    value = value.rstrip(".,!?")
    return is_value(value) and any(c.isdigit() for c in value)


def is_assigned(value: str) -> bool:
    """Whether a string that is assigned to a password in code or settings was somebody's: no name
    in code, and of letters alone only if it is long."""
    if not is_typed(value):
        return False
    if value.replace("_", "").replace("-", "").isalpha():
        return len(value) > 7
    return not placeholders.is_none(value) or (value[-1].isdigit() and value != value.lower())


def is_guest_key(value: str) -> bool:
    """Whether it is a key as people choose them for guests: with two digits, and no name."""
    digits = sum(c.isdigit() for c in value)
    return is_typed(value) and digits > 1 and not placeholders.is_none(value)


def is_strong(value: str) -> bool:
    """Whether what stands behind a word for a password is none of the text's words: letters of both
    cases with a digit or a sign among them."""
    value = value.rstrip(".,;:!?)\"'`”“»")
    inner = value[:-1]
    return (
        len(value) >= _STRONG
        and any(map(str.islower, value))
        and any(
            map(str.isupper, inner[1:] + value[-1:])
            if value[0].isupper()
            else map(str.isupper, value)
        )
        and any(not c.isalpha() for c in inner)
        and is_value(value)
        and placeholders.is_filler(value) is False
        and _CALL.search(value) is None
    )


def is_chosen(value: str) -> bool:
    """Whether it is a word that somebody chose: with a digit, a sign or a capital within."""
    value = value.strip("\"'`“”„«».,;:!?")
    odd = any(c.isdigit() or c in "_!#$%&*+@-" for c in value) or any(map(str.isupper, value[1:]))
    return len(value) >= _STRONG - 1 and odd and is_value(value) and _CALL.search(value) is None


def is_behind_a_slash(value: str) -> bool:
    """Whether what stands behind a user's name and a slash is a password: no plain word."""
    value = value.rstrip(".,;)")
    drawn = any(map(str.isdigit, value)) or (
        not value.islower() and not value.isupper() and not value.istitle()
    )
    return len(value) >= _STRONG and (drawn or _is_odd(value)) and is_value(value)


def _is_odd(value: str) -> bool:
    return value.isupper() and len(value) > 9


@cache
def _never() -> frozenset[str]:
    return frozenset(secret_words()["stated"]["never"])
