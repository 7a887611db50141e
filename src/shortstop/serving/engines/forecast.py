"""How long the next request would wait for an engine: by what its answers have taken so far."""

from __future__ import annotations

import time
from typing import Protocol

from shortstop.dialects.openai.local import progress_of
from shortstop.types import Chunk, Usage

DRIFT = 0.1
"""Weight of the newest answer in the running means."""
SURELY = 1.25
"""How many times over a limit an expected time must be before it is believed: it is a guess."""


class Forecast:
    """Running means of one engine: seconds for a prompt's token and for a generated one, generated
    tokens, and seconds of the engine's time for an answer. None: nothing was answered yet.

    Answers share the engine: what one takes is divided by how many ran beside it.
    """

    def __init__(self) -> None:
        self.prompt_token: float | None = None
        self.token: float | None = None
        self.tokens: float | None = None
        self.answer: float | None = None

    def note(self, usage: Usage, first_s: float, total_s: float, running: int) -> None:
        """An answer whose first token came after `first_s` seconds in a slot, the last after
        `total_s`, with `running` answers under way."""
        shared = max(1, running)
        self.prompt_token = _drifted(self.prompt_token, first_s / shared / max(1, usage.prompt))
        self.tokens = _drifted(self.tokens, float(usage.completion))
        self.answer = _drifted(self.answer, total_s / shared)
        if usage.completion > 1:
            each = (total_s - first_s) / shared / (usage.completion - 1)
            self.token = _drifted(self.token, each)

    def work(self, prompt: int, most: int) -> float:
        """Seconds that an answer to so many tokens takes alone, of `most` tokens; 0: unknown."""
        expected = min(float(most), self.tokens or 0.0)
        return prompt * (self.prompt_token or 0.0) + expected * (self.token or 0.0)

    def wait(self, ahead: int, slots: int) -> float:
        """Seconds until one has a slot that finds `ahead` requests before it; 0: unknown."""
        return max(0, ahead + 1 - slots) * (self.answer or 0.0)


class Observed(Protocol):
    """What runs answers and remembers what they took."""

    forecast: Forecast

    @property
    def running(self) -> int: ...


class Stopwatch:
    """One answer under way, from its slot on. An answer that is not whole teaches nothing."""

    def __init__(self, slots: Observed) -> None:
        self._slots = slots
        self._began = time.monotonic()
        self._first: float | None = None
        self.usage: Usage | None = None

    def note(self, chunk: Chunk) -> None:
        if self._first is None and progress_of(chunk) is None:
            self._first = time.monotonic() - self._began
        self.usage = chunk.usage or self.usage

    def end(self, usage: Usage | None = None) -> None:
        usage = usage or self.usage
        if usage is not None and usage.completion:
            total = time.monotonic() - self._began
            self._slots.forecast.note(usage, self._first or total, total, self._slots.running)


def _drifted(old: float | None, new: float) -> float:
    return new if old is None else old + DRIFT * (new - old)
