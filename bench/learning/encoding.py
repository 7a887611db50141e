"""The sentence encoder, each text read once in a run and kept for the next one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortstop import registry
from shortstop.routing import packaged
from shortstop.specialists.encoder import WIDTH, SentenceEncoder

KEPT = Path("var/bench/embeddings.npz")


class KeptEncoder:
    """Encodes what it has not met; `save` keeps all of it in a file."""

    def __init__(self, file: Path = KEPT) -> None:
        self._file = file
        self.encoder = sentence_encoder()
        self._rows: dict[bytes, NDArray[np.float32]] = {}
        if file.is_file():
            with np.load(file) as kept:
                keys = [bytes(key) for key in kept["keys"]]
                self._rows = dict(zip(keys, kept["units"].astype(np.float32), strict=True))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        keys = [
            blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            for text in texts
        ]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        if new:
            self._rows.update(zip(new, self.encoder.encode(list(new.values())), strict=True))
        if not keys:
            return np.zeros((0, WIDTH), np.float32)
        return np.stack([self._rows[key] for key in keys])

    def save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        keys = np.frombuffer(b"".join(self._rows), np.uint8).reshape(-1, 16)
        np.savez(self._file, keys=keys, units=np.stack(list(self._rows.values())))


def sentence_encoder() -> SentenceEncoder:
    """Raises ModelFileError where it is not installed."""
    vocabulary, _, _ = packaged().embedder.parts()
    return SentenceEncoder(registry.encoder_file(registry.home(None, os.environ)), vocabulary)
