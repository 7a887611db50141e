"""The doors to what replicas share: gateways on several machines that use one store.

They promise what `ports.stores` says of all. A store of one machine has none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from shortstop.types.replicas import (
    EventPage,
    SealedEvent,
    SharedPlacements,
    SpecialistOverview,
    StateSnapshot,
)

KEYS, EVENTS = "keys", "events"
"""What a hint may be about."""


class Hints(Protocol):
    """What another process has changed, often at once, sometimes never: whoever is told looks
    sooner than it would have."""

    def listen(self, told: Callable[[str], None]) -> None:
        """From now on `told` is called, from another thread, with what has changed."""

    def close(self) -> None: ...


class EventStore(Protocol):
    """What all replicas learn, in one order, and snapshots of what came of it."""

    def publish(self, events: Sequence[SealedEvent]) -> int:
        """Append those that were not published yet; how many. A writer's numbers must rise: what is
        at or below its last one counts as published, also after it was deleted."""

    def after(self, id: int, limit: int) -> EventPage:
        """At most `limit` events behind that id, in their order. None is ever added in front of one
        that can be read: whoever goes on behind the last one misses nothing but what is deleted."""

    def begin(self, snapshot: StateSnapshot) -> bool:
        """Keep the first snapshot. False, and nothing happened, where there is one already."""

    def snapshots(self) -> list[StateSnapshot]:
        """The last two, newest first."""

    def keep_snapshot(self, term: int, snapshot: StateSnapshot) -> int:
        """Add one, and delete all but the last two and the events that both hold; how many events.
        Raises NotLeading when the term is over."""

    def close(self) -> None: ...


class LeaderStore(Protocol):
    """Who does what is to be done once. A leader's term has a number, which only rises: whoever
    leads next has a higher one, and nothing is written for an earlier term any more. Time is the
    store's."""

    def lead(self, holder: str, seconds: float) -> int | None:
        """Begin a term of so many seconds, or prolong the holder's; its number. None: another one
        leads."""

    def resign(self, holder: str) -> None:
        """End the holder's term, if it leads."""

    def confirm(self, term: int) -> bool:
        """Whether that is still the last term that began."""

    def claim(self, job: str, due: float) -> bool:
        """Whether nobody has claimed the job that was due then, in Unix seconds. Nobody else will,
        for a month."""

    def note(self, name: str) -> bytes | None:
        """What leaders have written down under that name last."""

    def write_note(self, term: int, name: str, data: bytes) -> None:
        """Raises NotLeading when the term is over."""

    def report(self, replica: str, data: bytes) -> None:
        """What a replica tells the leader, in place of what it told before."""

    def reports(self, seconds: float) -> list[bytes]:
        """What replicas have told within the last seconds, in the order of their names."""

    def require_schema(self) -> None:
        """Raises StoreError where the store's tables are not those that this release can use, and
        where that cannot be asked."""

    def close(self) -> None: ...


class SpecialistStore(Protocol):
    """Specialists' files by the names of their content, and who is placed."""

    def overview(self) -> SpecialistOverview:
        """What there is: cheap, to be asked once a second."""

    def placements(self) -> SharedPlacements:
        """Version 0 and no bytes where nobody has placed anybody yet."""

    def replace_placements(self, version: int, data: bytes) -> bool:
        """Write the version that follows. False, and nothing happened, where that one is not the
        last any more."""

    def artefact(self, name: str) -> bytes | None: ...

    def keep_artefact(self, name: str, data: bytes) -> bool:
        """False, and nothing happened, where there is one of that name."""

    def drop_artefact(self, name: str) -> bool:
        """Whether there was one."""

    def sweep_artefacts(self, term: int, keep: Collection[str], seconds: float) -> int:
        """Delete all but those to `keep` and those that came in the last seconds; how many. Raises
        NotLeading when the term is over."""

    def close(self) -> None: ...
