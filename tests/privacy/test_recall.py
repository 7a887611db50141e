"""What a conversation held is asked beside the loop; what nobody can say is never guessed."""

from __future__ import annotations

import pytest

from shortstop.beside import OnTheLoop
from shortstop.config import PrivacyConfig
from shortstop.errors import StoreUnavailable
from shortstop.pipeline.clearing import Clearing
from shortstop.privacy.recall import Recall
from shortstop.privacy.taint import Taint
from shortstop.types import Caller, Clearance, Reach, Request, Tier
from shortstop.types.rows import TaintRow
from tests.privacy.conftest import guard, make, stores

PATIENT = PrivacyConfig(timeout=60.0)
KEY = "AKIAQ3EGRXQPZ7WJ2YHT"
NAMED, UNNAMED = Caller(conversation="c-1"), Caller(conversation="~first words")


class Database:
    """A TaintStore of several processes; it can be away."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Tier] = {}
        self.away = False
        self.asked = 0

    def keep(self, tenant: str, conversation: str, tier: Tier) -> None:
        self._there()
        self.rows[tenant, conversation] = max(tier, self.find(tenant, conversation))

    def find(self, tenant: str, conversation: str) -> Tier:
        self._there()
        self.asked += 1
        return self.rows.get((tenant, conversation), Tier.S0)

    def newest(self, most: int) -> list[TaintRow]:
        return []

    def close(self) -> None: ...

    def _there(self) -> None:
        if self.away:
            raise StoreUnavailable("The database cannot be reached.")


class Calls(OnTheLoop):
    beside = True


class Process:
    def __init__(self, database: Database) -> None:
        self.taint = Taint(store=database, shared=True)
        judge = guard(PATIENT, kept=stores(taint=self.taint))
        self._clearing = Clearing(judge, 30.0, Recall(judge, self.taint, Calls()))

    async def clear(self, *said: str, caller: Caller = NAMED) -> Clearance:
        return await self._clearing.clear(_asked(*said), caller)

    async def look(self, *said: str, caller: Caller = NAMED) -> Clearance:
        return await self._clearing.look(_asked(*said), caller)


def _asked(*said: str) -> Request:
    roles = ("user", "assistant") * len(said)
    turns = [{"role": r, "content": t} for r, t in zip(roles, said, strict=False)]
    return make({"model": "auto", "messages": turns})


@pytest.fixture
def database() -> Database:
    return Database()


async def test_another_process_knows_at_once(database: Database) -> None:
    one, other = Process(database), Process(database)
    assert (await one.clear(f"my key is {KEY}")).tier == Tier.S3
    later = await other.clear("and now?")
    assert (later.tier, later.reach) == (Tier.S3, Reach.LOCAL_ONLY)
    assert (await other.clear("and now?", caller=Caller(conversation="c-2"))).tier == Tier.S0


async def test_a_look_keeps_nothing(database: Database) -> None:
    process = Process(database)
    assert (await process.look(f"my key is {KEY}")).tier == Tier.S3
    assert not database.rows
    assert (await process.look("and now?")).tier == Tier.S0


async def test_one_request_asks_once_and_a_secret_conversation_never_again(
    database: Database,
) -> None:
    process = Process(database)
    await process.clear("What is a lighthouse for?")
    assert database.asked == 1
    await process.clear(f"my key is {KEY}")
    asked = database.asked
    assert (await process.clear("and now?")).tier == Tier.S3
    assert database.asked == asked


@pytest.mark.parametrize("caller", [NAMED, UNNAMED])
async def test_what_nobody_can_say_keeps_a_turn_here(database: Database, caller: Caller) -> None:
    process = Process(database)
    database.away = True
    verdict = await process.clear("Hi.", "Yes?", "And now?", caller=caller)
    assert (verdict.reach, verdict.reasons) == (Reach.LOCAL_ONLY, ("conversation-not-read",))
    database.away = False
    assert (await process.clear("Hi.", "Yes?", "And now?", caller=caller)).tier == Tier.S0


async def test_a_name_may_stand_for_earlier_turns_that_are_not_sent(database: Database) -> None:
    database.away = True
    verdict = await Process(database).clear("What is a lighthouse for?", caller=NAMED)
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
    assert (await other.clear("and now?", caller=UNNAMED)).tier == Tier.S3


async def test_the_next_turn_keeps_what_the_last_one_could_not(database: Database) -> None:
    one, other = Process(database), Process(database)
    database.away = True
    await one.clear(f"my key is {KEY}", caller=UNNAMED)
    database.away = False
    await one.clear("and now?", caller=UNNAMED)
    assert (await other.clear("and now?", caller=UNNAMED)).tier == Tier.S3


def test_a_tier_waits_for_the_store_once(database: Database) -> None:
    taint = Taint(store=database, shared=True)
    taint.note("t", "c", Tier.S2)
    taint.note("t", "c", Tier.S1)
    assert taint.known("t", "c") == Tier.S2
    assert taint.unkept("t", "c")
    taint.keep("t", "c", Tier.S1)
    assert taint.unkept("t", "c"), "a lower one is not what waits"
    taint.catch_up()
    assert not taint.unkept("t", "c")
    assert database.rows == {("t", "c"): Tier.S2}
