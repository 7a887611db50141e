"""Encoders of the workshop: one that remembers, for curating and several kinds read the same texts,
and one over the router's static embeddings, which needs no file."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from shortstop.routing.embed import Embedder
from shortstop.specialists.encoder import Encoder, Matrix

MOST = 50_000
"""Texts that are remembered, at 1.5 kB each."""


class RememberingEncoder:
    """Implements Encoder over another one."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[bytes, Matrix] = {}

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape (len(texts), width)."""
        keys = [blake2b(t.encode("utf-8", "surrogatepass"), digest_size=16).digest() for t in texts]
        new = {key: t for key, t in zip(keys, texts, strict=True) if key not in self._known}
        if len(self._known) + len(new) > MOST:
            self._known.clear()
            new = dict(zip(keys, texts, strict=True))
        if new:
            self._known.update(zip(new, self._encoder.encode(list(new.values())), strict=True))
        if not keys:
            return self._encoder.encode([])
        return np.stack([self._known[key] for key in keys])


class StaticTextEncoder:
    """Implements Encoder by the mean of word vectors: coarse, and some thirty times as fast."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, or zeros for a text without a known word; shape (len(texts), width)."""
        out: Matrix = np.zeros((len(texts), self._embedder.width), np.float32)
        for row, text in zip(out, texts, strict=True):
            row[:] = self._embedder.embed(text)
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        units: Matrix = out / np.maximum(norms, 1e-9)
        return units
