"""Files: for their holder, sealed, for a while."""

from __future__ import annotations

from contextlib import closing

import pytest

from shortstop.batches import ExpiresAfter, Holder
from shortstop.batches.files import UnreadableLine
from shortstop.errors import Conflict, NotFound
from shortstop.traces.seal import Seal
from tests.batches.world import ME, World, line

SECRET = b"Maria Musterfrau"


def test_a_file_comes_back_and_lies_sealed(world: World) -> None:
    content = b"\n\n" + SECRET + b"\r\n\n{}\n \n"
    file = world.upload(content)
    assert b"".join(data for _, data in world.files.lines(file.row.id)) == content
    assert (file.name, file.row.size) == ("in.jsonl", len(content))
    lying = b"".join(p.read_bytes() for p in world.home.iterdir() if p.is_file())
    assert SECRET not in lying
    assert b"in.jsonl" not in lying


def test_for_anybody_else_it_does_not_exist(world: World) -> None:
    file = world.upload(b"{}")
    with pytest.raises(NotFound):
        world.files.find("key-2", file.row.id)
    with pytest.raises(NotFound):
        world.files.drop("key-2", file.row.id)
    with pytest.raises(NotFound):
        world.files.page("key-2", None, file.row.id, 5, up=True)
    world.files.drop(ME.name, file.row.id)
    with pytest.raises(NotFound):
        world.files.drop(ME.name, file.row.id)


def test_a_file_that_a_batch_reads_stays(world: World) -> None:
    batch = world.begin([line("a")])
    with pytest.raises(Conflict, match="has not ended"):
        world.files.drop(ME.name, batch.row.input)


def test_a_client_may_ask_for_less_time_and_not_for_more(world: World) -> None:
    world.limit(keep_days=2)
    for seconds, kept in ((3600, 3600), (2_592_000, 2 * 86_400)):
        upload = world.files.begin(ME)
        upload.write(b"{}")
        file = world.files.finish(upload, ME, "", ExpiresAfter("created_at", seconds))
        assert file.row.expires == world.clock.now + kept


def test_a_conversation_is_forgotten(world: World) -> None:
    file = world.upload(SECRET, Holder("key-1", "acme", "c1"))
    assert world.files.forget("acme", "c2") == 0
    assert world.files.forget("acme", "c1") == 1
    with pytest.raises(NotFound):
        world.files.find(ME.name, file.row.id)


def test_with_another_key_it_is_listed_and_not_read(world: World) -> None:
    file = world.upload(SECRET)
    with closing(World(world.home, world.clock, Seal("another secret"))) as other:
        [listed] = other.files.page(ME.name, None, None, 5, up=True)
        assert (listed.row, listed.name) == (file.row, "")
        with pytest.raises(UnreadableLine):
            list(other.files.lines(file.row.id))


def test_only_a_part_is_in_memory(world: World) -> None:
    file = world.upload(b"".join(b"%07d" % n + b"x" * 500_000 + b"\n" for n in range(8)))
    pages: list[int] = []
    pieces = world.file_store.pieces

    def counted(id: str, after: int, most: int) -> object:
        found = pieces(id, after, most)
        pages.append(sum(len(one.data) for one in found))
        return found

    world.file_store.pieces = counted  # type: ignore[method-assign, assignment]
    assert [number for number, _ in world.files.lines(file.row.id)] == list(range(1, 9))
    assert max(pages) < 1 << 20
