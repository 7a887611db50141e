"""Sentence embeddings by a small transformer: all-MiniLM-L6-v2 as an int8 ONNX file.

Reimers & Gurevych 2019 (mean pooling over tokens, unit length); the weights are Apache-2.0. Needs
the extra `[learn]` (onnxruntime, tokenizers), imported when the first encoder is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

WIDTH = 384
MAX_TOKENS = 256
"""Word pieces of a text that are read, as the model was trained."""
BATCH = 32


class Encoder(Protocol):
    """Texts to vectors whose cosines say how alike they are."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape (len(texts), width)."""


class SentenceEncoder:
    """`file` is the ONNX model, `vocabulary` its word pieces by number. Thread-safe."""

    def __init__(self, file: Path, vocabulary: Sequence[str], threads: int = 1) -> None:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        ids = {piece: number for number, piece in enumerate(vocabulary)}
        self._tokenizer = BertWordPieceTokenizer(vocab=ids, lowercase=True)
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape (len(texts), WIDTH)."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out: Matrix = np.zeros((len(texts), WIDTH), np.float32)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            out[rows] = self._batch([texts[row] for row in rows])
        return out

    def _batch(self, texts: list[str]) -> Matrix:
        read = self._tokenizer.encode_batch(texts)
        ids = np.array([one.ids for one in read], np.int64)
        mask = np.array([one.attention_mask for one in read], np.int64)
        (hidden,) = self._session.run(
            None,
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
        )
        weights = mask[:, :, None].astype(np.float32)
        mean = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        unit: Matrix = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        return unit
