"""Answers that come packed though nobody asked for it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

_EITHER_HEAD = zlib.MAX_WBITS | 32
"""Recognises gzip's head and zlib's."""
PACKED = frozenset(["gzip", "x-gzip", "deflate"])


class AnswerUnpacker:
    """Unpacks a body piece by piece, by its `content-encoding`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        encoding = headers.get("content-encoding", "").strip().lower()
        packed = encoding in PACKED
        self._stream = zlib.decompressobj(_EITHER_HEAD) if packed else None

    def feed(self, data: bytes, limit: int) -> bytes:
        """At most `limit` bytes and one. Raises zlib.error for what is not packed as it says."""
        return data if self._stream is None else self._stream.decompress(data, limit + 1)
