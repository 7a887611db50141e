"""What a conversation held is asked beside the loop; what nobody can say is never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from msgspec.structs import replace

from shortstop.beside import JointCall, OnTheLoop
from shortstop.config import PrivacyConfig
from shortstop.errors import StoreUnavailable
from shortstop.pipeline.clearing import Clearing
from shortstop.privacy.recall import Recall
from shortstop.privacy.shared_taint import FRESH_SECONDS, SharedTaint
from shortstop.types import Caller, Clearance, Reach, Request, Tier
from tests import virtual
from tests.privacy.conftest import guard, make, stores
from tests.privacy.taint_database import Database, Time

T = TypeVar("T")
PATIENT = PrivacyConfig(timeout=60.0)
KEY = "AKIAQ3EGRXQPZ7WJ2YHT"
NAMED, UNNAMED = Caller(conversation="c-1"), Caller(conversation="~first words")


class Calls(OnTheLoop):
    beside = True


class Process:
    """One gateway, whose memory is up to date when it begins."""

    def __init__(self, database: Database, time: Time | None = None) -> None:
        self.time = time or Time()
        self.taint = SharedTaint(database, database, monotonic=self.time)
        judge = guard(PATIENT, kept=stores(taint=self.taint.memory))
        self.recall = Recall(judge, self.taint, Calls())
        self._clearing = Clearing(judge, 30.0, self.recall)

    def rest(self) -> None:
        """Until its memory may be behind."""
        self.time.now += FRESH_SECONDS + 0.01

    async def clear(self, *said: str, caller: Caller = NAMED, stored: bool = False) -> Clearance:
        return await self._clearing.clear(replace(_asked(*said), stored=stored), caller)

    async def look(self, *said: str, caller: Caller = NAMED) -> Clearance:
        return await self._clearing.look(_asked(*said), caller)


def _asked(*said: str) -> Request:
    roles = ("user", "assistant") * len(said)
    turns = [{"role": r, "content": t} for r, t in zip(roles, said, strict=False)]
    return make({"model": "auto", "messages": turns})


@pytest.fixture
def database() -> Database:
    return Database()


async def test_another_process_knows_when_the_client_may_go_on(database: Database) -> None:
    one, other = Process(database), Process(database)
    assert (await one.clear(f"my key is {KEY}")).tier == Tier.S3
    left = one.taint.settles_in(NAMED.tenant, "c-1")
    assert left == pytest.approx(FRESH_SECONDS)
    other.time.now += left + 0.001
    later = await other.clear("and now?")
    assert (later.tier, later.reach) == (Tier.S3, Reach.LOCAL_ONLY)
    assert (await other.clear("and now?", caller=Caller(conversation="c-2"))).tier == Tier.S0


async def test_the_answer_to_a_first_secret_waits_until_all_know_and_no_other_does(
    database: Database,
) -> None:
    process = Process(database)
    await process.clear("What is a lighthouse for?")
    assert process.taint.settles_in(NAMED.tenant, "c-1") == 0
    await process.clear(f"my key is {KEY}")
    process.time.now += FRESH_SECONDS - 0.01
    assert process.taint.settles_in(NAMED.tenant, "c-1") == pytest.approx(0.01)
    await process.clear("and now?")
    assert process.taint.settles_in(NAMED.tenant, "c-1") == pytest.approx(0.01)
    began = asyncio.get_running_loop().time()
    await process.recall.settled(NAMED)
    assert asyncio.get_running_loop().time() - began >= 0.009


async def test_a_look_keeps_nothing(database: Database) -> None:
    process = Process(database)
    assert (await process.look(f"my key is {KEY}")).tier == Tier.S3
    assert not database.rows
    assert (await process.look("and now?")).tier == Tier.S0


async def test_requests_take_memorys_word_while_it_is_new(database: Database) -> None:
    process = Process(database)
    for _ in range(3):
        await process.clear("Hi.", "Yes?", "And now?")
    assert not database.asked
    process.rest()
    await asyncio.gather(*(process.clear("Hi.", "Yes?", f"And {i}?") for i in range(5)))
    assert database.asked == 1, "once for all who wait"


async def test_memory_is_renewed_ahead_of_need(database: Database) -> None:
    process = Process(database)
    process.time.now += 0.6 * FRESH_SECONDS
    await process.clear("Hi.", "Yes?", "And now?")
    await asyncio.sleep(0)
    assert (database.asked, process.taint.asked_at) == (1, process.time.now)


async def test_a_secret_conversation_and_a_beginning_ask_nothing(database: Database) -> None:
    process = Process(database)
    await process.clear(f"my key is {KEY}")
    asked = database.asked
    process.rest()
    assert (await process.clear("and now?")).tier == Tier.S3
    await process.clear("What is a lighthouse for?", caller=UNNAMED)
    assert database.asked == asked


async def test_what_memory_forgot_is_asked_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        database.keep(NAMED.tenant, f"c-{number}", Tier.S3)
    monkeypatch.setattr("shortstop.privacy.shared_taint.MOST", 2)
    process = Process(database)
    tiers = [(await process.clear("?", caller=Caller(conversation=f"c-{i}"))).tier for i in "0120"]
    assert tiers == [Tier.S3] * 4
    asked = database.asked
    for _ in range(2):
        assert (await process.clear("?", caller=Caller(conversation="new"))).tier == Tier.S0
    assert database.asked == asked + 1


async def test_an_answer_that_is_to_be_stored_waits_for_the_store(database: Database) -> None:
    """A pinned one is not kept, and its client could not go on from it."""

    class Slow(Calls):
        async def run(self, work: Callable[[], T]) -> T:
            raise StoreUnavailable("Not at once.")

    process = Process(database)
    process.recall._calls = Slow()
    process.recall._news = JointCall(OnTheLoop(), lambda: None)
    process.rest()
    assert (await process.clear("Hi.", "Yes?", "Now?")).reasons == ("conversation-not-read",)
    said = ("Hi.", "Yes?", "write to anna.berg@example.org")
    assert (await process.clear(*said, stored=True)).tier == Tier.S2
    assert database.rows


@pytest.mark.parametrize("caller", [NAMED, UNNAMED])
async def test_what_nobody_can_say_keeps_a_turn_here(database: Database, caller: Caller) -> None:
    process = Process(database)
    process.rest()
    database.away = True
    verdict = await process.clear("Hi.", "Yes?", "And now?", caller=caller)
    assert (verdict.reach, verdict.reasons) == (Reach.LOCAL_ONLY, ("conversation-not-read",))
    database.away = False
    assert (await process.clear("Hi.", "Yes?", "And now?", caller=caller)).tier == Tier.S0


async def test_a_name_may_stand_for_earlier_turns_that_are_not_sent(database: Database) -> None:
    process = Process(database)
    process.rest()
    database.away = True
    verdict = await process.clear("What is a lighthouse for?", caller=NAMED)
    assert verdict.reach == Reach.LOCAL_ONLY


async def test_the_beginning_of_a_conversation_has_nothing_before_it(database: Database) -> None:
    process = Process(database)
    database.away = True
    verdict = await process.clear("What is a lighthouse for?", caller=UNNAMED)
    assert (verdict.tier, verdict.reach) == (Tier.S0, Reach.ANYWHERE)


async def test_what_cannot_be_kept_stays_here_and_is_kept_when_the_database_is_back(
    database: Database,
) -> None:
    one, other = Process(database), Process(database)
    database.away = True
    verdict = await one.clear(f"my key is {KEY}", caller=UNNAMED)
    assert (verdict.reach, verdict.reasons) == (Reach.LOCAL_ONLY, ("verdict-not-kept",))
    database.away = False
    one.taint.catch_up()
    other.rest()
    assert (await other.clear("Hi.", "Yes?", "and now?", caller=UNNAMED)).tier == Tier.S3


async def test_the_next_turn_keeps_what_the_last_one_could_not(database: Database) -> None:
    one, other = Process(database), Process(database)
    database.away = True
    await one.clear(f"my key is {KEY}", caller=UNNAMED)
    database.away = False
    await one.clear("and now?", caller=UNNAMED)
    other.rest()
    assert (await other.clear("Hi.", "Yes?", "and now?", caller=UNNAMED)).tier == Tier.S3


class Distant(Calls):
    """A database at some distance."""

    delay = 0.002

    async def need(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(self.delay)
        return work()


async def _waited(recall: Recall, seconds: float) -> list[float]:
    """What requests wait for what their conversations held, in order of size: one each 10 ms."""
    loop, asked = asyncio.get_running_loop(), _asked("Hi.", "Yes?", "And now?")

    async def wait() -> float:
        began = loop.time()
        await recall.held(asked, NAMED)
        return loop.time() - began

    waiting = []
    for _ in range(round(100 * seconds)):
        waiting.append(asyncio.create_task(wait()))
        await asyncio.sleep(0.01)
    return sorted(await asyncio.gather(*waiting))


@pytest.mark.parametrize("trouble", ["slow", "away"])
def test_a_busy_gateway_hardly_waits_for_a_database_in_trouble(trouble: str) -> None:
    async def waits() -> tuple[list[float], list[float]]:
        database, calls = Database(), Distant()
        taint = SharedTaint(database, database, monotonic=asyncio.get_running_loop().time)
        recall = Recall(guard(PATIENT, kept=stores(taint=taint.memory)), taint, calls)
        well = await _waited(recall, 10)
        calls.delay, database.away = (0.5, False) if trouble == "slow" else (0.002, True)
        return well, await _waited(recall, 10)

    well, ill = virtual.run(waits())
    assert well[-2] == 0, "but for the first one"
    assert ill[-10] - well[-10] <= 0.005, "99 of 100"
