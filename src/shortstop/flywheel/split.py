"""Examples apart, for good: what trains never calibrates, what calibrates never examines."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from shortstop.flywheel.examples import Example

PARTS = (0.6, 0.8)
"""Where, in order of time, training ends and calibration ends."""


class Split(NamedTuple):
    """Oldest first: the newest examine, as the next ones will."""

    train: list[Example]
    calibrate: list[Example]
    examine: list[Example]


def distinct(examples: Sequence[Example]) -> list[Example]:
    """One example for each text: a person's answer before a model's, the newest before others."""
    best: dict[bytes, Example] = {}
    for example in sorted(examples, key=lambda e: (e.gold, e.at, e.id)):
        best[fingerprint(example)] = example
    return sorted(best.values(), key=lambda e: (e.at, e.id))


def split(examples: Sequence[Example]) -> Split:
    """By time. A text that stands in an earlier part is left out of a later one."""
    ordered = sorted(examples, key=lambda e: (e.at, e.id))
    ends = [round(share * len(ordered)) for share in PARTS]
    train, calibrate, examine = (
        ordered[: ends[0]],
        ordered[ends[0] : ends[1]],
        ordered[ends[1] :],
    )
    seen = {fingerprint(example) for example in train}
    calibrate = [example for example in calibrate if fingerprint(example) not in seen]
    seen |= {fingerprint(example) for example in calibrate}
    return Split(train, calibrate, [e for e in examine if fingerprint(e) not in seen])


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
