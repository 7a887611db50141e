"""A text as the words that count, and what makes two texts ask for different things."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

_WORD = re.compile(r"[^\W_]+(?:[.,:/@_'’+\-][^\W_]+)*|[^\w\s]")
_MARKS = frozenset(".,;:!?…\"'`´’“”()[]{}*_~|¿¡")
"""Marks that say nothing about what is asked."""
_NEGATIONS = """
no not never none nothing nobody neither nor without cannot except unless não nao nem nunca
jamais nada ninguém ninguem nenhum nenhuma sem exceto jamás ningún ninguno ninguna sin ni kein
keine keinen nicht nie ohne ne pas rien aucun aucune sans non mai senza
"""
_POLITE = """
please pls plz kindly hi hello hey thanks thank thx cheers favor obrigado obrigada obg oi olá
ola bitte danke hallo gracias hola merci bonjour svp grazie ciao the a an
"""
NEGATIONS = frozenset(_NEGATIONS.split())
POLITE = frozenset(_POLITE.split())
"""Words that never change what is asked."""


class Wording(Struct, frozen=True):
    """`words` in lower case in their order, marks and polite words left out; `fixed` are those of
    them that no other word may stand for: figures, names, negations."""

    words: tuple[str, ...]
    fixed: frozenset[str]

    @property
    def key(self) -> str:
        """The same for texts that ask the same in the same words."""
        return "\x1f".join(self.words)


def wording(text: str) -> Wording:
    words: list[str] = []
    fixed: set[str] = set()
    begins = True
    for match in _WORD.finditer(unicodedata.normalize("NFC", text)):
        spelled = match.group().replace("’", "'")
        word = spelled.lower()
        if word in _MARKS:
            begins = begins or word in ".!?…\n"
            continue
        if word not in POLITE:
            words.append(word)
            if _is_fixed(spelled, word, begins):
                fixed.add(word)
            begins = False
    return Wording(tuple(words), frozenset(fixed))


def _is_fixed(spelled: str, word: str, begins: bool) -> bool:
    named = spelled[0].isupper() and not begins and word != "i" and not word.startswith("i'")
    return (
        named
        or not word[0].isalnum()
        or any(c.isdigit() for c in word)
        or any(c in "@/+" for c in word)
        or word in NEGATIONS
        or word.endswith("n't")
    )


def differing(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """The words by which two texts differ, in the order of the first; a word that stands elsewhere
    differs as well."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    words: list[str] = []
    for change, a, b, c, d in matcher.get_opcodes():
        if change != "equal":
            words += [*one[a:b], *other[c:d]]
    return words


def same_request(one: Wording, other: Wording, idle: Collection[str]) -> bool:
    """Whether they differ in nothing but words that are `idle`."""
    if one.fixed != other.fixed:
        return False
    odd = differing(one.words, other.words)
    return all(word in idle for word in odd) and not any(word in one.fixed for word in odd)
