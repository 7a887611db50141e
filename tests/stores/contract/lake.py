"""Content in the lake: as in the database, never lost or doubled, erased with its conversation."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.config import LakeConfig, TracesConfig
from shortstop.errors import StoreError
from shortstop.ports.stores import Stores
from shortstop.traces import Lake, TraceReader, TraceStore
from shortstop.traces import lake as lakes
from shortstop.traces.document import place_of
from shortstop.traces.seal import Seal
from shortstop.types import Choice, Clearance, Json, Reach, Text, Tier, Trace
from tests.conftest import FakeClock
from tests.lakes import BucketOfFiles, FolderOfFiles, files_in
from tests.stores.contract.world import AT, DAY, MANY, SPAWN, serial
from tests.traces.example import trace

SEAL = Seal("a key")
CONTENT = st.sampled_from(("full", "redacted", "digest"))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def redact(body: Json, tenant: str) -> Json:
    return dict.fromkeys(body, "[taken out]")


def said(text: str) -> dict[str, Any]:
    return {
        "request": {"messages": [{"role": "user", "content": text}]},
        "response": (Choice(parts=(Text(f"answer to {text}"),), finish="stop"),),
    }


def _dies_between_file_and_row(stores: Stores, config: LakeConfig, journal: str) -> None:
    rows, lake = stores.rows(), Lake.of(config)
    assert lake is not None

    def die(*_: object) -> int:
        assert list(lake.files.all())
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    rows.insert = die  # type: ignore[method-assign,assignment]
    store = TraceStore(rows, Path(journal), TracesConfig(), FakeClock(), None, SEAL, lake)
    store.append(trace("r", tenant="t", conversation="c", **said("before the end")))
    store.flush(60)


class LakeContract:
    @pytest.fixture(params=["folder", "bucket"])
    def place(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FolderOfFiles]:
        with files_in(request.param, tmp_path / "lake") as place:
            yield place

    @contextmanager
    def writing(
        self, stores: Stores, lake: Lake | None, config: TracesConfig | None = None, **more: Any
    ) -> Iterator[TraceStore]:
        clock = more.pop("clock", None) or FakeClock(AT + DAY)
        journal = Path(more.pop("journal", None) or self.journal)
        config = config or TracesConfig()
        with closing(
            TraceStore(stores.rows(), journal, config, clock, redact, more.get("seal"), lake)
        ) as store:
            yield store
            assert store.flush(60)

    @pytest.fixture(autouse=True)
    def _journal(self, tmp_path: Path) -> None:
        self.journal = tmp_path / "journal"

    def read(self, stores: Stores, lake: Lake | None, seal: Seal | None = None) -> dict[str, Trace]:
        rows = list(TraceReader(stores.reports(), seal, lake).traces())
        found = {one.id: one for one in rows}
        assert len(found) == len(rows)
        return found

    def documents(self, stores: Stores) -> list[bytes]:
        return list(stores.reports().documents())

    @MANY
    @given(
        drawn=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), WORDS), max_size=8),
        content=CONTENT,
        sensitive=CONTENT,
        sample=st.sampled_from((0.0, 0.5, 1.0)),
        sealed=st.booleans(),
    )
    def test_what_is_read_is_what_the_database_would_have_held(
        self,
        stores: Stores,
        place: FolderOfFiles,
        drawn: list[tuple[int, int, str]],
        content: Any,
        sensitive: Any,
        sample: float,
        sealed: bool,
    ) -> None:
        """Of any mix of tiers, policies and samples; and a file holds nothing in the clear that the
        database would not have held."""
        seal = SEAL if sealed else None
        config = TracesConfig(content=content, sensitive_content=sensitive)
        lake, name = place.lake(sample), f"w{serial()}"
        rows = [
            trace(
                f"-{name}-{i}", at=AT + day * DAY, clearance=Clearance(Tier(tier), Reach.ANYWHERE),
                tenant=name, **said(f"{name}-{i}: {text}"),
            )
            for i, (tier, day, text) in enumerate(drawn)
        ]  # fmt: skip
        with self.writing(stores, lake, config, seal=seal) as store:
            for one in rows:
                store.append(replace(one, id=f"lake{one.id}"))
        with self.writing(stores, None, config, seal=seal) as store:
            for one in rows:
                store.append(replace(one, id=f"plain{one.id}"))
        found = self.read(stores, place.lake(), seal)
        files = str(place.rows()).encode()
        for one in rows:
            there = replace(found[f"lake{one.id}"], id=one.id)
            assert there == replace(found[f"plain{one.id}"], id=one.id)
            allowed = sensitive if one.clearance.tier >= Tier.S3 else content
            in_the_clear = not sealed and allowed == "full"
            assert (f"{one.id[1:]}:".encode() in files) is (in_the_clear and _drawn(one, sample))

    def test_a_sampled_row_is_small_and_names_its_file(
        self, stores: Stores, place: FolderOfFiles
    ) -> None:
        with self.writing(stores, place.lake()) as store:
            for i in range(3):
                store.append(trace(f"r{i}", at=AT + i * DAY, **said("x" * 5000)))
        places = [place_of(document) for document in self.documents(stores)]
        assert len(set(places)) == 3
        assert set(places) == set(place.files())
        assert max(map(len, self.documents(stores))) < 2500

    def test_a_death_between_file_and_row_loses_and_doubles_nothing(
        self, stores: Stores, place: FolderOfFiles
    ) -> None:
        """What it leaves is a file that no row names; an erasure reaches that, too."""
        with closing(stores.rows()) as rows:
            rows.open()
        args = (stores, place.config, str(self.journal))
        process = SPAWN.Process(target=_dies_between_file_and_row, args=args)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not self.documents(stores)
        orphan = list(place.files())
        with self.writing(stores, place.lake(), seal=SEAL) as store:
            store.append(trace("after", **said("after")))
            assert store.flush(60)
            found = self.read(stores, place.lake(), SEAL)
            assert found["r"].request == said("before the end")["request"]
            assert sorted(found) == ["after", "r"]
            assert place.ids() == ["after", "r", "r"]
            assert orphan[0] in place.files()
            assert store.forget("t", "c") == 1
        assert place.ids() == ["after"]
        assert self.read(stores, place.lake(), SEAL)["r"].request is None

    def test_erased_bytes_are_gone_and_the_others_stay(
        self, stores: Stores, place: FolderOfFiles
    ) -> None:
        lake = place.lake()
        with self.writing(stores, lake) as store:
            for i in range(6):
                conversation = "erased" if i % 2 else "kept"
                store.append(
                    trace(f"r{i}", at=AT + i % 3 * DAY, conversation=conversation,
                          **said(f"{conversation} {i}"))
                )  # fmt: skip
            assert store.flush(60)
            assert lake.content(str(place_of(self.documents(stores)[0])), "r0")
            draft = place.folder / next(iter(place.files()))
            draft = draft.with_name(".part-dead.parquet.1-2.tmp")
            draft.parent.mkdir(exist_ok=True)
            draft.write_bytes(b"erased, by somebody who died")
            assert store.forget("default", "erased") == 3
        assert "erased" not in str(place.rows())
        assert b"erased" not in b"".join(place.files().values())
        assert draft.exists() is isinstance(place, BucketOfFiles)
        found = self.read(stores, lake)
        assert [found[f"r{i}"].request is None for i in range(6)] == [False, True] * 3

    def test_what_is_written_after_its_erasure_is_taken_out_of_its_file(
        self, stores: Stores, place: FolderOfFiles
    ) -> None:
        """It waited in the journal of another process meanwhile."""
        with self.writing(stores, None) as store:
            assert store.forget("default", "c") == 0
        with self.writing(stores, place.lake()) as store:
            store.append(trace("late", at=AT + DAY, conversation="c", **said("late")))
            store.append(trace("since", at=AT + DAY + 0.001, conversation="c", **said("since")))
            store.append(trace("other", at=AT + DAY, conversation="d", **said("other")))
        assert place.ids() == ["other", "since"]
        found = self.read(stores, place.lake())
        assert found["late"].request is None
        assert found["since"].request == said("since")["request"]

    def test_where_no_file_can_be_written_the_database_holds_all(
        self, stores: Stores, place: FolderOfFiles, caplog: pytest.LogCaptureFixture
    ) -> None:
        lake = place.lake()
        with self.writing(stores, lake) as store:
            with place.full() as why:
                for i in range(3):
                    store.append(trace(f"full{i}", **said(f"full {i}")))
                    assert store.flush(60)
            store.append(trace("better", **said("better")))
            assert store.flush(60)
            assert store.health().state == "ok"
        assert (lake.left, lake.laid) == (3, 1)
        assert len([one for one in caplog.messages if why in one]) == 1
        found = self.read(stores, lake)
        assert [found[f"full{i}"].request for i in range(3)] == [
            said(f"full {i}")["request"] for i in range(3)
        ]
        assert found["better"].request == said("better")["request"]

    def test_what_is_away_is_not_made(self, stores: Stores, place: FolderOfFiles) -> None:
        away = Lake.of(place.away())
        with self.writing(stores, away) as store:
            store.append(trace("r", conversation="c", **said("kept")))
            assert store.flush(60)
            assert self.read(stores, away)["r"].request
            with pytest.raises(StoreError, match="cannot be taken out of the files") as raised:
                store.forget("default", "c")
        assert raised.value.status == 503
        assert not place.files()
        assert not (place.folder / "mount").exists()

    def test_while_the_database_is_away_a_file_is_written_once(
        self, stores: Stores, place: FolderOfFiles, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shortstop.traces.writer.RETRY_SECONDS", 0.01)
        rows = stores.rows()
        insert, tries = rows.insert, []

        def away(*args: Any) -> int:
            tries.append(1)
            if len(tries) < 5:
                raise StoreError("away")
            return insert(*args)

        monkeypatch.setattr(rows, "insert", away)
        clock = FakeClock(AT)
        with closing(
            TraceStore(rows, self.journal, TracesConfig(), clock, None, None, place.lake())
        ) as store:
            store.append(trace("r", **said("once")))
            assert store.flush(60)
        assert len(place.files()) == 1
        assert self.read(stores, place.lake())["r"].request == said("once")["request"]

    def test_days_go_whole_when_their_time_is_over(
        self, stores: Stores, place: FolderOfFiles
    ) -> None:
        with self.writing(stores, place.lake()) as store:
            for day in range(4):
                store.append(trace(f"r{day}", at=AT + day * DAY, **said("x")))
        assert len(place.files()) == 4
        clock = FakeClock(AT + 4 * DAY)
        with self.writing(stores, place.lake(), TracesConfig(retention_days=2), clock=clock):
            pass
        assert len(place.files()) == 2
        found = self.read(stores, place.lake())
        assert all(one.request is not None for one in found.values() if one.at >= AT + 2 * DAY)

    def test_a_missing_file_is_said_in_words(self, stores: Stores, place: FolderOfFiles) -> None:
        with self.writing(stores, place.lake()) as store:
            store.append(trace("r", **said("x")))
        reader = TraceReader(stores.reports(), None, None)
        assert [one.request for one in reader.traces()] == [None]
        assert "[traces.lake] names no folder" in reader.problem
        place.delete(next(iter(place.files())))
        reader = TraceReader(stores.reports(), None, place.lake())
        assert [one.request for one in reader.traces()] == [None]
        assert "is missing" in reader.problem
        assert reader.unopened == 1


def _drawn(one: Trace, sample: float) -> bool:
    return lakes.drawn(f"lake{one.id}") < sample
