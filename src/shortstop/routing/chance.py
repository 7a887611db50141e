"""Random draws that depend on nothing but a seed and a counter."""

from __future__ import annotations

from hashlib import blake2b


def draw(seed: int, counter: int) -> float:
    """Uniform in [0, 1), the same everywhere for the same `seed` (64 bits, signed) and `counter`
    (64 bits, unsigned). Raises OverflowError beyond these."""
    key = seed.to_bytes(8, "little", signed=True) + counter.to_bytes(8, "little")
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little") / 2**64
