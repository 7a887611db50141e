"""Keys, limits and budgets: who gets in, and that no money is spent twice or beyond the budget."""

from __future__ import annotations

import multiprocessing
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.accounts import Accounts, Grant, Key
from shortstop.errors import (
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    RateLimited,
    StoreError,
    Unauthenticated,
)
from shortstop.ports.stores import AccountStore
from shortstop.types import (
    UNMETERED,
    Attempt,
    Bill,
    Caller,
    Clearance,
    Reach,
    Request,
    Tier,
    Trace,
    Usage,
)
from tests.accounts.conftest import opened
from tests.conftest import FakeClock
from tests.coroutines import at_once

PLAN = ("small", "big")


@pytest.fixture
def accounts(store: AccountStore, clock: FakeClock) -> Accounts:
    return Accounts(store, clock)


def request(id: str = "r1") -> Request:
    return Request(id=id, dialect="openai.chat", body={}, model="big", messages=())


def trace(id: str, key: str, cost: Decimal | None, tokens: int = 0) -> Trace:
    used = Usage(input=tokens)
    return Trace(
        id=id,
        at=0,
        tenant="default",
        dialect="openai.chat",
        model="big",
        outcome="ok",
        status=200,
        stream=False,
        seconds=0,
        clearance=Clearance(tier=Tier.S0, reach=Reach.ANYWHERE),
        key=key,
        attempts=(Attempt(target="big", local=False, outcome="ok", seconds=0, usage=used),),
        bill=Bill(
            cost=cost,
            cost_local=Decimal(0),
            cost_remote=cost,
            counterfactual=None,
            baseline=None,
        ),
    )


def key_and_caller(accounts: Accounts, **said: Any) -> tuple[Key, Caller]:
    secret, key = accounts.create(Grant(name="test", **said))
    return key, accounts.identify(secret)


# ---------------------------------------------------------------- keys


def test_a_key_is_known_by_its_secret_and_kept_only_as_a_hash(
    accounts: Accounts, file: Path
) -> None:
    secret, key = accounts.create(Grant(name="mail", tenant="acme", targets=("small",)))
    assert accounts.identify(secret) == Caller(
        tenant="acme", key=key.id, targets=frozenset({"small"})
    )
    kept = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert secret.encode() not in kept
    assert secret[len("sk-ss-") : -4].encode() not in kept
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("secret", [None, "", "sk-ss-nonsense", "sk-proj-another-vendors"])
def test_strangers_are_told_what_is_wrong_without_the_key(
    accounts: Accounts, secret: str | None
) -> None:
    with pytest.raises(Unauthenticated) as raised:
        accounts.identify(secret)
    if secret:
        assert secret not in str(raised.value)


def test_revoked_and_expired_keys_are_refused(accounts: Accounts, clock: FakeClock) -> None:
    secret, key = accounts.create(Grant(name="a"))
    brief, _ = accounts.create(Grant(name="b", expires=clock.time() + 10))
    accounts.keys.revoke(key.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        accounts.identify(secret)
    accounts.identify(brief)
    clock.advance(10)
    with pytest.raises(Unauthenticated, match="expired"):
        accounts.identify(brief)
    with pytest.raises(NotFound):
        accounts.keys.revoke("key_none")


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e12, 1e300, float("nan")])
def test_a_key_expires_at_a_time_to_come_that_has_a_date(
    accounts: Accounts, clock: FakeClock, seconds: float
) -> None:
    with pytest.raises(InvalidRequest, match="expires at a time"):
        accounts.create(Grant(name="a", expires=clock.time() + seconds))
    assert accounts.keys.all() == []


def test_another_process_sees_new_and_revoked_keys_within_a_second(
    accounts: Accounts, file: Path, clock: FakeClock
) -> None:
    other = Accounts(opened(file), clock)
    secret, key = other.create(Grant(name="a"))
    clock.advance(1.1)
    assert accounts.identify(secret).key == key.id
    other.keys.revoke(key.id)
    clock.advance(1.1)
    with pytest.raises(Unauthenticated):
        accounts.identify(secret)
    other.close()


def test_a_file_that_cannot_be_read_does_not_lock_out_known_keys(
    accounts: Accounts, file: Path, clock: FakeClock
) -> None:
    secret, key = accounts.create(Grant(name="a"))
    accounts.close()
    clock.advance(5)
    assert accounts.identify(secret).key == key.id


