"""A lake in a bucket: what it asks for, what it does when the store fails it, and who comes first
where nobody can be kept out. What it promises together with a store: tests/stores/contract/lake."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.ports.stores import Stores
from shortstop.stores import Paths, open_stores
from shortstop.traces import Lake, TraceReader, TraceStore, lake_bucket
from shortstop.traces.document import place_of
from shortstop.traces.lake import DAY
from shortstop.traces.lake_bucket import LakeBucket
from shortstop.types.rows import Row
from tests.conftest import FakeClock
from tests.lakes import PREFIX, BucketOfFiles, files_in
from tests.s3 import BUCKET, KEY, SECRET, Fault
from tests.stores.contract.world import row
from tests.traces.example import LOCAL, trace

FILE = "day=2026-11-18/part-0a-000001.parquet"
TODAY = int(LOCAL.at // DAY)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[BucketOfFiles]:
    with files_in("bucket", tmp_path / "lake") as place:
        assert isinstance(place, BucketOfFiles)
        yield place


@pytest.fixture
def bucket(place: BucketOfFiles) -> LakeBucket:
    return LakeBucket(place.config)


@pytest.fixture
def impatient(place: BucketOfFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_bucket, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(lake_bucket, "SLOW_SECONDS", 0.5)
    monkeypatch.setattr(lake_bucket, "TRIES", 1)


def rows(*ids: str, conversation: str = "c") -> list[Row]:
    return [row(trace(id, conversation=conversation)) for id in ids]


def only(fault: Fault, method: str) -> Callable[[str, str], Fault]:
    return lambda asked, _: fault if asked == method else None


# ---------------------------------------------------------------- files


def test_files_come_back_by_day_however_many(bucket: LakeBucket, place: BucketOfFiles) -> None:
    names = [f"day=2026-11-1{day}/part-a-{n}.parquet" for day in range(4) for n in range(5)]
    for name in names:
        bucket.add(name, name.encode())
    assert bucket.of_day("day=2026-11-12") == names[10:15]
    assert bucket.of_day("day=2026-11-17") == []
    assert list(bucket.all()) == names
    assert {bucket.read(name) for name in names} == {name.encode() for name in names}
    bucket.delete(names[0])
    bucket.delete(names[0])
    bucket.delete_before("day=2026-11-12")
    assert list(place.files()) == names[10:]
    with pytest.raises(FileNotFoundError):
        bucket.read(names[0])


def test_a_large_file_is_there_whole_or_not_at_all(
    bucket: LakeBucket, place: BucketOfFiles
) -> None:
    data = os.urandom(12 << 20)
    bucket.add(FILE, data)
    assert place.server.times("PUT", "partNumber=2") == 1
    assert bucket.read(FILE) == data
    place.server.fault = lambda method, _: 403 if "2" in place.server.asked[-1][-60:] else None
    with pytest.raises(OSError, match="ACCESS_DENIED"):
        bucket.replace("day=2026-11-19/part-0a-000001.parquet", data)
    assert list(place.files()) == [FILE]


def test_rows_of_a_file_are_read_by_one_request(place: BucketOfFiles) -> None:
    lake = place.lake()
    laid = lake.lay([row(trace(f"r{i}")) for i in range(200)])
    (file,) = {place_of(one.document) for one in laid}
    place.server.asked.clear()
    for i in range(200):
        assert lake.content(str(file), f"r{i}")
    assert place.server.times("GET") == 1


def test_few_objects_stay_in_memory(
    bucket: LakeBucket, place: BucketOfFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_bucket, "HELD_BYTES", 250)
    names = [f"day=2026-11-18/part-a-{n}.parquet" for n in range(3)]
    for name in names:
        bucket.add(name, name[-9:].encode() * 11)
        assert bucket.open(name).read() == name[-9:].encode() * 11
    place.server.asked.clear()
    bucket.open(names[2])
    bucket.open(names[1])
    assert place.server.times("GET") == 0
    bucket.open(names[0])
    assert place.server.times("GET") == 1
    bucket.replace(names[0], b"another")
    assert bucket.open(names[0]).read() == b"another"


def test_a_bucket_of_which_files_fill_the_root(place: BucketOfFiles) -> None:
    bucket = LakeBucket(replace(place.config, folder=f"s3://{BUCKET}/"))
    bucket.add(FILE, b"x")
    assert place.server.objects == {f"{BUCKET}/{FILE}": b"x"}
    assert list(bucket.all()) == [FILE]
    bucket.delete_before("day=2027-01-01")
    assert list(bucket.all()) == []


def test_a_check_leaves_nothing_behind(bucket: LakeBucket, place: BucketOfFiles) -> None:
    bucket.check()
    assert not place.server.objects or list(place.server.objects) == [f"{PREFIX}/"]
    place.server.fault = only(403, "DELETE")
    with pytest.raises(OSError, match="ACCESS_DENIED"):
        bucket.check()


# ---------------------------------------------------------------- a store that fails


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["hang", "cut", "lost", 500, 403])
def test_what_cannot_be_put_stays_in_its_row_and_is_told_once(
    place: BucketOfFiles, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    lake, plain = place.lake(), rows("a")
    place.server.fault = only(fault, "PUT")
    began = time.monotonic()
    assert lake.lay(plain) == plain
    assert lake.lay(plain) == plain
    assert time.monotonic() - began < 30
    assert (lake.laid, lake.left) == (0, 2)
    place.server.fault = lambda *_: None
    assert place_of(lake.lay(plain)[0].document) in place.files()
    assert len(place.files()) == 1, "what was put without an answer is gone again"
    told = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(told) == 2
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("impatient")
def test_who_hangs_is_left_alone_for_a_while(
    bucket: LakeBucket, place: BucketOfFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_bucket, "PAUSE_SECONDS", 1000.0)
    place.server.fault = lambda *_: "hang"
    with pytest.raises(OSError, match="Timeout was reached"):
        bucket.read(FILE)
    asked, began = len(place.server.asked), time.monotonic()
    for _ in range(10):
        with pytest.raises(OSError, match="Timeout was reached"):
            bucket.add(FILE, b"x")
    assert len(place.server.asked) == asked
    assert not bucket._unsure
    assert time.monotonic() - began < 1
    assert bucket._paused is not None
    place.server.fault = lambda *_: None
    bucket._paused = time.monotonic(), bucket._paused[1]
    bucket.add(FILE, b"x")
    bucket.read(FILE)


def test_a_store_that_hangs_blocks_no_start(place: BucketOfFiles, tmp_path: Path) -> None:
    place.server.fault = lambda *_: "hang"
    began = time.monotonic()
    lake = place.lake()
    lake.warm()
    with closing(_store(_stores(tmp_path), tmp_path, lake)) as store:
        store.append(trace("r"))
        assert time.monotonic() - began < 4
        place.server.fault = lambda *_: 403
        place.server.ended.set()
        assert store.flush(60)


def test_a_wrong_region_bucket_or_key_is_named(
    place: BucketOfFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="expecting 'eu-test-1'"):
        LakeBucket(replace(place.config, region="us-east-1")).check()
    elsewhere = LakeBucket(replace(place.config, folder="s3://another"))
    with pytest.raises(OSError, match="NO_SUCH_BUCKET"):
        elsewhere.of_day("day=2026-11-18")
    with pytest.raises(StoreError, match="NO_SUCH_BUCKET"):
        Lake(elsewhere).erase("default", "c", [TODAY])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ANOTHER")
    with pytest.raises(OSError, match="INVALID_ACCESS_KEY_ID"):
        LakeBucket(place.config).check()


def test_a_store_of_before_the_checksums_gets_none(place: BucketOfFiles) -> None:
    place.server.plain = True
    LakeBucket(place.config).add(FILE, b"x" * 1000)
    assert place.files() == {FILE: b"x" * 1000}


def test_a_store_that_gives_back_something_else_is_not_used(
    place: BucketOfFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
    place.server.plain = True
    lake, plain = place.lake(), rows("a")
    assert lake.lay(plain) == plain
    assert lake.left == 1
    with pytest.raises(OSError, match="does not give back what was put"):
        lake.files.check()


@pytest.mark.usefixtures("impatient")
def test_what_cannot_be_read_is_said_in_words(place: BucketOfFiles, tmp_path: Path) -> None:
    stores, lake = _stores(tmp_path), place.lake()
    with closing(_store(stores, tmp_path, lake)) as store:
        store.append(trace("r"))
        assert store.flush(60)
    for fault, why in ((403, "ACCESS_DENIED"), ("hang", "Timeout"), (404, "is missing")):
        place.server.fault = lambda *_, fault=fault: fault
        reader = TraceReader(stores.reports(), None, place.lake())
        assert [one.request for one in reader.traces()] == [None]
        assert why in reader.problem


def test_a_day_that_cannot_be_deleted_is_logged_and_tried_again(
    place: BucketOfFiles, caplog: pytest.LogCaptureFixture
) -> None:
    lake = place.lake()
    lake.lay(rows("a"))
    place.server.fault = only(403, "POST")
    lake.expire((TODAY + 1) * DAY)
    assert "a day of the lake cannot be deleted now" in caplog.text
    place.server.fault = lambda *_: None
    lake.expire((TODAY + 1) * DAY - 1)
    assert place.ids() == ["a"]
    lake.expire((TODAY + 1) * DAY)
    assert not place.files()


# ---------------------------------------------------------------- who comes first


def _stores(folder: Path) -> Stores:
    return open_stores(Paths(folder, folder / "traces.db"))


def _write(stores: Stores, place: BucketOfFiles, *ids: str) -> None:
    """Rows of a conversation each, in one file."""
    with closing(stores.rows()) as table:
        table.open()
        laid = place.lake().lay([row(trace(id, conversation=id)) for id in ids])
        assert table.insert(laid, []) == 0


def _store(stores: Stores, folder: Path, lake: Lake, name: str = "journal") -> TraceStore:
    clock, lake.gather = FakeClock(LOCAL.at + 60), 60.0
    return TraceStore(stores.rows(), folder / name, TracesConfig(), clock, None, None, lake)


class Once:
    """Does `work` when the server has carried out the first request that fits, and only then."""

    def __init__(self, method: str, part: str, work: Callable[[], Any]) -> None:
        self._fits, self._work = (method, part), work
        self._turn, self.done = threading.Lock(), False

    def __call__(self, method: str, key: str) -> None:
        with self._turn:
            if self.done or method != self._fits[0] or self._fits[1] not in key:
                return
            self.done = True
        self._work()


def test_an_erasure_reaches_what_is_put_after_it_has_listed(
    place: BucketOfFiles, tmp_path: Path
) -> None:
    stores = _stores(tmp_path)
    with closing(_store(stores, tmp_path, place.lake(), "another")) as writer:

        def write() -> None:
            writer.append(trace("late", conversation="c"))
            assert writer.flush(60)
            assert place.server.times("PUT", "/part-") > puts

        with closing(_store(stores, tmp_path, place.lake())) as store:
            store.append(trace("r", conversation="c"))
            store.append(trace("other", conversation="d"))
            assert store.flush(60)
            puts = place.server.times("PUT", "/part-")
            place.server.done = listed = Once("GET", BUCKET, write)
            store.forget("default", "c")
            assert listed.done
    assert place.ids() == ["other"]
    assert {one.id: one.request is None for one in TraceReader(
        stores.reports(), None, place.lake()
    ).traces()} == {"r": True, "late": True, "other": False}  # fmt: skip


def test_of_two_erasures_that_rewrite_one_file_none_brings_back_what_the_other_took(
    place: BucketOfFiles, tmp_path: Path
) -> None:
    stores, brought_back = _stores(tmp_path), list[str]()
    with (
        closing(_store(stores, tmp_path, place.lake(), "another")) as other,
        closing(_store(stores, tmp_path, place.lake())) as store,
    ):
        _write(stores, place, "a", "b", "stays")
        assert len(place.files()) == 1

        def between() -> None:
            other.forget("default", "b")
            assert place.ids() == ["stays"]
            place.server.done = note

        def note(method: str, _: str) -> None:
            if method == "PUT" and "b" in place.ids():
                brought_back.append(method)

        def read() -> None:
            place.server.done = Once("HEAD", "/part-", between)

        place.server.done = Once("GET", "/part-", read)
        store.forget("default", "a")
    assert len(brought_back) == 1
    assert place.ids() == ["stays"]


def test_who_asks_again_takes_out_what_a_dead_eraser_brought_back(
    place: BucketOfFiles, tmp_path: Path
) -> None:
    stores = _stores(tmp_path)
    with closing(_store(stores, tmp_path, place.lake())) as store:
        for id in ("a", "b", "stays"):
            store.append(trace(id, conversation=id))
        assert store.flush(60)
        whole = place.files()
        store.forget("default", "b")
        for name, data in whole.items():
            place.server.objects[f"{PREFIX}/{name}"] = data
        store.forget("default", "a")
    assert place.ids() == ["stays"]


def test_a_file_that_another_erasure_deletes_meanwhile_is_gone(place: BucketOfFiles) -> None:
    lake = place.lake()
    lake.lay(rows("a"))
    place.server.done = Once("GET", BUCKET, lambda: place.delete(next(iter(place.files()))))
    assert lake.erase("default", "c", [TODAY]) == 0


def test_who_reads_beside_an_erasure_reads_one_file_or_the_other(place: BucketOfFiles) -> None:
    """The size is that of before, what is read that of after."""
    lake, other = place.lake(), place.lake()
    laid = lake.lay([*rows("a"), *rows("b", conversation="d")])
    assert len(list(other.files.all())) == 1, "its client is there: no other is made meanwhile"
    place.server.done = asked = Once("HEAD", "/part-", lambda: other.erase("default", "c", [TODAY]))
    assert lake.content(str(place_of(laid[1].document)), "b")
    assert asked.done
