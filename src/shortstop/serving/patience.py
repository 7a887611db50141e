"""How often a model that failed is asked again, and how long is waited before it."""

from __future__ import annotations

from dataclasses import dataclass

from shortstop.errors import TargetError


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to retry, and how long to wait before it. Seconds."""

    retries: int
    backoff: float
    longest: float

    def pause(self, tried: int, error: TargetError, draw: float) -> float | None:
        """Seconds to wait after `tried` attempts, or None to give up.

        `Retry-After` is obeyed unless it asks for more than `longest`; otherwise exponential
        backoff with jitter over its upper half, `draw` in [0, 1).
        """
        if tried > self.retries or not error.retryable:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest else None
        return min(self.longest, self.backoff * 2.0 ** (tried - 1)) * (0.5 + draw / 2)
