"""How a process tells others what it has learned: numbered, sealed, on this machine's bus."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from shortstop.errors import StoreError
from shortstop.faults import contained
from shortstop.ports import Locker
from shortstop.types.replicas import SealedEvent
from shortstop.workers import news
from shortstop.workers.bus import VERSION, Bus
from shortstop.workers.news import News, NewsEvent

log = logging.getLogger("shortstop")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SealedEvent).decode
Learn = Callable[[NewsEvent], None]


class NewsExchange:
    """One process's end; `author` is its number on the bus in `folder`, `writer` its name
    everywhere, which is new with each start.

    With a `seal` news is encrypted, and bound to its writer and number: it holds features of
    prompts. Not shared between threads, but for `opened`.
    """

    def __init__(self, folder: Path, author: int, seal: Locker | None = None) -> None:
        self.writer = secrets.token_hex(8)
        self._seal = seal
        self._author = author
        self._folder = folder
        self._bus = Bus(folder, author)
        self._learn: Learn = lambda event: None
        self._unread: set[str] = set()

    def listen(self, learn: Learn) -> None:
        """Pass what the others publish to `learn` from now on, and what was published so far, by
        this process's predecessor too, at once."""
        self._learn = learn
        self._hear(self._bus.past())

    def listen_anew(self) -> None:
        """The same once more from the beginning, for who has forgotten what it had heard."""
        self._bus.close()
        self._bus = Bus(self._folder, self._author)
        self._hear(self._bus.past())

    def publish(self, number: int, item: News) -> None:
        """Let the others know. No answer fails because they could not be told: that is logged."""
        try:
            message = news.encode(item)
            if self._seal is not None:
                message = self._seal.lock(message, _about(self.writer, number))
            self._bus.publish(_encode(SealedEvent(self.writer, number, message)))
        except OSError as error:
            log.error("the other workers could not be informed: %s", error)

    def catch_up(self) -> None:
        """Learn what the others have published since the last call."""
        self._hear(self._bus.news())

    def opened(self, sealed: SealedEvent) -> NewsEvent | None:
        """What an event says. None where that cannot be read: once for each writer it is logged."""
        writer, number, message = sealed.writer, sealed.number, sealed.message
        try:
            if self._seal is not None:
                message = self._seal.unlock(message, _about(writer, number))
            return NewsEvent(writer, number, news.decode(message))
        except (StoreError, msgspec.DecodeError, UnicodeDecodeError) as error:
            if writer not in self._unread:
                self._unread.add(writer)
                log.error(
                    "what another process has learned cannot be read (altered, of another release, "
                    "or sealed with another traces key): %s", error,
                )  # fmt: skip
            return None

    def _hear(self, messages: Iterator[bytes]) -> None:
        for sealed in events_in(messages):
            event = self.opened(sealed)
            if event is not None:
                with contained("learning from another worker"):
                    self._learn(event)

    def close(self) -> None:
        self._bus.close()


def events_in(messages: Iterator[bytes]) -> Iterator[SealedEvent]:
    """The events of a bus. What is damaged is passed over, and logged."""
    for message in messages:
        try:
            yield _decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("what another worker has learned cannot be read: %s", error)


def _about(writer: str, number: int) -> str:
    return f"news {VERSION} of {writer}, {number}"
