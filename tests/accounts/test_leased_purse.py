"""Budgets by leases as a gateway uses them: a thread renews, requests wait without holding up
others, and three real processes overrun nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from itertools import count
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from shortstop.accounts import Accounts, Grant, Key
from shortstop.accounts.budgets import Budgets
from shortstop.app.clock import CLOCK
from shortstop.errors import QuotaExceeded, StoreUnavailable
from shortstop.ports.stores import Stores
from tests.accounts.test_accounts import request, trace
from tests.postgres import running
from tests.stores.contract.world import SPAWN

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.stores import PostgresStores

PLAN = ("big",)


@pytest.fixture
def accounts(url: str) -> Iterator[Accounts]:
    with closing(Accounts(PostgresStores(url).accounts(), CLOCK)) as accounts:
        accounts.lease()
        yield accounts


def in_the_end(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_many_requests_at_once_are_served_up_to_the_budget(accounts: Accounts) -> None:
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    caller = accounts.identify(secret)
    purser = Budgets(accounts, lambda *_: Decimal("0.03"))

    async def ask(n: int) -> bool:
        try:
            await purser.reserve(request(f"r{n}"), PLAN, caller)
        except QuotaExceeded:
            return False
        await asyncio.sleep(0)
        return True

    assert sum(await asyncio.gather(*(ask(n) for n in range(60)))) == 33
    assert accounts.balance(key).held == Decimal("0.99")
    for n in range(60):
        accounts.settle(trace(f"r{n}", key.id, Decimal("0.01")))
    assert accounts.balance(key).spent == Decimal("0.33")
    await purser.require(request("again"), PLAN, caller)


async def test_whoever_leaves_while_waiting_leaves_nothing_set_aside(accounts: Accounts) -> None:
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    caller = accounts.identify(secret)
    purser = Budgets(accounts, lambda *_: Decimal("0.5"))
    for n in range(5):
        task = asyncio.create_task(purser.reserve(request(f"r{n}"), PLAN, caller))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        accounts.settle(trace(f"r{n}", key.id, Decimal(0)))
    await purser.reserve(request("last"), PLAN, caller)
    assert accounts.balance(key).held == Decimal("0.5")


def test_idle_slices_go_back_and_a_key_revoked_elsewhere_is_refused(
    accounts: Accounts, url: str
) -> None:
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    assert accounts.purse.hold("r1", key, Decimal("0.4"))
    accounts.purse.settle("r1", key, Decimal("0.1"))
    with closing(Accounts(PostgresStores(url).accounts(), CLOCK)) as other:
        in_the_end(lambda: other.balance(key).held == 0)
        assert other.balance(key).spent == Decimal("0.1")
        other.keys.revoke(key.id)
    in_the_end(lambda: accounts.keys.get(key.id).revoked is not None)  # type: ignore[union-attr]
    assert accounts.keys.find(secret).revoked is not None  # type: ignore[union-attr]


def test_at_its_end_a_process_gives_everything_back(url: str) -> None:
    with closing(Accounts(PostgresStores(url).accounts(), CLOCK)) as other:
        _, key = other.create(Grant(name="a", budget_usd=Decimal(1)))
        with closing(Accounts(PostgresStores(url).accounts(), CLOCK)) as accounts:
            accounts.lease()
            assert accounts.purse.hold("r1", key, Decimal("0.4"))
            accounts.purse.settle("r1", key, Decimal("0.1"))
            assert accounts.purse.hold("r2", key, Decimal("0.2"))
        assert other.balance(key).spent == Decimal("0.1")
        assert other.balance(key).held == Decimal("0.2"), "it was under way"
        assert other.purse.recover() == 1
        assert other.balance(key).spent == Decimal("0.3")


async def test_while_the_database_stands_still_a_known_key_goes_on(tmp_path: Path) -> None:
    """On its slice; the loop is not held up, neither are keys without one. Then it is refused."""
    with running() as server, server.database() as url:
        accounts = Accounts(PostgresStores(url).accounts(), CLOCK)
        with closing(accounts):
            secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(100), rpm=6000))
            accounts.lease()
            caller = accounts.identify(secret)
            purser = Budgets(accounts, lambda *_: Decimal("0.5"))
            await accounts.admitted(caller, 0)
            await purser.reserve(request("r0"), PLAN, caller)
            with server.silent():
                await accounts.admitted(caller, 0)
                await purser.reserve(request("r1"), PLAN, caller)
                turns = 0

                async def turn() -> None:
                    nonlocal turns
                    while True:
                        turns += 1
                        await asyncio.sleep(0.001)

                beside = asyncio.create_task(turn())

                async def use_up() -> None:
                    for n in count(2):
                        await purser.reserve(request(f"r{n}"), PLAN, caller)

                with pytest.raises(StoreUnavailable):
                    await use_up()
                beside.cancel()
                assert turns > 20, "others went on while it waited"
                assert accounts.identify(secret).key == key.id
            spent = 0
            deadline = time.monotonic() + 60
            while not spent:
                try:
                    await purser.reserve(request("back"), PLAN, caller)
                    spent = 1
                except StoreUnavailable:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.05)


# ---------------------------------------------------------------- real processes

BUDGET, PRICE = Decimal(3), Decimal("0.01")


def _spend_until_killed(stores: Stores, log: str, key: Key) -> None:
    """Spend for real between setting aside and settling, and write it down."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    accounts = Accounts(stores.accounts(), CLOCK)
    accounts.lease()
    for n in count():
        id = f"{os.getpid()}-{n}"
        try:
            full = accounts.purse.hold_or_name(id, key, PRICE)
        except StoreUnavailable:
            time.sleep(0.05)
            continue
        if full is None:
            os.write(file, b"1\n")
            accounts.purse.settle(id, key, PRICE)
        time.sleep(0.002)


def test_three_processes_overrun_nothing_whoever_is_killed_and_while_it_stands_still(
    tmp_path: Path,
) -> None:
    log = tmp_path / "spent"
    log.touch()

    def spent() -> Decimal:
        return PRICE * len(log.read_text().split())

    with running() as server, server.database() as url:
        stores = PostgresStores(url)
        with closing(Accounts(stores.accounts(), CLOCK)) as accounts:
            _, key = accounts.create(Grant(name="a", budget_usd=BUDGET, period="total"))

            def begun() -> SpawnProcess:
                process = SPAWN.Process(target=_spend_until_killed, args=(stores, str(log), key))
                process.start()
                return process

            processes = [begun() for _ in range(3)]
            try:
                in_the_end(lambda: spent() >= Decimal("0.5"))
                processes[0].kill()
                processes = [*processes[1:], begun()]
                in_the_end(lambda: spent() >= 1)
                with server.silent():
                    time.sleep(1)
                in_the_end(lambda: _left(accounts, key) < PRICE)
            finally:
                for process in processes:
                    process.kill()
                    process.join()
            booked = accounts.balance(key)
    assert booked.spent + booked.held <= BUDGET
    assert spent() <= BUDGET
    assert booked.spent <= spent() <= booked.spent + booked.held


def _left(accounts: Accounts, key: Key) -> Decimal:
    try:
        balance = accounts.balance(key)
    except StoreUnavailable:
        return BUDGET
    return BUDGET - balance.spent - balance.held
