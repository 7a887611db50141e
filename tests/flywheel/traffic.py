"""Traffic to learn from: a task with labels, a task with fields, and an encoder by words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from shortstop.flywheel.examples import Example
from shortstop.specialists.query import Query
from tests.flywheel.papers import receipts

TOPICS = {
    "card": ["my card is lost", "card stolen yesterday", "block the card now", "new card please"],
    "loan": ["loan for a house", "interest of my loan", "pay back the loan", "loan too dear"],
    "fees": ["why this fee", "fee on my bill is wrong", "monthly fees", "refund the fee"],
}


@cache
def vector(word: str, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(crc32(word.encode())).normal(size=width).astype(np.float32)


class WordEncoder:
    """Unit vectors of hashed words: alike texts are near."""

    WIDTH = 64

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        out = np.zeros((len(texts), self.WIDTH), np.float32)
        for row, text in zip(out, texts, strict=True):
            for word in text.lower().split():
                row += vector(word, self.WIDTH)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def example(number: int, text: str, answer: str, **more: Any) -> Example:
    base = Example(f"r{number}", float(number), "acme", "mail", Query(text), answer, "big")
    return replace(base, **more)


def mails(n: int, *, noise: float = 0.0, seed: int = 0) -> list[Example]:
    draws = np.random.default_rng(seed)
    out = []
    for number in range(n):
        topic = list(TOPICS)[draws.integers(len(TOPICS))]
        text = f"{TOPICS[topic][draws.integers(4)]} ticket {number} of mister {draws.integers(99)}"
        told = list(TOPICS)[draws.integers(3)] if draws.random() < noise else topic
        out.append(example(number, text, told))
    return out


def invoices(n: int, seed: int = 0) -> list[Example]:
    texts, answers = receipts(n, seed)
    return [
        example(i, text, msgspec.json.encode(answer).decode(), task="receipts")
        for i, (text, answer) in enumerate(zip(texts, answers, strict=True))
    ]