def test_a_damaged_file_is_told_in_words(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "bad.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        Accounts(opened(tmp_path / "bad.db"), clock)


@pytest.mark.parametrize("budget", ["0", "-1", "1000000000", "NaN"])
def test_a_budget_is_an_amount(accounts: Accounts, budget: str) -> None:
    with pytest.raises(InvalidRequest):
        accounts.create(Grant(name="a", budget_usd=Decimal(budget)))


# ---------------------------------------------------------------- limits


def test_requests_a_minute(accounts: Accounts, clock: FakeClock) -> None:
    _, caller = key_and_caller(accounts, rpm=3)
    admitted = [at_once(accounts.admitted(caller, 1)) for _ in range(3)]
    left = [one.headers["x-ratelimit-remaining-requests"] for one in admitted]
    assert left == ["2", "1", "0"]
    with pytest.raises(RateLimited) as raised:
        at_once(accounts.admitted(caller, 1))
    assert raised.value.retry_after == pytest.approx(20)
    assert raised.value.headers["x-ratelimit-limit-requests"] == "3"
    clock.advance(20)
    at_once(accounts.admitted(caller, 1))


def test_work_in_the_background_leaves_half_to_clients(accounts: Accounts) -> None:
    _, key = accounts.create(Grant(name="a", rpm=4))
    caller = accounts.caller_with(key.id)
    for _ in range(2):
        at_once(accounts.admitted(caller, 0, background=True))
    with pytest.raises(RateLimited) as refused:
        at_once(accounts.admitted(caller, 0, background=True))
    assert refused.value.retry_after == pytest.approx(15)
    for _ in range(2):
        at_once(accounts.admitted(caller, 0))
    with pytest.raises(RateLimited):
        at_once(accounts.admitted(caller, 0))


def test_who_has_a_key_is_known_by_its_id_while_it_is_good(accounts: Accounts) -> None:
    secret, key = accounts.create(Grant(name="a", tenant="acme"))
    assert accounts.caller_with(key.id) == accounts.identify(secret)
    accounts.keys.revoke(key.id)
    for id in (key.id, "key_unheard_of"):
        with pytest.raises(Unauthenticated):
            accounts.caller_with(id)


def test_tokens_a_minute_are_corrected_by_what_was_used(
    accounts: Accounts, clock: FakeClock
) -> None:
    key, caller = key_and_caller(accounts, tpm=1000)
    admission = at_once(accounts.admitted(caller, 900))
    with pytest.raises(RateLimited):
        at_once(accounts.admitted(caller, 200))
    accounts.settle(trace("r1", key.id, Decimal(0), tokens=100), admission)
    at_once(accounts.admitted(caller, 900))
    with pytest.raises(RateLimited, match="larger than"):
        at_once(accounts.admitted(caller, 1001))


def test_what_was_counted_travels_with_the_request(
    accounts: Accounts, file: Path, clock: FakeClock
) -> None:
    """A request that is refused after its admission, or cancelled, leaves nothing behind here;
    and any worker may settle what another admitted."""
    key, caller = key_and_caller(accounts, tpm=100_000)
    before = remembered(accounts)
    admissions = [at_once(accounts.admitted(caller, 100)) for _ in range(500)]
    assert remembered(accounts) == before
    other = Accounts(opened(file), clock)
    for i, admission in enumerate(admissions):
        other.settle(trace(f"r{i}", key.id, Decimal(0), tokens=0), admission)
    other.close()
    left = at_once(accounts.admitted(caller, 0)).headers["x-ratelimit-remaining-tokens"]
    assert left == "100000"


def remembered(accounts: Accounts) -> int:
    """How many things the accounts hold in tables of their own."""
    return sum(len(table) for table in vars(accounts).values() if isinstance(table, dict | list))


def test_a_refused_request_uses_up_nothing(accounts: Accounts) -> None:
    _, caller = key_and_caller(accounts, rpm=2, tpm=100)
    for _ in range(5):
        with pytest.raises(RateLimited):
            at_once(accounts.admitted(caller, 101))
    assert at_once(accounts.admitted(caller, 10)).headers["x-ratelimit-remaining-requests"] == "1"


def test_a_key_without_limits_needs_no_file(accounts: Accounts) -> None:
    _, caller = key_and_caller(accounts)
    accounts.close()
    assert at_once(accounts.admitted(caller, 10)) == UNMETERED


# ---------------------------------------------------------------- money


def dollars(amount: str | None) -> Any:
    return lambda request, plan: None if amount is None else Decimal(amount)


def test_what_is_set_aside_and_spent_stays_within_the_budget(accounts: Accounts) -> None:
    key, caller = key_and_caller(accounts, budget_usd=Decimal(1))
    at_once(accounts.reserved(request("a"), PLAN, caller, dollars("0.6")))
    with pytest.raises(QuotaExceeded, match="does not cover"):
        at_once(accounts.reserved(request("b"), PLAN, caller, dollars("0.6")))
    accounts.settle(trace("a", key.id, Decimal("0.1")))
    at_once(accounts.reserved(request("b"), PLAN, caller, dollars("0.6")))
    balance = accounts.balance(key)
    assert (balance.spent, balance.held) == (Decimal("0.1"), Decimal("0.6"))


def test_settling_twice_counts_once(accounts: Accounts) -> None:
    key, caller = key_and_caller(accounts, budget_usd=Decimal(1))
    at_once(accounts.reserved(request("a"), PLAN, caller, dollars("0.5")))
    for _ in range(3):
        accounts.settle(trace("a", key.id, Decimal("0.2")))
    assert accounts.balance(key).spent == Decimal("0.2")
    assert accounts.balance(key).held == 0


def test_an_unknown_price_is_refused_before_and_counted_in_full_after(accounts: Accounts) -> None:
    key, caller = key_and_caller(accounts, budget_usd=Decimal(1))
    with pytest.raises(QuotaExceeded, match="price"):
        at_once(accounts.reserved(request("a"), PLAN, caller, dollars(None)))
    at_once(accounts.reserved(request("b"), PLAN, caller, dollars("0.5")))
    accounts.settle(trace("b", key.id, None))
    assert accounts.balance(key).spent == Decimal("0.5")


def test_a_new_period_begins_with_a_full_purse(accounts: Accounts, clock: FakeClock) -> None:
    key, caller = key_and_caller(accounts, budget_usd=Decimal(1), period="day")
    at_once(accounts.reserved(request("a"), PLAN, caller, dollars("0.9")))
    accounts.settle(trace("a", key.id, Decimal("0.9")))
    clock.advance(86_400)
    assert accounts.balance(key).spent == 0
    at_once(accounts.reserved(request("b"), PLAN, caller, dollars("0.9")))


def test_what_a_dead_process_had_set_aside_counts_as_spent(file: Path, clock: FakeClock) -> None:
    first = Accounts(opened(file), clock)
    key, caller = key_and_caller(first, budget_usd=Decimal(1))
    at_once(first.reserved(request("a"), PLAN, caller, dollars("0.4")))
    first.close()
    second = Accounts(opened(file), clock)
    assert (second.balance(key).spent, second.balance(key).held) == (Decimal("0.4"), 0)
    second.close()


def test_a_refusal_first_frees_what_the_dead_hold(file: Path, clock: FakeClock) -> None:
    """Also when nobody starts in between."""
    first, second = Accounts(opened(file), clock), Accounts(opened(file), clock)
    key, caller = key_and_caller(first, budget_usd=Decimal(1))
    at_once(first.reserved(request("a"), PLAN, caller, dollars("0.4")))
    with pytest.raises(QuotaExceeded):
        at_once(second.reserved(request("b"), PLAN, caller, dollars("0.7")))
    with pytest.raises(QuotaExceeded):
        at_once(second.reserved(request("c"), PLAN, caller, dollars("0.7")))
    assert second.balance(key).held == Decimal("0.4"), "the first one lives"
    first.close()
    with pytest.raises(QuotaExceeded):
        at_once(second.reserved(request("d"), PLAN, caller, dollars("0.7")))
    assert (second.balance(key).spent, second.balance(key).held) == (Decimal("0.4"), 0)
    at_once(second.reserved(request("e"), PLAN, caller, dollars("0.6")))
    second.close()


AMOUNTS = st.decimals("0.000001", "0.4", places=6)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.tuples(AMOUNTS, AMOUNTS, st.booleans()), max_size=25))
def test_the_purse_agrees_with_the_bills_and_never_overshoots(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Decimal, Decimal, bool]]
) -> None:
    accounts = Accounts(opened(tmp_path_factory.mktemp("p") / "a.db"), FakeClock())
    key, caller = key_and_caller(accounts, budget_usd=Decimal(1))
    spent, open_ = Decimal(0), {}
    for i, (most, share, now) in enumerate(steps):
        try:
            at_once(accounts.reserved(request(f"r{i}"), PLAN, caller, lambda *_, most=most: most))
        except QuotaExceeded:
            assert spent + sum(open_.values()) + most > 1
            continue
        open_[f"r{i}"] = most
        if now:
            cost = min(share, most)
            accounts.settle(trace(f"r{i}", key.id, cost))
            spent += cost
            del open_[f"r{i}"]
        balance = accounts.balance(key)
        assert balance.spent == spent
        assert balance.held == sum(open_.values())
        assert spent + balance.held <= 1
    accounts.close()


