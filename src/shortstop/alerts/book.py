"""Which troubles stand, and the letters about them that nobody has taken yet. It is saved whole.

Each trouble is told once to each channel, and once when it is over; a letter keeps its id through
all tries and restarts, so that whoever gets it twice can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from shortstop.types.alerts import AlertChannel, AlertKind, Trouble, Watched

SETTLED_SECONDS = 60.0
"""For so long a trouble must be away until it is over: what comes and goes is told once."""
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0
"""Seconds after the first failed try, doubled with each, and at most."""
MOST_TRIES = 12
"""In about an hour and a half."""
MOST_WAITING = 100
"""Letters of one channel; the oldest go first."""


class Notice(Struct, frozen=True):
    """What is told. `since` and `at` are Unix times in seconds."""

    state: Literal["raised", "recovered", "test"]
    kind: AlertKind | Literal["test"]
    says: str
    since: float
    at: float


class Letter(Struct):
    """A notice on its way; `due` is when to try (again)."""

    id: str
    channel: AlertChannel
    notice: Notice
    tries: int = 0
    due: float = 0.0


class _OpenTrouble(Struct):
    """`gone`: since when it has not been seen."""

    trouble: Trouble
    since: float
    gone: float | None = None


class _BookState(Struct, forbid_unknown_fields=True):
    began: float
    standing: dict[str, _OpenTrouble] = {}
    letters: list[Letter] = []


class AlertBook:
    """`began` is when alerts were first looked for. `new_id` makes ids that nobody else has."""

    def __init__(self, began: float, new_id: Callable[[], str], saved: bytes | None = None) -> None:
        """Raises msgspec.DecodeError for what was not saved by a book."""
        self._kept = (
            _BookState(began) if saved is None else msgspec.json.decode(saved, type=_BookState)
        )
        self._new_id = new_id
        self.changed = False
        """Since it was last dumped."""
        self.dropped: Counter[AlertChannel] = Counter()
        """Letters that nobody will get."""

    @property
    def began(self) -> float:
        return self._kept.began

    def dump(self) -> bytes:
        self.changed = False
        return msgspec.json.encode(self._kept)

    def look(self, seen: Watched, channels: Iterable[AlertChannel], now: float) -> None:
        """Write letters about what is new, and about what is over."""
        channels, standing = tuple(channels), self._kept.standing
        for trouble in seen.troubles:
            known = standing.get(trouble.key)
            if known is None:
                standing[trouble.key] = _OpenTrouble(trouble, now)
                self._tell(Notice("raised", trouble.kind, trouble.says, now, now), channels)
            elif known.gone is not None:
                known.gone, self.changed = None, True
        there = {trouble.key for trouble in seen.troubles}
        for key, known in list(standing.items()):
            if key not in there and not {key, known.trouble.kind} & seen.unknown:
                self._missed(known, channels, now)

    def _missed(self, known: _OpenTrouble, channels: tuple[AlertChannel, ...], now: float) -> None:
        trouble = known.trouble
        if known.gone is None and trouble.lasts:
            known.gone, self.changed = now, True
        elif not trouble.lasts or now - (known.gone or now) >= SETTLED_SECONDS:
            del self._kept.standing[trouble.key]
            self.changed = True
            if trouble.lasts:
                over = Notice("recovered", trouble.kind, trouble.says, known.since, now)
                self._tell(over, channels)

    def forget(self, kinds: Iterable[AlertKind]) -> None:
        """What is not to be told any longer is not told to be over either."""
        unwanted = set(kinds)
        for key, known in list(self._kept.standing.items()):
            if known.trouble.kind in unwanted:
                del self._kept.standing[key]
                self.changed = True

    def _tell(self, notice: Notice, channels: tuple[AlertChannel, ...]) -> None:
        self.changed = True
        id = self._new_id()
        for channel in channels:
            waiting = self._of(channel)
            if len(waiting) >= MOST_WAITING:
                self._drop(waiting[0])
            self._kept.letters.append(Letter(id, channel, notice))

    # ------------------------------------------------------------ on the way

    def waiting(self, channel: AlertChannel) -> int:
        return len(self._of(channel))

    def due(self, channel: AlertChannel, now: float) -> Letter | None:
        """The oldest letter of a channel, if it may be tried now: none overtakes another."""
        first = next(iter(self._of(channel)), None)
        return first if first is not None and first.due <= now else None

    def delivered(self, letter: Letter) -> None:
        self._kept.letters.remove(letter)
        self.changed = True

    def failed(self, letter: Letter, now: float) -> None:
        """It is tried again, later each time, and in the end dropped."""
        letter.tries += 1
        letter.due = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (letter.tries - 1))
        self.changed = True
        if letter.tries >= MOST_TRIES:
            self._drop(letter)

    def _drop(self, letter: Letter) -> None:
        self._kept.letters.remove(letter)
        self.dropped[letter.channel] += 1

    def _of(self, channel: AlertChannel) -> list[Letter]:
        return [letter for letter in self._kept.letters if letter.channel == channel]
