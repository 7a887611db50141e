"""Bytes that lie where others might change them: sealed, under the name of the key."""

from __future__ import annotations

from shortstop.errors import StateUnfit, StoreError
from shortstop.traces.seal import Seal

_ID = 8
"""Bytes that name the key."""


def sealed_bytes(seal: Seal, data: bytes, about: str) -> bytes:
    """`about` says what they are: elsewhere they cannot be opened."""
    return seal.id.encode() + seal.lock(data, about)


def opened_bytes(seal: Seal, sealed: bytes, about: str) -> bytes:
    """Raises StateUnfit when they were altered (reason "damaged") or sealed with a key that is not
    here ("sealed")."""
    try:
        return seal.unlock(sealed[_ID:], about)
    except StoreError as error:
        if sealed[:_ID] == seal.id.encode():
            raise StateUnfit(f"The {about} was altered since it was sealed.") from error
        raise StateUnfit(
            f"The {about} cannot be opened: it was sealed with another traces key, or altered.",
            "sealed",
        ) from error