def _race(file: Path, key: Key, caller: Caller, worker: int, won: Any) -> None:
    accounts = Accounts(opened(file), time)
    for i in range(50):
        id = f"{worker}-{i}"
        try:
            at_once(accounts.reserved(request(id), PLAN, caller, dollars("0.01")))
        except QuotaExceeded:
            continue
        accounts.settle(trace(id, key.id, Decimal("0.01")))
        with won.get_lock():
            won.value += 1
    accounts.close()


def test_four_processes_and_two_hundred_requests_do_not_overshoot(file: Path) -> None:
    accounts = Accounts(opened(file), time)
    key, caller = key_and_caller(accounts, budget_usd=Decimal("0.5"), period="total")
    spawn = multiprocessing.get_context("spawn")
    won = spawn.Value("i", 0)
    racers = [spawn.Process(target=_race, args=(file, key, caller, n, won)) for n in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0
    assert won.value == 50, "the whole budget is usable, and not a cent more"
    assert accounts.balance(key).spent == Decimal("0.5")
    assert accounts.balance(key).held == 0
    accounts.close()


def test_keys_keep_their_words(accounts: Accounts) -> None:
    _, key = accounts.create(Grant(name="a", rpm=5, budget_usd=Decimal("2.50"), period="day"))
    accounts.keys._load()
    assert accounts.keys.get(key.id) == key
    assert replace(key, revoked=1.0).active(0) is False
