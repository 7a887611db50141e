"""The beginnings that requests to one engine share: read ahead where the engine has forgotten them.

The engine keeps the prompts of its slots and some more in memory; a restart loses them all. What
comes next from a client would then wait for its task's system prompt and examples to be read anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from shortstop.types import Message, Role, Text

Beginning = tuple[Message, ...]
_Said = tuple[tuple[Role, str], ...]
REMEMBERED = 64
READ_AHEAD = 8
"""Beginnings that are read after a start: those used most."""
SHARED = 2
"""Requests that must have had one. A conversation's own turns are seen once and again, its task's
system prompt more often."""
SHORTEST, LONGEST = 200, 16_000
"""Characters. A shorter one is read in no time, a longer one is no task's prompt."""


class Prefixes:
    """`given` are system prompts that count as shared from the start."""

    def __init__(self, given: Iterable[str] = ()) -> None:
        self._given: set[_Said] = {(("system", text),) for text in given}
        self._seen: OrderedDict[_Said, int] = OrderedDict()
        self.prompt_tokens = 0
        self.cached_tokens = 0
        self.answers = 0
        self.hits = 0

    def note(self, messages: Beginning) -> None:
        """What a request says before its question, and the system prompt alone."""
        system = 0
        while system < len(messages) and messages[system].role in ("system", "developer"):
            system += 1
        for end in {system, len(messages) - 1}:
            if end > 0:
                self._count(messages[:end])

    def _count(self, beginning: Beginning) -> None:
        plain = all(isinstance(part, Text) for message in beginning for part in message.parts)
        if not plain or not SHORTEST <= sum(len(m.text) for m in beginning) <= LONGEST:
            return
        said = tuple((message.role, message.text) for message in beginning)
        self._seen[said] = self._seen.pop(said, 0) + 1
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def saved(self, prompt: int, cached: int) -> None:
        """An answer of whose prompt so many tokens were still in the engine's memory."""
        self.answers += 1
        self.hits += cached > 0
        self.prompt_tokens += prompt
        self.cached_tokens += cached

    def shared(self) -> list[Beginning]:
        """Those to read ahead; of two that begin alike, the longer one comes later."""
        often = {one: count for one, count in self._seen.items() if count >= SHARED}
        most = sorted(often, key=lambda one: -often[one])[:READ_AHEAD]
        said = sorted({*self._given, *most}, key=len)
        return [tuple(Message(role, (Text(text),)) for role, text in one) for one in said]
