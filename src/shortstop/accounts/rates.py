"""Rate limits of keys: requests and tokens a minute, each request counted in the store."""

from __future__ import annotations

from shortstop.accounts import meter
from shortstop.accounts.keys import Key
from shortstop.errors import RateLimited
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore, Meters
from shortstop.types import Admission

BACKGROUND_SHARE = 0.5
"""Of a key's limits a minute, what work may use that no client waits for."""


def limits_of(key: Key, tokens: int) -> list[tuple[str, int, int]]:
    """Unit, limit a minute and amount of a request of about `tokens` tokens."""
    units = [("requests", key.rpm, 1), ("tokens", key.tpm, tokens)]
    return [(unit, limit, amount) for unit, limit, amount in units if limit is not None]


class RateLimits:
    """Every method raises StoreError."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def admit(self, key: Key, tokens: int, *, background: bool = False) -> Admission:
        """Count a request, or raise RateLimited."""
        now = self._clock.time()
        headers: dict[str, str] = {}
        share = BACKGROUND_SHARE if background else 1.0

        def count(meters: Meters) -> Meters:
            headers.clear()
            arrivals = {}
            for unit, limit, amount in limits_of(key, tokens):
                reading = meter.take(meters.get(unit, now), now, amount, limit, share)
                headers.update(told(unit, limit, reading))
                if not reading.admitted:
                    raise limited(unit, limit, reading, headers)
                arrivals[unit] = reading.arrival
            return arrivals

        self._store.meter(key.id, count)
        return Admission(headers, tokens if key.tpm is not None else None)

    async def admitted(self, key: Key, tokens: int, *, background: bool = False) -> Admission:
        """The same, without holding up others where the store takes its time."""
        return self.admit(key, tokens, background=background)

    def correct(self, key: str, limit: int, units: int) -> None:
        """`units` more tokens, or fewer where it is negative, were used than were counted."""
        now = self._clock.time()

        def correct(meters: Meters) -> Meters:
            arrival = meters.get("tokens")
            if arrival is None:
                return {}
            return {"tokens": meter.correct(arrival, now, units, limit)}

        self._store.meter(key, correct)


def told(unit: str, limit: int, reading: meter.MeterReading) -> dict[str, str]:
    """OpenAI's names: https://platform.openai.com/docs/guides/rate-limits"""
    return {
        f"x-ratelimit-limit-{unit}": str(limit),
        f"x-ratelimit-remaining-{unit}": str(reading.remaining),
        f"x-ratelimit-reset-{unit}": f"{reading.reset:.3f}s",
    }


def limited(
    unit: str, limit: int, reading: meter.MeterReading, headers: dict[str, str]
) -> RateLimited:
    if reading.too_large:
        return RateLimited(
            f"This request alone is larger than the key's limit of {limit} {unit} a minute.",
            hint="Send less, lower max_tokens, or ask for a higher limit.",
            headers=headers,
        )
    return RateLimited(
        f"The key's limit of {limit} {unit} a minute is used up.",
        hint=f"Try again in {reading.retry_after:.1f} s.",
        retry_after=reading.retry_after,
        headers=headers,
    )
