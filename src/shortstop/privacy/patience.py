"""How long a text may be read: what is new to the automata is read slowly."""

from __future__ import annotations

READ_AT_ONCE = 12_000
"""Characters that `privacy.timeout` is for. Text of a kind that was not met before is read at
some 20,000 a second on a slow core, and ten times faster afterwards."""
AT_MOST = 4.0
"""Times the time-out, however long the text: nobody holds a reader longer."""


def patience(timeout: float, characters: int) -> float:
    """Seconds."""
    return timeout * min(AT_MOST, max(1.0, characters / READ_AT_ONCE))
