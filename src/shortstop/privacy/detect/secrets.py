"""Secrets: whether what a pattern found in a place for a secret is one, and no placeholder.

Each function but `entropy` takes the matched text and says whether to believe it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter

from shortstop.privacy.detect import placeholders
from shortstop.privacy.detect.wordlists import seed_words


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    n = len(value)
    return -sum(c / n * math.log2(c / n) for c in Counter(value).values()) if n else 0.0


def real(value: str) -> bool:
    """A value that somebody filled in."""
    return not placeholders.is_filler(value.strip("\"'`,;)"))


def mixed(value: str) -> bool:
    """Letters of both cases, or letters and digits."""
    return (
        any(c.islower() for c in value)
        + any(c.isupper() for c in value)
        + any(c.isdigit() for c in value)
        + any(not c.isalnum() for c in value)
    ) >= 2


def coded_value(value: str) -> bool:
    """What a program drew: letters and digits in turns, no words and no placeholder."""
    runs = len(re.findall(r"\d+", value))
    return runs > 1 and sum(c.isdigit() for c in value) * 12 > len(value) and real(value)


def coded_groups(value: str) -> bool:
    """A key in groups, or as one, with a digit among its letters."""
    return any(c in "234567" for c in value) and len(set(value)) > 5


def drawn(value: str) -> bool:
    """Groups of letters that are no words: most have no vowel, or begin as no word does."""
    groups = re.findall(r"[a-z]{4}", value)
    odd = sum(not set(g) & set("aeiou") or _ODD.search(g) is not None for g in groups)
    return odd * 2 >= len(groups)


_ODD = re.compile(r"[qxj][^aeiou]|[bcdfghjklmnpqrstvwxz]{3}|^[bcdfgjkmnpqtvxz][bcdfgjkmnpqtvxz]")
_USER = re.compile(r"://([^:/]*):(.+)@")
_PORT = re.compile(r"\d{2,5}(?:[/?#]|$)")


def url_password(value: str) -> bool:
    """A URL whose password is neither a placeholder nor the same word as its user."""
    match = _USER.search(value)
    if match is None or _PORT.match(match.group(2)):
        return False
    user, password = match.groups()
    return real(password) and password.lower() != user.lower()


_BASE58 = {c: i for i, c in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}


def base58check(value: str) -> bool:
    """A wallet's key whose checksum holds."""
    if not _BASE58.keys() >= set(value):
        return False
    number = 0
    for char in value:
        number = number * 58 + _BASE58[char]
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def mostly_seed_words(value: str) -> bool:
    """Whether three in four of its words are of BIP-39, and few are there twice."""
    words = re.findall(r"[a-z]+", value)
    known = sum(word in seed_words() for word in words)
    return known >= 0.75 * len(words) and len(set(words)) > 0.8 * len(words)


def seed_words_only(value: str) -> bool:
    """Whether all words of a numbered part of a phrase are of the list."""
    return all(word in seed_words() for word in re.findall(r"[a-z]+", value.lower()))
