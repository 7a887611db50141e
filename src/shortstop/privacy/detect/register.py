"""What a tenant itself declared: words of its own and whole documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.rules import compile_pattern

SHINGLE = 8
"""Words that must follow each other as in a registered document."""
ENOUGH = 2
"""Shingles that prove a passage."""

_WORD = re.compile(r"\w+")


class Register:
    """Terms and fingerprints of one tenant. Documents are kept as hashes only."""

    def __init__(
        self, terms: Iterable[str] = (), documents: Iterable[str] = (), prints: Iterable[bytes] = ()
    ) -> None:
        self._terms = _alternatives(terms)
        self._prints = frozenset(prints) | {p for d in documents for p, _, _ in shingles(d)}

    @property
    def prints(self) -> frozenset[bytes]:
        """What to keep of the documents: nothing that could be read again."""
        return self._prints

    def hits(self, text: str) -> Iterator[tuple[str, str, int, int]]:
        """(label, rule, start, end) of every term and registered passage."""
        view = canonical(text)
        if self._terms is not None:
            for match in self._terms.finditer(view.text):
                yield ("DICTIONARY", "tenant-term", *view.span(match.start(1), match.end(1)))
        if self._prints:
            known = [(a, b) for p, a, b in shingles(view.text) if p in self._prints]
            if len(known) >= ENOUGH:
                yield ("FINGERPRINT", "registered-document", *view.span(known[0][0], known[-1][1]))


def _alternatives(terms: Iterable[str]) -> Any | None:
    folded = sorted({canonical(t).text.strip() for t in terms} - {""}, key=len, reverse=True)
    if not folded:
        return None
    escaped = "|".join(re.sub(r"\s+", r"\\s+", re.escape(t).replace("\\ ", " ")) for t in folded)
    return compile_pattern(rf"(?i)(?:^|[^\pL\d])({escaped})(?:[^\pL\d]|$)")


def shingles(text: str) -> Iterator[tuple[bytes, int, int]]:
    """Fingerprints of every run of `SHINGLE` words, with where it stands."""
    words = [(m.group().casefold(), m.start(), m.end()) for m in _WORD.finditer(text)]
    for i in range(len(words) - SHINGLE + 1):
        run = words[i : i + SHINGLE]
        digest = blake2b(" ".join(w for w, _, _ in run).encode(), digest_size=8).digest()
        yield digest, run[0][1], run[-1][2]
