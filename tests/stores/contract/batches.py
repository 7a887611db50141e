"""Files in pieces, and batches over them: for their holder, answered once, erasable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.ports.batches import BatchStore, FileStore
from shortstop.ports.stores import Stores
from shortstop.types.batches import UNFINISHED, BatchRow, BatchStatus, FileRow, Piece
from tests.stores.contract.world import AT, DAY, MANY, in_processes, in_threads, serial


def file_row(id: str, holder: str = "me", **changes: Any) -> FileRow:
    return FileRow(id, holder, "acme", "", AT, AT + DAY, "batch", 0, b"?")._replace(**changes)


def batch_row(id: str, input: str, holder: str = "me", **changes: Any) -> BatchRow:
    row = BatchRow(
        id, holder, "acme", "", AT, AT + DAY, "validating", input, f"{id}-out", f"{id}-err", 0, 0,
        0, b"?",
    )  # fmt: skip
    return row._replace(**changes)


def piece(number: int, data: bytes = b"sealed", conversation: str = "") -> Piece:
    return Piece(number, len(data), data, conversation)


def put_file(store: FileStore, row: FileRow, *pieces: Piece) -> FileRow:
    store.create(row)
    store.append(row.id, pieces)
    store.finish(row.id, row.expires, row.record)
    return row._replace(size=sum(one.size for one in pieces))


def put_batch(store: BatchStore, row: BatchRow) -> BatchRow:
    outputs = [file_row(id, row.holder, purpose="batch_output") for id in (row.output, row.errors)]
    assert store.add(row, *outputs)
    return row


def to(status: BatchStatus) -> Any:
    return lambda row: row._replace(status=status, record=b"new")


class FileStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[FileStore]:
        with closing(stores.files()) as store:
            yield store

    @pytest.fixture
    def batches(self, stores: Stores) -> Iterator[BatchStore]:
        with closing(stores.batches()) as store:
            yield store

    @MANY
    @given(
        lines=st.lists(st.binary(max_size=30), max_size=6),
        at_once=st.integers(1, 4),
        most=st.integers(1, 60),
    )
    def test_a_file_comes_back_in_order_however_it_came(
        self, store: FileStore, lines: list[bytes], at_once: int, most: int
    ) -> None:
        id = f"f{serial()}"
        store.create(file_row(id))
        pieces = [piece(number * 3, line) for number, line in enumerate(lines, 1)]
        for start in range(0, len(pieces), at_once):
            store.append(id, pieces[start : start + at_once])
        assert store.find("me", id) is None, "not finished"
        store.finish(id, AT + 5, b"named")
        size = sum(map(len, lines))
        assert store.find("me", id) == file_row(id, expires=AT + 5, record=b"named", size=size)
        found: list[Piece] = []
        while page := store.pieces(id, found[-1].number if found else 0, most):
            assert len(page) == 1 or sum(len(one.data) for one in page) <= most
            found += page
        assert found == pieces

    def test_what_is_finished_grows_no_more(self, store: FileStore) -> None:
        put_file(store, file_row("f"), piece(1))
        store.append("f", [piece(2)])
        store.append("unheard-of", [piece(1)])
        assert [one.number for one in store.pieces("f", 0, 100)] == [1]
        assert store.pieces("unheard-of", 0, 100) == []

    def test_for_anybody_but_its_holder_it_does_not_exist(self, store: FileStore) -> None:
        put_file(store, file_row("f"), piece(1))
        assert store.find("you", "f") is None
        assert store.drop("you", "f") == "unknown"
        assert store.page("you", None, None, 10, up=True) == []
        assert store.drop("me", "f") == "dropped"
        assert store.drop("me", "f") == "unknown"
        assert store.pieces("f", 0, 100) == []

    def test_pages_go_on_where_the_last_one_ended(self, store: FileStore) -> None:
        rows = [
            put_file(store, file_row(f"f{i}", at=AT + i // 2, purpose=purpose))
            for i, purpose in enumerate(["batch", "batch_output"] * 3)
        ]
        assert store.page("me", None, None, 10, up=True) == rows
        assert store.page("me", None, None, 10, up=False) == rows[::-1]
        assert store.page("me", "batch", None, 10, up=True) == rows[::2]
        assert store.page("me", None, rows[1], 2, up=True) == rows[2:4]
        assert store.page("me", None, rows[4], 2, up=False) == rows[2:4][::-1]

    def test_a_file_that_is_read_stays(self, store: FileStore, batches: BatchStore) -> None:
        put_file(store, file_row("f"), piece(1))
        row = put_batch(batches, batch_row("b", "f"))
        assert store.drop("me", "f") == "in use"
        assert store.sweep(AT + 9 * DAY, AT + 9 * DAY) == 0
        batches.end(row.id, to("failed"), AT)
        assert store.drop("me", "f") == "dropped"

    def test_bytes_are_counted_while_they_come(self, store: FileStore) -> None:
        store.create(file_row("f"))
        store.append("f", [piece(1, b"12345")])
        put_file(store, file_row("g", "you"), piece(1, b"123"))
        assert (store.held("me"), store.held("you"), store.held(None)) == (5, 3, 8)
        store.abandon("g")
        assert store.held("you") == 3, "it is finished"
        store.abandon("f")
        assert store.held(None) == 3

    def test_what_has_had_its_time_goes(self, store: FileStore) -> None:
        put_file(store, file_row("old", expires=AT + 1), piece(1))
        put_file(store, file_row("new", expires=AT + 3), piece(1))
        store.create(file_row("broken off", at=AT))
        store.create(file_row("coming", at=AT + 2))
        assert store.sweep(AT + 2, AT + 1) == 2
        assert store.find("me", "old") is None
        assert store.find("me", "new") is not None
        store.finish("coming", AT + 9, b"")
        assert store.find("me", "coming") is not None

    def test_a_conversation_is_forgotten_and_no_other(
        self, stores: Stores, store: FileStore, batches: BatchStore
    ) -> None:
        put_file(store, file_row("named", conversation="c1"), piece(1))
        put_file(store, file_row("rival's", tenant="rival", conversation="c1"), piece(1))
        lines = [piece(1, b"one"), piece(2, b"three")]
        put_file(store, file_row("mixed"), *lines)
        put_file(store, file_row("of a batch"), piece(1))
        put_batch(batches, batch_row("reads-named", "named"))
        put_batch(batches, batch_row("is-named", "of a batch", conversation="c1"))
        put_batch(batches, batch_row("mixed", "mixed"))
        assert batches.answer("mixed", piece(1, b"yes", "c1"), failed=False)
        assert batches.answer("mixed", piece(2, b"no", "c2"), failed=True)
        with closing(stores.files()) as other:
            # named, of a batch, two files each of their batches; the line and its answer
            assert other.forget("acme", "c1") == 6 + 2
        assert store.find("me", "named") is None
        assert batches.find("me", "reads-named") is None
        assert batches.find("me", "is-named") is None
        assert store.find("me", "rival's") is not None
        assert [one.data for one in store.pieces("mixed", 0, 99)] == [b"", b"three"]
        assert [one.data for one in store.pieces("mixed-out", 0, 99)] == [b""]
        assert [one.data for one in store.pieces("mixed-err", 0, 99)] == [b"no"]
        assert batches.answered("mixed") == {1, 2}, "what is erased is not asked again"
        mixed = store.find("me", "mixed")
        assert mixed is not None
        assert mixed.size == len(b"three")
        assert store.forget("acme", "c1") == 0

    def test_a_closed_store_says_so(self, store: FileStore) -> None:
        store.create(file_row("f"))
        store.close()
        with pytest.raises(StoreError):
            store.find("me", "f")


def _claims_and_dies(stores: Stores, number: int) -> None:
    store = stores.batches()
    assert store.claim() is not None


def _answers_all(stores: Stores, number: int) -> None:
    with closing(stores.batches()) as store:
        for line in range(1, 21):
            store.answer("b", piece(line, f"by {number}".encode()), failed=line % 2 == 0)


class BatchStoreContract:
    @pytest.fixture
    def files(self, stores: Stores) -> Iterator[FileStore]:
        with closing(stores.files()) as files:
            put_file(files, file_row("in"), *[piece(n) for n in range(1, 4)])
            put_file(files, file_row("answers", purpose="batch_output"))
            yield files

    @pytest.fixture
    def store(self, stores: Stores, files: FileStore) -> Iterator[BatchStore]:
        with closing(stores.batches()) as store:
            yield store

    def test_a_batch_reads_a_file_of_its_holders(self, store: BatchStore) -> None:
        row = put_batch(store, batch_row("b", "in"))
        assert store.find("me", "b") == row
        assert store.find("you", "b") is None
        assert store.find(None, "b") == row
        for other in (
            batch_row("x", "unheard-of"),
            batch_row("x", "in", "you"),
            batch_row("x", "answers"),
        ):
            assert not store.add(other, file_row("o"), file_row("e"))
        assert store.find("me", "x") is None

    def test_pages_are_newest_first(self, store: BatchStore) -> None:
        rows = [put_batch(store, batch_row(f"b{i}", "in", at=AT + i // 2)) for i in range(5)]
        assert store.page("me", None, 9) == rows[::-1]
        assert store.page(None, None, 2) == [rows[4], rows[3]]
        assert store.page("me", rows[3], 2) == [rows[2], rows[1]]
        assert store.page("you", None, 9) == []

    def test_a_change_keeps_counts_and_files(self, store: BatchStore) -> None:
        put_batch(store, batch_row("b", "in"))
        assert store.answer("b", piece(1), failed=False)
        stale = batch_row("b", "in", status="in_progress", total=3)
        changed = store.change("b", lambda row: stale)
        found = store.find("me", "b")
        assert changed is not None
        assert found == batch_row("b", "in", status="in_progress", total=3, completed=1)
        assert store.change("unheard-of", to("failed")) is None

        def fails(row: BatchRow) -> BatchRow:
            raise KeyError

        with pytest.raises(KeyError):
            store.change("b", fails)
        assert store.find("me", "b") == found

    def test_a_line_is_answered_once(self, store: BatchStore, files: FileStore) -> None:
        put_batch(store, batch_row("b", "in"))
        assert store.answer("b", piece(1, b"yes"), failed=False)
        assert not store.answer("b", piece(1, b"again"), failed=False)
        assert not store.answer("b", piece(1, b"again"), failed=True)
        assert store.answer("b", piece(2, b"no"), failed=True)
        assert not store.answer("unheard-of", piece(1), failed=False)
        assert store.answered("b") == {1, 2}
        found = store.find("me", "b")
        assert found is not None
        assert (found.completed, found.failed) == (1, 1)
        assert files.find("me", "b-out") is None, "not before the batch has ended"

    def test_what_was_answered_exists_from_the_end_on(
        self, store: BatchStore, files: FileStore
    ) -> None:
        put_batch(store, batch_row("b", "in"))
        store.answer("b", piece(2, b"two"), failed=False)
        store.answer("b", piece(1, b"one!"), failed=False)
        ended = store.end("b", to("completed"), AT + 7)
        assert ended == store.find("me", "b")
        assert ended is not None
        assert (ended.status, ended.output, ended.errors) == ("completed", "b-out", "")
        output = files.find("me", "b-out")
        assert output is not None
        assert (output.size, output.expires) == (7, AT + 7)
        assert [one.data for one in files.pieces("b-out", 0, 99)] == [b"one!", b"two"]
        assert files.find("me", "b-err") is None
        assert not store.answer("b", piece(3), failed=False), "it has ended"
        assert store.end("unheard-of", to("failed"), AT) is None

    def test_one_owner_works_on_a_batch(self, stores: Stores, store: BatchStore) -> None:
        put_batch(store, batch_row("old", "in"))
        put_batch(store, batch_row("new", "in", at=AT + 1))
        put_batch(store, batch_row("ended", "in", at=AT - 1))
        store.end("ended", to("failed"), AT)
        with ExitStack() as opened:
            one, two = (opened.enter_context(closing(stores.batches())) for _ in range(2))
            first, second = one.claim(), two.claim()
            assert first is not None
            assert second is not None
            assert (first.id, second.id) == ("old", "new")
            assert one.claim() is None
            two.release("new")
            again = one.claim()
            assert again is not None
            assert again.id == "new"
            assert two.claim() is None
        freed = store.claim()
        assert freed is not None
        assert freed.id == "old", "who has closed owns nothing"

    def test_a_batch_is_claimed_by_one_of_many(self, stores: Stores, store: BatchStore) -> None:
        for i in range(8):
            put_batch(store, batch_row(f"b{i}", "in"))
        claimed: list[str] = []
        with ExitStack() as opened:
            many = [opened.enter_context(closing(stores.batches())) for _ in range(4)]

            def claim(number: int) -> None:
                while (row := many[number].claim()) is not None:
                    claimed.append(row.id)

            in_threads(claim)
            assert sorted(claimed) == [f"b{i}" for i in range(8)]

    def test_what_the_dead_worked_on_is_taken_up(self, stores: Stores, store: BatchStore) -> None:
        put_batch(store, batch_row("b", "in"))
        in_processes(_claims_and_dies, stores, count=1)
        row = store.claim()
        assert row is not None
        assert row.id == "b"

    def test_processes_that_answer_at_once_double_nothing(
        self, stores: Stores, store: BatchStore, files: FileStore
    ) -> None:
        put_batch(store, batch_row("b", "in"))
        in_processes(_answers_all, stores, count=2)
        row = store.find("me", "b")
        assert row is not None
        assert (row.completed, row.failed) == (10, 10)
        assert store.answered("b") == set(range(1, 21))

    def test_unfinished_ones_are_counted(self, store: BatchStore) -> None:
        statuses: list[BatchStatus] = [*UNFINISHED, "failed", "completed", "expired", "cancelled"]
        for status in statuses:
            put_batch(store, batch_row(status, "in", status=status))
        put_file_for_you = batch_row("yours", "in")
        assert store.unfinished("me") == len(UNFINISHED)
        assert store.unfinished("you") == 0
        put_batch(store, put_file_for_you)
        assert store.unfinished(None) == len(UNFINISHED) + 1

    def test_ended_ones_go_when_they_are_old(self, store: BatchStore) -> None:
        put_batch(store, batch_row("ended", "in", status="completed"))
        put_batch(store, batch_row("goes on", "in"))
        put_batch(store, batch_row("later", "in", status="failed", at=AT + 5))
        assert store.sweep(AT + 5) == 1
        assert [row.id for row in store.page("me", None, 9)] == ["later", "goes on"]

    def test_a_closed_store_says_so(self, store: BatchStore) -> None:
        put_batch(store, batch_row("b", "in"))
        store.close()
        with pytest.raises(StoreError):
            store.find("me", "b")
