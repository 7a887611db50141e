"""Lines on their way through batches of vendors: gathered, sent once, and each told its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import pytest

from shortstop.batches import Batch, BatchJob, BatchLine, LineAnswer, Means
from shortstop.batches.vendor_batch import VendorBatch, VendorLog
from shortstop.errors import UpstreamFailed, UpstreamRejected
from shortstop.types import Clearance, Cleared, Reach, Request, Tier
from shortstop.types.batches import LinePlace, VendorResult
from tests.batches.world import ScriptedAsk, World, answer, line

pytestmark = pytest.mark.asyncio
GATHER = 61.5
NAMES = [f"r{i}" for i in range(12)]


class Vendor:
    """Implements VendorBatches in memory. `sizes` are those of the batches that it was sent."""

    most_lines, most_bytes = 5, 1_000_000

    def __init__(self) -> None:
        self.sent: dict[str, tuple[str, dict[int, Cleared]]] = {}
        self.troubles: list[Exception] = []
        self.swallows = False
        self.ended = True
        self.cancelled: list[str] = []
        self.deleted: list[str] = []

    def size(self, cleared: Cleared) -> int:
        return 0 if cleared.request.id == "alone" else 10

    async def submit(self, name: str, lines: Mapping[int, Cleared]) -> str:
        if self.troubles:
            raise self.troubles.pop()
        assert name not in [one for one, _ in self.sent.values()], "submitted twice"
        id = f"b{len(self.sent)}"
        self.sent[id] = name, dict(lines)
        if self.swallows:
            self.swallows = False
            raise UpstreamFailed("The connection broke.")
        return id

    async def find(self, name: str, lines: int, since: float) -> str | None:
        return next((id for id, (one, _) in self.sent.items() if one == name), None)

    async def over(self, id: str) -> bool:
        return self.ended

    async def results(self, name: str, id: str) -> AsyncIterator[tuple[int, VendorResult]]:
        for number in reversed(self.sent[id][1]):
            yield number, VendorResult(200, f"from {id}".encode())
            yield number, VendorResult(500)
        yield 999, VendorResult(200, b"a stranger's")

    async def cancel(self, id: str) -> None:
        self.cancelled.append(id)
        self.ended = True

    async def delete(self, id: str) -> None:
        self.deleted.append(id)


class ForwardingAsk(ScriptedAsk):
    """A gateway that asks the vendor for every line, and answers with what that says."""

    def __init__(self, world: World, vendor: Vendor) -> None:
        super().__init__()
        self.vendors = {"far": vendor}
        self.world = world
        world.limit(gather_seconds=GATHER, poll_seconds=7)
        self.means: Means = world.means(self, self.pause)
        self.targets: dict[str, str | None] = {}

    async def __call__(self, batch: Batch, line: BatchLine, place: LinePlace) -> LineAnswer:
        self.targets[line.custom_id] = place.target
        request = Request(line.custom_id, "openai.chat", {}, "far", ())
        cleared = Cleared(request, Clearance(Tier.S0, Reach.ANYWHERE), "far")
        result = await self.means.forwarders.answered(place, cleared)
        return answer("alone" if result is None else result.body.decode() or "nothing")

    async def pause(self, seconds: float) -> None:
        """Nobody waits until it is time to send: what is gathered goes as it should before."""
        if seconds == GATHER:
            await asyncio.Event().wait()
        await self.world.pause(seconds)

    async def work(self, batch: Batch) -> None:
        await BatchJob(batch, self.means).work()


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def said(world: World, batch: Batch) -> dict[str, str]:
    output = world.read(world.now(batch).row.output)
    return {one["custom_id"]: one["response"]["body"]["said"] for one in output}


async def test_lines_go_together_as_many_as_the_vendor_takes(world: World, vendor: Vendor) -> None:
    batch = world.begin([line(name) for name in NAMES])
    await ForwardingAsk(world, vendor).work(batch)
    assert [len(lines) for _, lines in vendor.sent.values()] == [5, 5, 2]
    assert sorted(number for _, lines in vendor.sent.values() for number in lines) == [
        *range(1, 13)
    ]
    assert set(said(world, batch)) == set(NAMES)
    assert "alone" not in said(world, batch).values()
    assert sorted(vendor.deleted) == ["b0", "b1", "b2"]
    assert VendorLog(world.files, batch).load() == []


async def test_who_waits_for_a_vendor_takes_no_place(world: World, vendor: Vendor) -> None:
    world.limit(concurrency=1)
    batch = world.begin([line(name) for name in NAMES[:5]])
    await ForwardingAsk(world, vendor).work(batch)
    assert len(vendor.sent) == 1


async def test_not_more_wait_than_may(world: World, vendor: Vendor) -> None:
    world.limit(forwarded_lines=2)
    batch = world.begin([line(name) for name in NAMES[:6]])
    await ForwardingAsk(world, vendor).work(batch)
    assert all(len(lines) <= 2 for _, lines in vendor.sent.values())
    assert "alone" not in said(world, batch).values()


async def test_a_line_that_cannot_go_in_a_batch_goes_alone(world: World, vendor: Vendor) -> None:
    batch = world.begin([line("alone"), line("r")])
    await ForwardingAsk(world, vendor).work(batch)
    assert said(world, batch) == {"alone": "alone", "r": "from b0"}


@pytest.mark.parametrize("trouble", [UpstreamFailed("500"), UpstreamRejected("429", status=429)])
async def test_a_batch_that_does_not_begin_is_tried_again(
    world: World, vendor: Vendor, trouble: Exception
) -> None:
    vendor.troubles = [trouble, trouble]
    batch = world.begin([line("r")])
    await ForwardingAsk(world, vendor).work(batch)
    assert said(world, batch) == {"r": "from b0"}
    assert [seconds for seconds in world.pauses if seconds >= 7][:2] == [7, 14]


async def test_one_that_is_refused_goes_line_by_line(world: World, vendor: Vendor) -> None:
    vendor.troubles = [UpstreamRejected("400")]
    batch = world.begin([line("r"), line("s")])
    await ForwardingAsk(world, vendor).work(batch)
    assert said(world, batch) == {"r": "alone", "s": "alone"}
    assert not vendor.sent


async def test_one_that_was_begun_unheard_is_found(world: World, vendor: Vendor) -> None:
    vendor.swallows = True
    batch = world.begin([line("r"), line("s")])
    await ForwardingAsk(world, vendor).work(batch)
    assert said(world, batch) == {"r": "from b0", "s": "from b0"}


async def broken_off(world: World, vendor: Vendor, batch: Batch, *, known: bool = False) -> None:
    """Work until lines are at the vendor, or until that is `known`, and die."""
    log = VendorLog(world.files, batch)
    vendor.ended = False
    job = asyncio.create_task(ForwardingAsk(world, vendor).work(batch))
    while not vendor.sent or (known and not any(one.id for one in log.load())):
        await asyncio.sleep(0.001)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    vendor.ended = True


@pytest.mark.parametrize("swallows", [False, True])
async def test_work_that_broke_off_waits_for_what_was_sent(
    world: World, vendor: Vendor, swallows: bool
) -> None:
    batch = world.begin([line("r"), line("s")])
    vendor.swallows = swallows
    await broken_off(world, vendor, batch)
    ask = ForwardingAsk(world, vendor)
    await ask.work(batch)
    assert ask.targets == {"r": "far", "s": "far"}, "they are asked where they were sent"
    assert said(world, batch) == {"r": "from b0", "s": "from b0"}
    assert len(vendor.sent) == 1


async def test_what_was_never_sent_is_sent_after_that(world: World, vendor: Vendor) -> None:
    batch = world.begin([line("r"), line("s")])
    VendorLog(world.files, batch).write(VendorBatch.new("far", (1, 2), world.clock.now))
    await ForwardingAsk(world, vendor).work(batch)
    assert said(world, batch) == {"r": "from b0", "s": "from b0"}


async def test_a_model_that_takes_no_batches_any_more_is_asked_line_by_line(
    world: World, vendor: Vendor
) -> None:
    batch = world.begin([line("r")])
    await broken_off(world, vendor, batch)
    ask = ForwardingAsk(world, vendor)
    ask.vendors = {}
    await ask.work(batch)
    assert said(world, batch) == {"r": "alone"}


async def test_one_that_was_cancelled_meanwhile_is_called_off(world: World, vendor: Vendor) -> None:
    batch = world.begin([line("r")])
    await broken_off(world, vendor, batch)
    vendor.ended = False
    cancelled = world.book.cancel(batch.row.holder, batch.id)
    await ForwardingAsk(world, vendor).work(cancelled)
    assert world.now(batch).row.status == "cancelled"
    assert vendor.cancelled == ["b0"]


async def test_what_is_kept_of_it_is_sealed_and_no_file_of_the_clients(
    world: World, vendor: Vendor
) -> None:
    batch = world.begin([line("r")])
    await broken_off(world, vendor, batch, known=True)
    [one] = VendorLog(world.files, batch).load()
    assert (one.id, one.lines, one.target) == ("b0", (1,), "far")
    holder = batch.row.holder
    assert len(world.files.page(holder, None, None, 10, up=True)) == 1, "the input alone"
    lying = b"".join(path.read_bytes() for path in world.home.rglob("batches.db*"))
    assert json.dumps(one.name).encode() not in lying
