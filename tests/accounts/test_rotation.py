"""A key's secret is replaced: both are good for a while, then one is; a revoked key has none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from shortstop.accounts import Accounts, Grant
from shortstop.accounts.accounts import LONGEST_GRACE
from shortstop.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from shortstop.ports.stores import REPLACED, AccountStore
from tests.accounts.conftest import opened
from tests.accounts.test_accounts import dollars, request
from tests.conftest import FakeClock
from tests.coroutines import at_once


@pytest.fixture
def accounts(store: AccountStore, clock: FakeClock) -> Accounts:
    return Accounts(store, clock)


def test_the_old_secret_is_good_until_its_time_is_over(
    accounts: Accounts, clock: FakeClock
) -> None:
    old, key = accounts.create(Grant(name="mail", rpm=2, budget_usd=Decimal(1)))
    new, rotated = accounts.rotate(key.id, 3600)
    assert (rotated.id, rotated.created, rotated.rpm) == (key.id, key.created, 2)
    assert new.endswith(rotated.tail)
    assert accounts.identify(old) == accounts.identify(new)
    assert [(one.tail, one.until) for one in accounts.keys.replaced(key.id)] == [
        (key.tail, clock.time() + 3600)
    ]
    clock.advance(3599)
    accounts.identify(old)
    clock.advance(1)
    with pytest.raises(Unauthenticated, match="was replaced"):
        accounts.identify(old)
    assert accounts.identify(new).key == key.id
    assert accounts.keys.replaced(key.id) == ()


def test_without_a_grace_it_is_refused_at_once_everywhere(
    accounts: Accounts, file: Path, clock: FakeClock
) -> None:
    other = Accounts(opened(file), clock)
    old, key = accounts.create(Grant(name="mail"))
    clock.advance(1.1)
    other.identify(old)
    new, _ = accounts.rotate(key.id)
    for one in (accounts, other):
        clock.advance(1.1)
        assert one.identify(new).key == key.id
        with pytest.raises(Unauthenticated, match="'mail' was replaced"):
            one.identify(old)
    other.close()


def test_limits_and_budget_are_the_keys_whichever_secret_is_shown(accounts: Accounts) -> None:
    old, key = accounts.create(Grant(name="mail", rpm=2, budget_usd=Decimal(1)))
    new, _ = accounts.rotate(key.id, 60)
    at_once(accounts.reserved(request("a"), ("big",), accounts.identify(old), dollars("0.6")))
    assert accounts.balance(key).held == Decimal("0.6")
    at_once(accounts.admitted(accounts.identify(old), 1))
    left = at_once(accounts.admitted(accounts.identify(new), 1)).headers[
        "x-ratelimit-remaining-requests"
    ]
    assert left == "0"


def test_a_revoked_key_has_no_good_secret(accounts: Accounts) -> None:
    old, key = accounts.create(Grant(name="mail"))
    new, _ = accounts.rotate(key.id, 3600)
    accounts.keys.revoke(key.id)
    for secret in (old, new):
        with pytest.raises(Unauthenticated, match="revoked"):
            accounts.identify(secret)
    with pytest.raises(Conflict, match="revoked"):
        accounts.rotate(key.id)


def test_an_expiry_that_is_sooner_counts(accounts: Accounts, clock: FakeClock) -> None:
    old, key = accounts.create(Grant(name="mail", expires=clock.time() + 10))
    new, _ = accounts.rotate(key.id, 3600)
    clock.advance(10)
    for secret in (old, new):
        with pytest.raises(Unauthenticated):
            accounts.identify(secret)
    with pytest.raises(Conflict, match="expired"):
        accounts.rotate(key.id)


def test_it_may_be_replaced_again_while_old_ones_are_good(
    accounts: Accounts, clock: FakeClock
) -> None:
    first, key = accounts.create(Grant(name="mail"))
    secrets = [first]
    for _ in range(REPLACED + 2):
        clock.advance(1)
        secrets.append(accounts.rotate(key.id, 3600)[0])
    assert len(accounts.keys.replaced(key.id)) == REPLACED
    for secret in secrets[-1 - REPLACED :]:
        assert accounts.identify(secret).key == key.id
    with pytest.raises(Unauthenticated):
        accounts.identify(secrets[-2 - REPLACED])
    clock.advance(3600)
    assert accounts.identify(secrets[-1]).key == key.id
    with pytest.raises(Unauthenticated):
        accounts.identify(secrets[-2])


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf"), LONGEST_GRACE + 1])
def test_a_grace_is_a_time_with_an_end(accounts: Accounts, grace: float) -> None:
    secret, key = accounts.create(Grant(name="mail"))
    with pytest.raises(InvalidRequest, match="90 days"):
        accounts.rotate(key.id, grace)
    accounts.identify(secret)


def test_a_key_that_is_not_there_is_not_rotated(accounts: Accounts) -> None:
    with pytest.raises(NotFound):
        accounts.rotate("key_none")


def test_secrets_are_kept_as_hashes_alone(accounts: Accounts, file: Path) -> None:
    old, key = accounts.create(Grant(name="mail"))
    new, _ = accounts.rotate(key.id, 3600)
    kept = b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
    for secret in (old, new):
        assert secret[len("sk-ss-") : -4].encode() not in kept
