"""What came back over HTTP: whole, or in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

MAX_ERROR = 1_000_000
"""Bytes of an error's body that are read."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole response; `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds, or None where the server names none."""
        return retry_after(self.headers)


@dataclass(frozen=True, slots=True)
class HttpStream:
    """A response whose body arrives in pieces; `headers` by lower-case name.

    Reading raises UpstreamFailed or UpstreamTimeout.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    async def error_body(self) -> bytes:
        """The beginning of the body, of at most `MAX_ERROR` bytes and a piece."""
        parts, size = [], 0
        async for data in self.chunks:
            parts.append(data)
            size += len(data)
            if size > MAX_ERROR:
                break
        return b"".join(parts)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """`Retry-After-Ms` or `Retry-After` in seconds; None for a date or anything else."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
