"""What replicas share of specialists: files by name, and one list with a version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from shortstop.errors import NotLeading
from shortstop.ports.replicas import SpecialistStore
from shortstop.ports.stores import Stores
from shortstop.types.replicas import SharedPlacements, SpecialistOverview
from tests.stores.contract.replicas import leader_store
from tests.stores.contract.world import in_threads


def specialist_store(stores: Stores) -> SpecialistStore:
    store = stores.specialists()
    assert store is not None
    return store


def _add_name(stores: Stores, number: int) -> None:
    """Until nobody else was faster."""
    with closing(specialist_store(stores)) as store:
        while True:
            now = store.placements()
            if store.replace_placements(now.version, now.data + bytes([number])):
                return


def _add_names(stores: Stores, number: int) -> None:
    for _ in range(5):
        _add_name(stores, number)


class SpecialistStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[SpecialistStore]:
        with closing(specialist_store(stores)) as store:
            yield store

    def test_nobody_is_placed_at_first(self, store: SpecialistStore) -> None:
        assert store.overview() == SpecialistOverview(0, frozenset())
        assert store.placements() == SharedPlacements(0, b"")
        assert store.artefact("copy-1") is None
        assert not store.drop_artefact("copy-1")

    def test_only_who_has_seen_the_last_version_writes_the_next(
        self, store: SpecialistStore
    ) -> None:
        assert store.replace_placements(0, b"1")
        assert not store.replace_placements(0, b"another beginning")
        assert not store.replace_placements(2, b"ahead")
        assert store.replace_placements(1, b"2\0")
        assert not store.replace_placements(1, b"late")
        assert store.placements() == SharedPlacements(2, b"2\0")
        assert store.overview() == SpecialistOverview(2, frozenset())

    def test_of_many_that_write_at_once_nothing_is_lost(
        self, stores: Stores, store: SpecialistStore
    ) -> None:
        in_threads(lambda number: _add_names(stores, number))
        written = store.placements()
        assert written.version == len(written.data) == 20
        assert sorted(written.data) == sorted([*range(4)] * 5)

    def test_files_stay_as_they_came_until_they_are_dropped(self, store: SpecialistStore) -> None:
        large = bytes(range(256)) * 8192
        assert store.keep_artefact("copy-1", large)
        assert not store.keep_artefact("copy-1", b"another")
        assert store.keep_artefact("copy-2", b"")
        assert store.artefact("copy-1") == large
        assert store.artefact("copy-2") == b""
        assert store.overview() == SpecialistOverview(0, frozenset({"copy-1", "copy-2"}))
        assert store.drop_artefact("copy-1")
        assert store.artefact("copy-1") is None
        assert store.keep_artefact("copy-1", b"again")

    def test_the_leader_sweeps_what_nobody_keeps(
        self, stores: Stores, store: SpecialistStore
    ) -> None:
        with closing(leader_store(stores)) as leaders:
            earlier = leaders.lead("a", 0)
            term = leaders.lead("b", 60)
        assert earlier is not None
        assert term is not None
        for name in ("copy-1", "copy-2", "copy-3"):
            store.keep_artefact(name, b"x")
        with pytest.raises(NotLeading):
            store.sweep_artefacts(earlier, [], 0.0)
        assert store.sweep_artefacts(term, [], 3600.0) == 0, "they have come just now"
        assert store.sweep_artefacts(term, ["copy-2", "copy-9"], 0.0) == 2
        assert store.overview().artefacts == {"copy-2"}
