"""A call that is made only to learn: set aside before, charged after, on the books alone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shortstop.errors import EngineBusy, QuotaExceeded
from shortstop.pipeline.learning_call import LearningCall
from shortstop.pipeline.record import Bookkeeping
from shortstop.types import Attempt, Usage
from tests.conftest import FakeClock
from tests.pipeline.test_chat import Shelf, TokenBooks
from tests.pipeline.test_record import Purse
from tests.pipeline.test_shadow import BIG, REQUEST, trace_of

ATTEMPT = Attempt("big", False, "ok", 0.5, usage=Usage(input=5, output=3))
TRACE = trace_of(("small", "big"), ("big",))


class Desk:
    def __init__(self, purse: Purse) -> None:
        self.purse, self.shelf = purse, Shelf()
        self.books = Bookkeeping(TokenBooks(), self.shelf, FakeClock(), purser=purse)

    def call(self) -> LearningCall:
        return LearningCall(self.books, TRACE, "shadow", BIG, REQUEST)


async def test_it_is_set_aside_booked_and_charged_with_what_it_cost() -> None:
    desk = Desk(Purse())
    async with desk.call() as call:
        assert desk.purse.reserved == ["r1-shadow"]
        call.keep(ATTEMPT)
    (row,) = desk.shelf.rows
    assert (row.id, row.outcome, row.tenant) == ("r1-shadow", "shadow", "acme")
    assert row.bill is not None
    assert row.bill.counterfactual == Decimal(0), "it saves nothing"
    ((charged, _),) = desk.purse.settled
    assert charged == row


async def test_one_that_failed_is_released_and_leaves_no_row() -> None:
    desk = Desk(Purse())
    with pytest.raises(EngineBusy):
        async with desk.call():
            raise EngineBusy("full")
    ((charged, _),) = desk.purse.settled
    assert (charged.id, charged.bill) == ("r1-shadow", None)
    assert desk.shelf.rows == []


async def test_where_nobody_pays_it_is_not_made() -> None:
    desk = Desk(Purse(QuotaExceeded("used up")))
    with pytest.raises(QuotaExceeded):
        async with desk.call():
            pytest.fail("it was asked")
    assert desk.purse.settled == []
