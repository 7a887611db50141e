"""The answer to a streamed request, whether the server streams it or sends it whole."""

from __future__ import annotations

from shortstop.dialects.parsing import BLANK
from shortstop.ports import Dialect, StreamDecoder
from shortstop.types import (
    Chunk,
)


class EitherDecoder:
    """Implements ports.StreamDecoder. The first sign tells: a whole answer is a JSON object, unless
    the dialect's streams are `json_lines` themselves."""

    def __init__(self, dialect: Dialect, salt: object, *, json_lines: bool = False) -> None:
        self._dialect, self._salt, self._json_lines = dialect, salt, json_lines
        self._stream: StreamDecoder | None = None
        self._whole: list[bytes] | None = None
        self._blank = b""

    @property
    def done(self) -> bool:
        return self._stream is not None and self._stream.done

    @property
    def finished(self) -> bool:
        return self._stream is not None and self._stream.finished

    def feed(self, data: bytes) -> list[Chunk]:
        """Raises TargetError."""
        if self._stream is None and self._whole is None:
            data = self._blank + data
            first = data.lstrip(BLANK)[:1]
            if first == b"{" and not self._json_lines:
                self._whole = []
            elif first:
                self._stream = self._dialect.stream_decoder(self._salt)
            self._blank = data
        if self._stream is not None:
            return self._stream.feed(data)
        if self._whole is not None:
            self._whole.append(data)
        return []

    def close(self) -> list[Chunk]:
        """Raises TargetError."""
        if self._whole is None:
            stream = self._stream or self._dialect.stream_decoder(self._salt)
            return stream.close()
        reply = self._dialect.decode_reply(b"".join(self._whole), self._salt)
        return list(reply.chunks())
