"""The router's saved state as it lies on disk: sealed, under the name of the key."""

from __future__ import annotations

from shortstop.errors import StateUnfit, StoreError
from shortstop.traces.seal import Seal

_MARK = b"shortstop-sealed-state-1 "
_HEAD = len(_MARK) + 9
"""Bytes: the mark, eight digits that name the key, and a line's end."""


def sealed_state(seal: Seal | None, snapshot: bytes) -> bytes:
    """`snapshot` encrypted if there is a seal."""
    if seal is None:
        return snapshot
    head = _head(seal)
    return head + seal.lock(snapshot, _about(head))


def unsealed_state(seal: Seal | None, data: bytes) -> bytes:
    """The snapshot; `data` itself where it was never sealed, as earlier versions wrote it.

    Raises StateUnfit when it was altered, or sealed with a key that is not here.
    """
    if not data.startswith(_MARK):
        return data
    if seal is None:
        raise StateUnfit("The router's state is sealed, and there is no key to open it.", "sealed")
    try:
        return seal.unlock(data[_HEAD:], _about(data[:_HEAD]))
    except StoreError as error:
        if data[:_HEAD] == _head(seal):
            raise StateUnfit("The router's state is damaged: a byte of it was altered.") from error
        raise StateUnfit(
            "The router's state cannot be opened: it is sealed with another key, or damaged.",
            "sealed",
        ) from error


def _about(head: bytes) -> str:
    """The head is bound to the rest."""
    return f"learned state {head.hex()}"


def _head(seal: Seal) -> bytes:
    return _MARK + seal.id.encode() + b"\n"
