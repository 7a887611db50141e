"""Whom to ask next: the plan in its order, and fallbacks in the place of who could not answer."""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.errors import FailureClass
from shortstop.ports import Instead


class Itinerary:
    """For one request. Nobody is asked twice, but who is to be asked once more when all others have
    failed."""

    __slots__ = ("_again", "_asked", "_because", "_fallbacks", "_left")

    def __init__(self, plan: Sequence[str], fallbacks: Instead | None = None) -> None:
        self._asked: list[str] = []
        self._left = list(plan)
        self._again: list[str] = []
        self._fallbacks = fallbacks
        self._because: dict[str, FailureClass] = {}

    @property
    def done(self) -> bool:
        return not (self._left or self._again)

    @property
    def others(self) -> bool:
        """Whether somebody is left who was not asked yet."""
        return bool(self._left)

    def next(self) -> str | None:
        """None: there is nobody left."""
        ahead = self._left or self._again
        if not ahead:
            return None
        self._asked.append(ahead.pop(0))
        return self._asked[-1]

    def again(self, name: str) -> None:
        """Ask this one once more when nobody else could answer."""
        self._again.append(name)

    def because(self, name: str) -> FailureClass | None:
        """The class of the error for which this one is asked in another's place."""
        return self._because.get(name)

    def cut(self) -> None:
        """The others of the plan would be no remedy."""
        self._left.clear()

    def instead(self, name: str, failure: FailureClass | None) -> bool:
        """Ask next who may answer in place of `name`; whether there is anybody."""
        if failure is None or not self._fallbacks:
            return False
        listed = self._fallbacks.get((name, failure), ())
        fresh = [one for one in listed if one not in self._asked]
        self._because.update(dict.fromkeys(fresh, failure))
        self._left = [*fresh, *(one for one in self._left if one not in fresh)]
        return bool(fresh)
