"""By which of an upstream's keys and addresses a request goes. Pure: the clock is given.

Long prompts stay where their conversation was, so that the vendor's prompt cache is warm: the
deployment is found by rendezvous hashing with weights (Thaler and Ravishankar 1998), which needs no
table, is the same in every worker and after a restart, and moves few conversations when one comes
or goes. Prompts that no vendor caches go to the least busy.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import log
from weakref import WeakValueDictionary

from shortstop.errors import TargetError
from shortstop.ports import Clock
from shortstop.serving.breaker import Breaker

logger = logging.getLogger("shortstop")

CACHED_TOKENS = 1024
"""Vendors cache no prompt that is shorter."""
KEY_SECONDS = 300.0
"""For how long a key is left alone that its vendor does not accept, or that has no credit."""
LONGEST_REST = 3600.0
"""Seconds; of what a `Retry-After` asks for."""
_SPAN = 2.0**64


class KeyStanding:
    """What is known of one key at one address for one model, in this process: until when it rests,
    how many requests it has under way, how many tokens of its rate are used. Outlives a reload."""

    __slots__ = ("__weakref__", "at", "busy", "until", "used")

    def __init__(self) -> None:
        self.busy = 0
        self.until = 0.0
        self.used = 0.0
        self.at = 0.0


class KeyStandings:
    """Those of every runtime that lives, by what they are about."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[tuple[str | None, ...], KeyStanding] = (
            WeakValueDictionary()
        )

    def of(self, *about: str | None) -> KeyStanding:
        return self._known.setdefault(about, KeyStanding())


@dataclass(frozen=True, slots=True)
class Deployment:
    """One key at one address, for one model. `rate` is in tokens a minute, None: not stated. One of
    weight 0 is a spare: it gets what the others cannot take."""

    label: str
    breaker: Breaker
    weight: float = 1.0
    rate: float | None = None
    standing: KeyStanding = field(default_factory=KeyStanding)

    def rests(self, now: float) -> float:
        """Seconds until it may be asked again; 0: now."""
        return max(0.0, self.standing.until - now, self.breaker.open_for)

    def full(self, tokens: int, now: float) -> bool:
        """Whether `tokens` more would be over its rate."""
        return self.rate is not None and self._used(self.rate, now) + tokens > self.rate

    def take(self, tokens: float, now: float) -> None:
        """Count tokens, or fewer where it is negative."""
        if self.rate is not None:
            standing = self.standing
            standing.used = max(0.0, self._used(self.rate, now) + tokens)
            standing.at = now

    def _used(self, rate: float, now: float) -> float:
        """Tokens of the last minute that still count: they run off at the rate."""
        return max(0.0, self.standing.used - (now - self.standing.at) * rate / 60)


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be sent: whose conversation it is, and its tokens without and with the answer."""

    thread: str
    prompt: int
    tokens: int


NOTHING = Load("", 0, 0)


class Chooser:
    """Chooses among the `deployments` of one model, which are at least one. `cooldown`: seconds for
    which one rests that was rate limited and told no time."""

    def __init__(
        self, deployments: Sequence[Deployment], clock: Clock, cooldown: float = 30.0
    ) -> None:
        self.deployments = tuple(deployments)
        self.several = len(self.deployments) > 1
        self._clock = clock
        self._cooldown = cooldown

    @property
    def broken(self) -> bool | None:
        """Whether all that were asked have failed; None before the first outcome."""
        known = [b for b in (one.breaker.broken for one in self.deployments) if b is not None]
        return all(known) if known else None

    @property
    def open_for(self) -> float:
        """Seconds until some breaker lets a request pass; 0: one may now."""
        return min(one.breaker.open_for for one in self.deployments)

    def choose(self, load: Load, left: Collection[str] = ()) -> Deployment | None:
        """Where the request goes next. None: everybody but those `left`, by label, is resting.

        Where all rest and none was left, it is the one that is back first.
        """
        if not self.several:
            return None if left else self.deployments[0]
        now = self._clock.monotonic()
        awake = [one for one in self.deployments if one.rests(now) == 0.0]
        free = [one for one in awake if one.label not in left]
        if free:
            return min(free, key=lambda one: self._rank(one, load, now))
        if left:
            return None
        return min(self.deployments, key=lambda one: (one.breaker.open_for > 0, one.rests(now)))

    def _rank(self, one: Deployment, load: Load, now: float) -> tuple[bool, bool, float, float]:
        """The lowest goes first: who has room, no spare, the least busy or the conversation's."""
        weight = one.weight or 1.0
        busy = 0.0 if load.prompt >= CACHED_TOKENS else one.standing.busy / weight
        return (
            one.full(load.tokens, now),
            one.weight == 0,
            busy,
            _distance(load.thread, one, weight),
        )

    def back_in(self) -> float:
        """Seconds until the first of those that rest is back; 0 where none rests."""
        now = self._clock.monotonic()
        resting = [rests for one in self.deployments if (rests := one.rests(now)) > 0]
        return min(resting, default=0.0)

    def enter(self, one: Deployment, load: Load) -> None:
        """The request is on its way there; `leave` must follow."""
        one.standing.busy += 1
        one.take(load.tokens, self._clock.monotonic())

    def leave(self, one: Deployment, load: Load, used: int | None) -> None:
        """It is over, and took `used` tokens; None: as many as was thought."""
        one.standing.busy -= 1
        if used is not None:
            one.take(used - load.tokens, self._clock.monotonic())

    def failed(self, one: Deployment, error: TargetError) -> None:
        """Leave it alone for a while, if the error says so."""
        seconds = rest_after(error, self._cooldown)
        if not self.several or seconds <= 0:
            return
        now, standing = self._clock.monotonic(), one.standing
        if standing.until <= now:
            logger.warning(
                "the deployment %s is left alone for %.0f s (%s)", one.label, seconds, error.code
            )
        standing.until = max(standing.until, now + seconds)


def rest_after(error: TargetError, usual: float) -> float:
    """Seconds for which the key that met `error` is left alone; 0: it is not about the key."""
    if error.about_key:
        return KEY_SECONDS
    if error.status != 429 and error.status < 500:
        return 0.0
    if error.retry_after:
        return min(error.retry_after, LONGEST_REST)
    return usual if error.status == 429 else 0.0


def _distance(thread: str, one: Deployment, weight: float) -> float:
    """Between a conversation and a deployment: exponentially distributed, the nearer the heavier,
    so that of many conversations each deployment is nearest to its share."""
    digest = blake2b(f"{one.label}\0{thread}".encode("utf-8", "replace"), digest_size=8).digest()
    return -log((int.from_bytes(digest) + 0.5) / _SPAN) / weight
