"""Which examples are the same, and what a set of them is called."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from msgspec.structs import replace

from shortstop.flywheel.examples import Example

MOST_EARLIER = 8
"""Answers to the same text that are remembered beside the newest."""


def distinct(examples: Sequence[Example]) -> list[Example]:
    """One example for each text: a person's answer before a model's, the newest before others. It
    knows what was answered `earlier`."""
    best: dict[bytes, Example] = {}
    for example in sorted(examples, key=lambda e: (e.gold, e.at, e.id)):
        last = best.get(mark := fingerprint(example))
        earlier = (*last.earlier, last.answer)[-MOST_EARLIER:] if last is not None else ()
        best[mark] = replace(example, earlier=earlier) if earlier else example
    return sorted(best.values(), key=lambda e: (e.at, e.id))


def fingerprint(example: Example) -> bytes:
    """The same for texts that differ in case, spaces and punctuation alone."""
    words = "".join(c if c.isalnum() else " " for c in example.query.whole.lower()).split()
    return blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def data_hash(examples: Sequence[Example]) -> str:
    """Names a training set by what it holds, in any order."""
    whole = blake2b(digest_size=16)
    for row in sorted(f"{e.id}\0{e.answer}".encode("utf-8", "surrogatepass") for e in examples):
        whole.update(blake2b(row, digest_size=16).digest())
    return whole.hexdigest()
