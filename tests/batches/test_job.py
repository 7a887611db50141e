"""The work on a batch: each line has one answer, whatever happens in between."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing, suppress

import pytest

from shortstop.batches import Batch, BatchJob, LineAnswer
from shortstop.errors import StoreUnavailable
from shortstop.traces.seal import Seal
from shortstop.types.batches import BatchRow
from tests.batches.world import ME, ScriptedAsk, World, answer, line
from tests.stores.contract.world import DAY

pytestmark = pytest.mark.asyncio
NAMES = [f"r{i}" for i in range(30)]
BUSY = {"again": 1.0}


def lines(names: list[str] = NAMES) -> list[bytes]:
    return [line(name) for name in names]


async def test_every_line_is_answered_in_its_place(world: World) -> None:
    ask = ScriptedAsk(lambda name, times: answer(name, 400 if name in ("r3", "r7") else 200))
    ended = await world.work(world.begin(lines()), ask)
    row = ended.row
    assert (row.status, row.total, row.completed, row.failed) == ("completed", 30, 28, 2)
    good = [name for name in NAMES if name not in ("r3", "r7")]
    assert [one["custom_id"] for one in world.read(row.output)] == good
    assert [one["custom_id"] for one in world.read(row.errors)] == ["r3", "r7"]
    assert set(ended.terms.moments) == {"in_progress", "finalizing", "completed"}
    assert sorted(world.counted) == [False] * 28 + [True] * 2


async def test_so_many_lines_are_under_way(world: World) -> None:
    world.limit(concurrency=3)
    ask = ScriptedAsk()
    ask.wait = asyncio.Barrier(3).wait
    await world.work(world.begin(lines()), ask)
    assert ask.most == 3


async def test_a_bad_file_fails_and_nothing_is_asked(world: World) -> None:
    ask = ScriptedAsk()
    ended = await world.work(world.begin([line("a"), b"{", line("a"), line("b", "gone")]), ask)
    assert ended.row.status == "failed"
    assert [(f.line, f.code) for f in ended.terms.faults] == [
        (2, "invalid_json_line"),
        (3, "duplicate_custom_id"),
        (4, "model_not_found"),
    ]
    assert not ask.asked
    assert (ended.row.output, ended.row.errors) == ("", "")


async def test_a_line_without_a_place_is_tried_until_it_has_one(world: World) -> None:
    ask = ScriptedAsk(lambda name, times: answer(name, 429, **BUSY) if times < 12 else answer(name))
    ended = await world.work(world.begin(lines(["a", "b"])), ask)
    assert (ended.row.status, ended.row.completed) == ("completed", 2)
    assert ask.asked == {"a": 13, "b": 13}
    rests = [seconds for seconds in world.pauses if seconds >= 5]
    assert rests == sorted(rests), "it rests longer and longer"


async def test_a_line_that_fails_otherwise_is_given_up(world: World) -> None:
    ask = ScriptedAsk(lambda name, times: answer(name, 500, **BUSY))
    ended = await world.work(world.begin(lines(["a"])), ask)
    assert (ended.row.status, ended.row.failed) == ("completed", 1)
    assert ask.asked["a"] == 9
    [failed] = world.read(ended.row.errors)
    assert failed["response"]["status_code"] == 500


async def test_what_is_told_to_wait_lets_others_go_first(world: World) -> None:
    world.limit(concurrency=1)
    order: list[str] = []

    def script(name: str, times: int) -> LineAnswer:
        order.append(name)
        return answer(name, 503, **BUSY) if name == "a" and times < 4 else answer(name)

    await world.work(world.begin(lines(["a", "b", "c"])), ScriptedAsk(script))
    assert order == ["a", "a", "a", "b", "c", "a", "a"]


async def test_while_nobody_answers_few_are_asked_and_later_all_have_their_answer(
    world: World,
) -> None:
    names = [f"r{i:04}" for i in range(300)]
    down = world.clock.now + 4 * 3600
    tries = [0]

    def script(name: str, times: int) -> LineAnswer:
        if world.clock.now < down:
            tries[0] += 1
            return answer(name, 503, **BUSY)
        return answer(name)

    ended = await world.work(world.begin(lines(names)), ScriptedAsk(script))
    assert (ended.row.status, ended.row.completed) == ("completed", 300)
    assert tries[0] < 60 * 3 * 24, "some in each round, and one round in five minutes"


async def test_lines_that_never_find_a_place_keep_no_other_from_its_own(world: World) -> None:
    names = [f"never{i:02}" for i in range(40)] + [f"r{i}" for i in range(40)]
    world.limit(concurrency=2)
    ask = ScriptedAsk(
        lambda name, times: answer(name, 503, **BUSY) if name[0] == "n" else answer(name)
    )
    ended = await world.work(world.begin(lines(names)), ask)
    row = ended.row
    assert (row.status, row.completed, row.failed) == ("expired", 40, 40)
    assert all(ask.asked[name] == 1 for name in names[40:])


async def test_when_the_window_is_over_the_rest_expires(world: World) -> None:
    ask = ScriptedAsk(
        lambda name, times: answer(name) if name == "a" else answer(name, 503, **BUSY)
    )
    ended = await world.work(world.begin(lines(["a", "b", "c"])), ask)
    row = ended.row
    assert (row.status, row.completed, row.failed) == ("expired", 1, 2)
    assert [one["error"]["code"] for one in world.read(row.errors)] == ["batch_expired"] * 2
    assert ended.terms.moments["expired"] >= row.at + DAY


async def test_cancelling_keeps_what_is_done(world: World) -> None:
    world.limit(concurrency=1)
    batch = world.begin(lines())

    def script(name: str, times: int) -> LineAnswer:
        if name == "r5":
            world.book.cancel(ME.name, batch.id)
        return answer(name) if name < "r5" else answer(name, 503, again=60.0)

    ended = await world.work(batch, ScriptedAsk(script))
    assert (ended.row.status, ended.row.failed) == ("cancelled", 0)
    done = [one["custom_id"] for one in world.read(ended.row.output)]
    assert {"r0", "r1", "r2", "r3", "r4"} <= set(done)
    assert len(done) == ended.row.completed < len(NAMES)


async def test_one_that_is_cancelled_while_it_is_checked_asks_nothing(world: World) -> None:
    batch, ask = world.begin(lines()), ScriptedAsk()

    def knows(batch: Batch, model: str) -> bool:
        world.book.cancel(ME.name, batch.id)
        return True

    ask.knows = knows  # type: ignore[method-assign]
    ended = await world.work(batch, ask)
    assert ended.row.status == "cancelled"
    assert not ask.asked


async def test_an_answer_that_is_being_written_is_kept_when_the_batch_ends(world: World) -> None:
    batch = world.begin(lines(["a", "b"]))
    kept, look, seen = world.batch_store.answer, world.batch_store.find, threading.Event()

    def found(holder: str | None, id: str) -> BatchRow | None:
        row = look(holder, id)
        if row is not None and row.status == "cancelling":
            seen.set()
        return row

    def slowly(id: str, piece: object, *, failed: bool) -> bool:
        world.book.cancel(ME.name, batch.id)
        assert seen.wait(20), "the job has been told"
        return kept(id, piece, failed=failed)  # type: ignore[arg-type]

    world.batch_store.find = found  # type: ignore[method-assign]
    world.batch_store.answer = slowly  # type: ignore[method-assign]
    ended = await world.work(batch, ScriptedAsk())
    assert ended.row.status == "cancelled"
    assert ended.row.completed >= 1
    assert len(world.read(ended.row.output)) == ended.row.completed


async def test_one_that_was_cancelled_before_asks_nothing(world: World) -> None:
    batch = world.begin(lines())
    ask = ScriptedAsk()
    ended = await world.work(world.book.cancel(ME.name, batch.id), ask)
    assert ended.row.status == "cancelled"
    assert not ask.asked


@pytest.mark.parametrize("stop_after", [0, 1, 7, 29, 30])
async def test_work_that_broke_off_goes_on_where_it_was(world: World, stop_after: int) -> None:
    """As after `kill -9`: another process, with nothing but what is on the disk."""
    world.limit(concurrency=2)
    batch = world.begin(lines())
    first = ScriptedAsk()

    def script(name: str, times: int) -> LineAnswer:
        if sum(first.asked.values()) > stop_after:
            killed.cancel()
            raise asyncio.CancelledError
        return answer(name)

    first.script = script
    killed = asyncio.create_task(BatchJob(batch, world.means(first)).work())
    with suppress(asyncio.CancelledError):
        await killed
    kept = world.book.answered(batch)
    assert len(kept) <= stop_after
    with closing(World(world.home, world.clock)) as other:
        second = ScriptedAsk()
        ended = await other.work(other.now(batch), second)
        assert (ended.row.status, ended.row.completed) == ("completed", 30)
        assert [one["custom_id"] for one in other.read(ended.row.output)] == NAMES
        assert sum(second.asked.values()) == 30 - len(kept), "nothing that is on the disk"


async def test_what_cannot_be_written_is_no_answer(world: World) -> None:
    batch = world.begin(lines(["a", "b"]))
    kept, full = world.batch_store.answer, [True]

    def answered(id: str, piece: object, *, failed: bool) -> bool:
        if full[0]:
            raise StoreUnavailable("The disk is full.")
        return kept(id, piece, failed=failed)  # type: ignore[arg-type]

    world.batch_store.answer = answered  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await world.work(batch, ScriptedAsk())
    assert world.now(batch).row.status == "in_progress"
    full[0] = False
    assert (await world.work(world.now(batch), ScriptedAsk())).row.completed == 2


async def test_a_batch_that_is_erased_is_left_alone(world: World) -> None:
    batch = world.begin(lines())

    def script(name: str, times: int) -> LineAnswer:
        world.file_store.forget("acme", "")
        return answer(name)

    await BatchJob(batch, world.means(ScriptedAsk(script))).work()
    assert world.book.page(ME.name, None, 5) == []
    assert world.file_store.held(None) == 0


async def test_with_a_lost_key_it_fails(world: World) -> None:
    batch = world.begin(lines())
    with closing(World(world.home, world.clock, Seal("another secret"))) as other:
        ended = await other.work(other.now(batch), ScriptedAsk())
        assert ended.row.status == "failed"
        assert [fault.code for fault in ended.terms.faults] == ["content_key_lost"]


async def test_erased_lines_are_skipped(world: World) -> None:
    batch = world.begin(lines(["a", "b"]))
    world.book.keep(batch, 1, "a", answer("a", conversation="c1"))
    world.files.forget("acme", "c1")
    ask = ScriptedAsk()
    ended = await world.work(world.now(batch), ask)
    assert ask.asked == {"b": 1}
    assert ended.row.status == "completed"
    assert [one["custom_id"] for one in world.read(ended.row.output)] == ["b"]
