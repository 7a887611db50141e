"""Who stands in for a model that cannot answer is paid for like any other, or does not."""

from __future__ import annotations

import pytest

from shortstop.config import FallbackConfig
from shortstop.errors import EngineBusy, QuotaExceeded, UpstreamFailed
from shortstop.pipeline.record import RequestRecord
from shortstop.pipeline.shadow import Side
from shortstop.ports import Instead
from shortstop.routing import Fallbacks
from shortstop.types import Caller, Clearance, Decision, Reply, Request, Tier, Trace
from tests.pipeline.test_chat import (
    ADMITTED,
    KEYED,
    REQUEST,
    WAYS,
    FixedRouter,
    House,
    Till,
    told,
)
from tests.serving.test_cascade import TARGETS, Script, plan


class Poor(Till):
    """Has money for the plan, and for nobody in its place."""

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        if len(plan) > 1:
            raise QuotaExceeded("too dear")
        await super().reserve(request, plan, caller)


def with_fallbacks(house: House, **table: FallbackConfig) -> House:
    house.pipeline.fallbacks = Fallbacks(table, TARGETS)
    return house


class NamedRouter(FixedRouter):
    """The client has named one model."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        return plan(self.name, verify=False)


BY_BIG = FallbackConfig(outage=("big",))


@WAYS
async def test_money_is_set_aside_for_who_may_stand_in(request_: Request) -> None:
    till, down = Till(), Script(error=EngineBusy("full"))
    house = House(down, Script("by big"), NamedRouter("small"), purser=till)
    with_fallbacks(house, small=BY_BIG)
    answer = await house.pipeline.answer(request_, KEYED, ADMITTED)
    if answer.chunks is not None:
        assert "by" in [chunk.text.strip() async for chunk in answer.chunks]
    assert answer.target == "big"
    assert till.reserved == [("small", "big")]
    assert till.settled == [("ok", ADMITTED)]
    assert house.row.target == "big"
    assert [a.fallback for a in house.row.attempts] == [None, "outage"]


async def test_without_money_for_it_nobody_stands_in() -> None:
    till, big = Poor(), Script("by big")
    house = House(Script(error=EngineBusy("full")), big, NamedRouter("small"), purser=till)
    with pytest.raises(EngineBusy):
        await with_fallbacks(house, small=BY_BIG).pipeline.answer(REQUEST, KEYED, ADMITTED)
    assert big.asked == 0
    assert till.reserved == [("small",)]
    assert till.settled == [("error", ADMITTED)]


async def test_what_costs_nothing_stands_in_without_money() -> None:
    till = Poor()
    house = House(
        Script("by small"), Script(error=UpstreamFailed("down")),
        NamedRouter("big"), purser=till,
    )  # fmt: skip
    with_fallbacks(house, big=FallbackConfig(outage=("small",)))
    answer = await house.pipeline.answer(REQUEST, KEYED, ADMITTED)
    assert answer.target == "small"


async def test_where_nobody_can_be_found_the_request_goes_its_way() -> None:
    class Broken(Fallbacks):
        def of(self, *_: object) -> Instead:
            raise RuntimeError("boom")

    house = House(Script("by small"), Script(), purser=(till := Till()))
    house.pipeline.fallbacks = Broken({}, TARGETS)
    assert (await house.pipeline.answer(REQUEST, KEYED)).target == "small"
    assert till.reserved == [("small", "big")]


class Keeping:
    """An empty cache that remembers what it was given."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def key(self, record: RequestRecord) -> bytes:
        return b"k"

    def again(self, key: bytes, record: RequestRecord) -> None:
        return None

    def keep(self, key: bytes, record: RequestRecord, reply: Reply, tier: Tier) -> None:
        self.kept.append(reply.text.strip())


class Offered:
    """Shadow runs that were offered, by who had answered."""

    def __init__(self) -> None:
        self.sides: list[str] = []

    def offer(self, request: Request, clearance: Clearance, trace: Trace, answered: Side) -> None:
        self.sides.append(answered.target.name)


@WAYS
async def test_who_stood_in_is_neither_kept_for_others_nor_learned_from(request_: Request) -> None:
    for small, name, seen in (
        (Script(error=EngineBusy("full")), "by big", []),
        (Script("by small"), "by small", ["small"]),
    ):
        house = House(small, Script("by big"), NamedRouter("small"))
        cache, shadows = Keeping(), Offered()
        house.pipeline.cache, house.pipeline._shadows = cache, shadows  # type: ignore[assignment]
        with_fallbacks(house, small=BY_BIG)
        assert (await told(house, request_))[1] == name
        assert cache.kept == [f"by {one}" for one in seen]
        assert shadows.sides == seen


async def test_a_fallback_that_is_not_called_for_changes_nothing() -> None:
    till = Till()
    house = with_fallbacks(House(Script("x"), Script(), purser=till), unheard=BY_BIG)
    assert (await house.pipeline.answer(REQUEST, KEYED)).target == "small"
    assert till.reserved == [("small", "big")]
