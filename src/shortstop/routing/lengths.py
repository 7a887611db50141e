"""How long the answers to a task have been, and how long the next one may be."""

from __future__ import annotations

from msgspec import Struct

from shortstop.types import Trace

REMEMBERED = 64
"""Answers of a task; the next one is longer than all of so many once in 65 times."""
ENOUGH = 20
"""Fewer say too little: one in 21 answers is longer than the 20 before it."""
TIMES, MORE = 2, 16
"""How many times the longest one, and how many tokens more: vocabularies cut the same text
differently."""


class Lengths(Struct):
    """The last answers' tokens, the oldest first."""

    tokens: list[int] = []

    def note(self, tokens: int) -> None:
        self.tokens.append(tokens)
        del self.tokens[:-REMEMBERED]

    @property
    def most(self) -> int | None:
        """Tokens that an answer to this task does not have; None: too few are known."""
        if len(self.tokens) < ENOUGH:
            return None
        return TIMES * max(self.tokens) + MORE


def served_tokens(trace: Trace) -> int:
    """Tokens of the answer that the client was given, without what was thought before it; 0: it was
    given none, or none that was counted."""
    served = trace.attempts[-1] if trace.outcome == "ok" and trace.attempts else None
    if served is None or served.outcome != "ok" or served.usage is None:
        return 0
    return served.usage.output
