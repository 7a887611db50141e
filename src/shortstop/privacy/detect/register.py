"""What a tenant registered itself: terms of its own and whole documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.rules import compile_pattern, encodable

SHINGLE = 8
"""Consecutive words of a document that make one fingerprint."""
MIN_SHINGLES = 2
"""Fingerprints of one text that prove a passage: nine words in a row, or two times eight."""

_WORD = re.compile(r"\w+")


class Register:
    """Terms and fingerprints of one tenant. Documents are kept as hashes only.

    `prints` are fingerprints made earlier.
    """

    def __init__(
        self, terms: Iterable[str] = (), documents: Iterable[str] = (), prints: Iterable[bytes] = ()
    ) -> None:
        self._terms = _alternatives(terms)
        self._prints = frozenset(prints) | {p for d in documents for p, _, _ in shingles(d)}

    @property
    def prints(self) -> frozenset[bytes]:
        """The fingerprints to keep in place of the documents: nothing can be read from them."""
        return self._prints

    def hits(self, text: str) -> Iterator[tuple[str, str, int, int]]:
        """(label, rule, start, end) of every term and registered passage."""
        view = canonical(text)
        if self._terms is not None:
            for match in self._terms.finditer(encodable(view.text)):
                yield ("DICTIONARY", "tenant-term", *view.span(match.start(1), match.end(1)))
        if self._prints:
            passages = [(a, b) for p, a, b in shingles(view.text) if p in self._prints]
            if len(passages) >= MIN_SHINGLES:
                span = view.span(passages[0][0], passages[-1][1])
                yield ("FINGERPRINT", "registered-document", *span)


def _alternatives(terms: Iterable[str]) -> Any | None:
    folded = sorted(
        {encodable(canonical(t).text).strip() for t in terms} - {""}, key=len, reverse=True
    )
    if not folded:
        return None
    escaped = "|".join(re.sub(r"\s+", r"\\s+", re.escape(t).replace("\\ ", " ")) for t in folded)
    return compile_pattern(rf"(?i)(?:^|[^\pL\d])({escaped})(?:[^\pL\d]|$)")


def shingles(text: str) -> Iterator[tuple[bytes, int, int]]:
    """(fingerprint, start, end) of every run of `SHINGLE` words."""
    words = [(m.group().casefold(), m.start(), m.end()) for m in _WORD.finditer(text)]
    for i in range(len(words) - SHINGLE + 1):
        run = words[i : i + SHINGLE]
        digest = blake2b(" ".join(w for w, _, _ in run).encode(), digest_size=8).digest()
        yield digest, run[0][1], run[-1][2]
