"""What kinds write beside their arrays and models: one JSON file, of a type of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from shortstop.errors import StoreError

ABOUT = "about.json"
T = TypeVar("T", bound=msgspec.Struct)


def dumped(about: msgspec.Struct) -> dict[str, bytes]:
    return {ABOUT: msgspec.json.encode(about)}


def loaded(files: Mapping[str, bytes], kind: type[T]) -> T:
    """Raises StoreError."""
    try:
        return msgspec.json.decode(files.get(ABOUT, b""), type=kind)
    except msgspec.MsgspecError as error:
        raise StoreError(f"A specialist's description cannot be read: {error}") from error
