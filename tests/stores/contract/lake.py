"""Content in the lake: as in the database, never lost or doubled, erased with its conversation."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.ports.stores import Stores
from shortstop.traces import Lake, TraceReader, TraceStore
from shortstop.traces import lake as lakes
from shortstop.traces.document import place_of
from shortstop.traces.seal import Seal
from shortstop.types import Choice, Clearance, Json, Reach, Text, Tier, Trace
from tests.conftest import FakeClock
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


def _dies_between_file_and_row(stores: Stores, folder: str, journal: str) -> None:
    rows = stores.rows()

    def die(*_: object) -> int:
        assert list(Path(folder).glob("day=*/*.parquet"))
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    rows.insert = die  # type: ignore[method-assign,assignment]
    store = TraceStore(
        rows, Path(journal), TracesConfig(), FakeClock(), None, SEAL, Lake(Path(folder))
    )
    store.append(trace("r", tenant="t", conversation="c", **said("before the end")))
    store.flush(60)


class LakeContract:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "lake"
        folder.mkdir()
        return folder

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
        folder: Path,
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
        lake, name = Lake(folder, sample), f"w{serial()}"
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
        found = self.read(stores, Lake(folder), seal)
        files = b"".join(str(pq.read_table(f).to_pylist()).encode() for f in _files(folder))
        for one in rows:
            there = replace(found[f"lake{one.id}"], id=one.id)
            assert there == replace(found[f"plain{one.id}"], id=one.id)
            allowed = sensitive if one.clearance.tier >= Tier.S3 else content
            in_the_clear = not sealed and allowed == "full"
            assert (f"{one.id[1:]}:".encode() in files) is (in_the_clear and _drawn(one, sample))

    def test_a_sampled_row_is_small_and_names_its_file(self, stores: Stores, folder: Path) -> None:
        with self.writing(stores, Lake(folder)) as store:
            for i in range(3):
                store.append(trace(f"r{i}", at=AT + i * DAY, **said("x" * 5000)))
        places = [place_of(document) for document in self.documents(stores)]
        assert len(set(places)) == 3
        assert all(place and (folder / place).is_file() for place in places)
        assert max(map(len, self.documents(stores))) < 2500

    def test_a_death_between_file_and_row_loses_and_doubles_nothing(
        self, stores: Stores, folder: Path
    ) -> None:
        """What it leaves is a file that no row names; an erasure reaches that, too."""
        with closing(stores.rows()) as rows:
            rows.open()
        args = (stores, str(folder), str(self.journal))
        process = SPAWN.Process(target=_dies_between_file_and_row, args=args)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not self.documents(stores)
        orphan = _files(folder)
        with self.writing(stores, Lake(folder), seal=SEAL) as store:
            store.append(trace("after", **said("after")))
            assert store.flush(60)
            found = self.read(stores, Lake(folder), SEAL)
            assert found["r"].request == said("before the end")["request"]
            assert sorted(found) == ["after", "r"]
            assert _ids(folder) == ["after", "r", "r"]
            assert orphan[0] in _files(folder)
            assert store.forget("t", "c") == 1
        assert _ids(folder) == ["after"]
        assert self.read(stores, Lake(folder), SEAL)["r"].request is None

    def test_erased_bytes_are_gone_and_the_others_stay(self, stores: Stores, folder: Path) -> None:
        lake = Lake(folder)
        with self.writing(stores, lake) as store:
            for i in range(6):
                conversation = "erased" if i % 2 else "kept"
                store.append(
                    trace(f"r{i}", at=AT + i % 3 * DAY, conversation=conversation,
                          **said(f"{conversation} {i}"))
                )  # fmt: skip
            assert store.flush(60)
            assert lake.content(str(place_of(self.documents(stores)[0])), "r0")
            draft = _files(folder)[0].with_name(".part-dead.parquet.1-2.tmp")
            draft.write_bytes(b"erased, by somebody who died")
            assert store.forget("default", "erased") == 3
        left = [str(pq.read_table(one).to_pylist()) for one in _files(folder)]
        assert not [one for one in left if "erased" in one]
        assert not draft.exists()
        found = self.read(stores, lake)
        assert [found[f"r{i}"].request is None for i in range(6)] == [False, True] * 3

    def test_what_is_written_after_its_erasure_is_taken_out_of_its_file(
        self, stores: Stores, folder: Path
    ) -> None:
        """It waited in the journal of another process meanwhile."""
        with self.writing(stores, None) as store:
            assert store.forget("default", "c") == 0
        with self.writing(stores, Lake(folder)) as store:
            store.append(trace("late", at=AT + DAY, conversation="c", **said("late")))
            store.append(trace("since", at=AT + DAY + 0.001, conversation="c", **said("since")))
            store.append(trace("other", at=AT + DAY, conversation="d", **said("other")))
        assert _ids(folder) == ["other", "since"]
        found = self.read(stores, Lake(folder))
        assert found["late"].request is None
        assert found["since"].request == said("since")["request"]

    def test_where_no_file_can_be_written_the_database_holds_all(
        self, stores: Stores, folder: Path, caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        lake = Lake(folder)
        with self.writing(stores, lake) as store:
            with monkeypatch.context() as disk:
                disk.setattr(lakes, "replace_file", full)
                for i in range(3):
                    store.append(trace(f"full{i}", **said(f"full {i}")))
                    assert store.flush(60)
            store.append(trace("better", **said("better")))
            assert store.flush(60)
            assert store.health().state == "ok"
        assert (lake.left, lake.laid) == (3, 1)
        assert len([one for one in caplog.messages if "No space left" in one]) == 1
        found = self.read(stores, lake)
        assert [found[f"full{i}"].request for i in range(3)] == [
            said(f"full {i}")["request"] for i in range(3)
        ]
        assert found["better"].request == said("better")["request"]

    def test_a_folder_that_is_away_is_not_made(self, stores: Stores, folder: Path) -> None:
        away = Lake(folder / "mount")
        with self.writing(stores, away) as store:
            store.append(trace("r", conversation="c", **said("kept")))
            assert store.flush(60)
            assert self.read(stores, away)["r"].request
            with pytest.raises(StoreError, match="cannot be taken out of the files") as raised:
                store.forget("default", "c")
        assert raised.value.status == 503
        assert not (folder / "mount").exists()

    def test_while_the_database_is_away_a_file_is_written_once(
        self, stores: Stores, folder: Path, monkeypatch: pytest.MonkeyPatch
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
            TraceStore(rows, self.journal, TracesConfig(), clock, None, None, Lake(folder))
        ) as store:
            store.append(trace("r", **said("once")))
            assert store.flush(60)
        assert len(_files(folder)) == 1
        assert self.read(stores, Lake(folder))["r"].request == said("once")["request"]

    def test_days_go_whole_when_their_time_is_over(self, stores: Stores, folder: Path) -> None:
        with self.writing(stores, Lake(folder)) as store:
            for day in range(4):
                store.append(trace(f"r{day}", at=AT + day * DAY, **said("x")))
        draft = _files(folder)[0].with_name(".draft.tmp")
        draft.write_bytes(b"of a dead process")
        assert len(_files(folder)) == 4
        clock = FakeClock(AT + 4 * DAY)
        with self.writing(stores, Lake(folder), TracesConfig(retention_days=2), clock=clock):
            pass
        assert len(_files(folder)) == 2
        assert not draft.parent.exists()
        found = self.read(stores, Lake(folder))
        assert all(one.request is not None for one in found.values() if one.at >= AT + 2 * DAY)

    def test_a_missing_file_is_said_in_words(self, stores: Stores, folder: Path) -> None:
        with self.writing(stores, Lake(folder)) as store:
            store.append(trace("r", **said("x")))
        reader = TraceReader(stores.reports(), None, None)
        assert [one.request for one in reader.traces()] == [None]
        assert "[traces.lake] names no folder" in reader.problem
        _files(folder)[0].unlink()
        reader = TraceReader(stores.reports(), None, Lake(folder))
        assert [one.request for one in reader.traces()] == [None]
        assert "is missing" in reader.problem
        assert reader.unopened == 1


def _drawn(one: Trace, sample: float) -> bool:
    return lakes.drawn(f"lake{one.id}") < sample


def _ids(folder: Path) -> list[str]:
    """Of all rows, in however many files the writer's thread put them."""
    return sorted(id for file in _files(folder) for id in pq.read_table(file)["id"].to_pylist())


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("day=*/*.parquet"))
