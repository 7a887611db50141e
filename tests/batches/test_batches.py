"""The book: batches for their holder, cancelled, ended, and swept."""

from __future__ import annotations

import pytest

from shortstop.batches import Holder
from shortstop.batches.answer import EXPIRED
from shortstop.batches.batches import MOST_UNFINISHED
from shortstop.errors import Conflict, NotFound, RateLimited, TooLarge
from tests.batches.world import ME, World, answer, asked, line
from tests.stores.contract.world import DAY

HOUR = {"anchor": "created_at", "seconds": 3600}
YOU = Holder("key-2", "rival")


def test_a_batch_is_its_holders(world: World) -> None:
    batch = world.begin([line("a")], metadata={"a": "b"})
    assert world.book.find(ME.name, batch.id).terms.metadata == {"a": "b"}
    for look in (
        lambda: world.book.find(YOU.name, batch.id),
        lambda: world.book.cancel(YOU.name, batch.id),
        lambda: world.book.page(YOU.name, batch.id, 5),
        lambda: world.book.create(YOU, None, asked(batch.row.input), {}),
    ):
        with pytest.raises(NotFound):
            look()
    assert world.book.page(YOU.name, None, 5) == []
    assert [one.id for one in world.book.page(ME.name, None, 5)] == [batch.id]
    assert world.book.page(ME.name, batch.id, 5) == []


def test_a_batch_is_cancelled_once_it_has_begun_and_not_when_it_has_ended(world: World) -> None:
    batch = world.begin([line("a")])
    assert world.book.cancel(ME.name, batch.id).row.status == "cancelling"
    assert world.book.cancel(ME.name, batch.id).row.status == "cancelling"
    moved = world.book.move(batch.id, "in_progress")
    assert moved is not None
    assert moved.row.status == "cancelling", "nobody goes on with it"
    world.book.end(batch, "cancelled")
    assert world.book.cancel(ME.name, batch.id).row.status == "cancelled"
    done = world.begin([line("a")])
    world.book.end(done, "completed")
    with pytest.raises(Conflict, match="completed"):
        world.book.cancel(ME.name, done.id)


def test_answers_are_kept_sealed_for_their_time(world: World) -> None:
    batch = world.begin([line("a"), line("b")], output_expires_after=HOUR)
    assert world.book.keep(batch, 1, "a", answer("Maria Musterfrau"))
    assert not world.book.keep(batch, 1, "a", answer("again"))
    assert world.book.keep(batch, 2, "b", EXPIRED)
    world.clock.advance(100)
    ended = world.book.end(batch, "expired")
    assert ended is not None
    [said] = world.read(ended.row.output)
    assert said["custom_id"] == "a"
    assert said["response"]["body"] == {"said": "Maria Musterfrau"}
    [failed] = world.read(ended.row.errors)
    assert (failed["response"], failed["error"]["code"]) == (None, "batch_expired")
    output = world.files.find(ME.name, ended.row.output)
    assert output.row.expires == world.clock.now + 3600
    assert b"Maria" not in (world.home / "batches.db").read_bytes()
    assert b"Maria" not in (world.home / "batches.db-wal").read_bytes()


def test_a_key_may_have_so_many_unfinished(world: World) -> None:
    file = world.upload(line("a"))
    for _ in range(MOST_UNFINISHED):
        world.book.create(ME, None, asked(file.row.id), {})
    with pytest.raises(RateLimited):
        world.book.create(ME, None, asked(file.row.id), {})
    other = world.upload(line("a"), YOU)
    world.book.create(YOU, None, asked(other.row.id), {})


def test_without_room_nothing_is_begun(world: World) -> None:
    file = world.upload(line("a"))
    world.limit(disk_mb=0.0001)
    with pytest.raises(TooLarge):
        world.book.create(ME, None, asked(file.row.id), {})


def test_what_has_had_its_time_is_swept(world: World) -> None:
    batch = world.begin([line("a")])
    world.book.keep(batch, 1, "a", answer("yes"))
    world.book.end(batch, "completed")
    assert world.book.sweep() == 0
    world.clock.advance(30 * DAY + 1)
    assert world.book.sweep() == 3  # the batch, its input and its output
    assert world.file_store.held(None) == 0
