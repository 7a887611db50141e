"""Answers that come packed though nobody asked for it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

_EITHER_HEAD = zlib.MAX_WBITS | 32
"""Recognises gzip's head and zlib's."""
PACKED = frozenset(["gzip", "x-gzip", "deflate"])
_MEMBER = b"\x1f"
"""How a member of gzip begins."""


class AnswerUnpacker:
    """Unpacks a body piece by piece, by its `content-encoding`. gzip may have several members (RFC
    1952), one for each event of a stream; what follows them is no part of the answer."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        encoding = headers.get("content-encoding", "").strip().lower()
        self._member = zlib.decompressobj(_EITHER_HEAD) if encoding in PACKED else None

    def feed(self, data: bytes, limit: int) -> bytes:
        """At most `limit` bytes and one. Raises zlib.error for what is not packed as it says."""
        if self._member is None:
            return data
        parts, room = list[bytes](), limit + 1
        while data and room:
            if self._member.eof:
                if not data.startswith(_MEMBER):
                    break
                self._member = zlib.decompressobj(_EITHER_HEAD)
            parts.append(self._member.decompress(data, room))
            room -= len(parts[-1])
            data = self._member.unused_data
        return b"".join(parts)
