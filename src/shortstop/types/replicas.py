"""What gateways on several machines share beside rows: events and snapshots of what they learn."""

from __future__ import annotations

from msgspec import Struct


class SealedEvent(Struct, frozen=True, array_like=True):
    """Something that was learned, on its way to other processes. Each writer (a process, by a name
    that never comes again) numbers its events from 1."""

    writer: str
    number: int
    message: bytes


class StoredEvent(Struct, frozen=True):
    """An event in the shared store; `id` is its place in the one order that all readers see."""

    id: int
    event: SealedEvent


class EventPage(Struct, frozen=True):
    """Events in their order. All up to the id `deleted` are deleted: a snapshot holds them."""

    deleted: int
    events: list[StoredEvent]


class StateSnapshot(Struct, frozen=True):
    """All that had been learned when every event up to the id `upto` was counted, and perhaps some
    behind it. `digest` is the checksum of `data`."""

    upto: int
    digest: bytes
    data: bytes


class SharedPlacements(Struct, frozen=True):
    """Who is placed, in sealed bytes; each change has the next `version`, none is 0."""

    version: int
    data: bytes


class SpecialistOverview(Struct, frozen=True):
    """The version of the placements, and the names of the specialists whose files are there."""

    version: int
    artefacts: frozenset[str]
