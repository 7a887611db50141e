"""Random draws that depend on nothing but a seed and a counter."""

from __future__ import annotations

from hashlib import blake2b


def draw(seed: int, counter: int) -> float:
    """Uniform in [0, 1), the same for the same seed and counter everywhere."""
    key = seed.to_bytes(8, "little", signed=True) + counter.to_bytes(8, "little")
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little") / 2**64
