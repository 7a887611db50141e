"""The C library's heap: what large requests needed goes back to the system. Linux with glibc."""

from __future__ import annotations

import ctypes
import sys

M_MMAP_THRESHOLD = -3
LARGE = 1 << 18
"""Bytes from which a block gets pages of its own, which its end gives back. Left alone, glibc
raises this to 32 MB with the first block of that size, and keeps everything smaller."""


def _function(name: str) -> ctypes._FuncPointer | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return getattr(library, name, None)


def keep_large_blocks_apart() -> None:
    """Call it once, at the start."""
    mallopt = _function("mallopt")
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)


def give_back_memory() -> None:
    """Free pages inside the heap: glibc would keep them for ever. Takes milliseconds."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)
