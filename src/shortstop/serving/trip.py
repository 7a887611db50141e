"""One request's way to its vendor: by which keys, how often, how long apart."""

from __future__ import annotations

import random
from types import TracebackType

from msgspec import UNSET

from shortstop.errors import TargetError, UpstreamFailed
from shortstop.ports import Via
from shortstop.serving.deployments import NOTHING, Chooser, Deployment, Load, rest_after
from shortstop.serving.health import TargetHealth
from shortstop.serving.patience import Patience
from shortstop.tokens import BYTES_PER_TOKEN, prompt_tokens
from shortstop.types import Cleared, Usage

UNSAID_OUTPUT = 256
"""Tokens of an answer whose length the request does not limit."""


class Road:
    """What all trips to one model share. `health` is of the model, whatever its keys."""

    def __init__(
        self, chooser: Chooser, patience: Patience, health: TargetHealth, draw: random.Random
    ) -> None:
        self.chooser = chooser
        self.patience = patience
        self.health = health
        self.draw = draw


class Trip:
    """As a context it is one try by one deployment, which its breaker must allow; it may be entered
    again after `pause`. The labels of those that are asked are put into `via`.

    A rejected request is a success of the deployment: it works.
    """

    __slots__ = ("_at", "_left", "_load", "_next", "_road", "_tried", "_via", "usage")

    def __init__(self, road: Road, cleared: Cleared, via: Via | None = None) -> None:
        self._road = road
        self._load = load_of(cleared) if road.chooser.several else NOTHING
        self._via = via
        self._at: Deployment | None = None
        self._next: Deployment | None = None
        self._left: set[str] = set()
        self._tried = 0
        self.usage: Usage | None = None
        """What the answer took, as far as it was told."""

    @property
    def at(self) -> Deployment:
        """Whom the last try went to."""
        assert self._at is not None
        return self._at

    def __enter__(self) -> Deployment:
        chooser = self._road.chooser
        one = self._at = self._next or chooser.choose(self._load)
        assert one is not None, "there is always one where none was left"
        if not one.breaker.allow():
            raise CircuitOpen(
                "The upstream failed repeatedly and is being left alone for a moment.",
                retry_after=chooser.open_for,
                code="upstream_unavailable",
                status=503,
            )
        if one.label and self._via is not None:
            self._via.append(one.label)
        if chooser.several:
            chooser.enter(one, self._load)
        return one

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        one, chooser = self.at, self._road.chooser
        if chooser.several:
            chooser.leave(one, self._load, self._used(error))
        if isinstance(error, TargetError):
            self._failed(one, error)
        elif error is not None:
            one.breaker.abandoned()
        else:
            self._works(one)

    def pause(self, error: TargetError) -> float | None:
        """Seconds until the next try, which goes to another key at once if one is free; None: there
        is none.

        What is about the key costs no retry. Whoever raises an error from a variable makes a ring
        of it, its traceback and all that was read, until the garbage collector finds it.
        """
        road = self._road
        if not road.chooser.several:
            return self._again(error)
        found = self._find_another()
        if found and (error.about_key or error.status == 404 or rest_after(error, 1.0) > 0):
            return 0.0
        if error.retry_after is not None and (back := road.chooser.back_in()):
            error.retry_after = min(error.retry_after, back)
        pause = self._again(error)
        if pause is None and error.status >= 500:
            road.health.failed(error)
        if found:
            return None if pause is None else 0.0
        self._left.clear()
        return pause

    def _again(self, error: TargetError) -> float | None:
        self._tried += 1
        return self._road.patience.pause(self._tried, error, self._road.draw.random())

    def _find_another(self) -> bool:
        """Whether somebody is free who was not asked since the last pause."""
        self._left.add(self.at.label)
        self._next = self._road.chooser.choose(self._load, self._left)
        return self._next is not None

    def _used(self, error: BaseException | None) -> int | None:
        if self.usage is not None:
            return self.usage.prompt + self.usage.completion
        return 0 if isinstance(error, TargetError) else None

    def _failed(self, one: Deployment, error: TargetError) -> None:
        chooser = self._road.chooser
        if error.status < 500:
            self._works(one)
        else:
            one.breaker.failed()
            if not chooser.several:
                self._road.health.failed(error)
        chooser.failed(one, error)

    def _works(self, one: Deployment) -> None:
        one.breaker.succeeded()
        self._road.health.succeeded()


class CircuitOpen(UpstreamFailed):
    """Raised by an open breaker: to ask again at once is pointless."""

    @property
    def retryable(self) -> bool:
        return False


def load_of(cleared: Cleared) -> Load:
    """A request without a conversation is one of its own."""
    request, case = cleared.request, cleared.clearance.case
    thread = request.id
    if case is not UNSET and case.conversation:
        thread = f"{case.tenant}/{case.conversation}"
    prompt = prompt_tokens(request, BYTES_PER_TOKEN)
    answer = (request.sampling.max_tokens or UNSAID_OUTPUT) * request.sampling.n
    return Load(thread, prompt, prompt + answer)
