"""Accounts: no change lost and no budget overshot, however many ask at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from multiprocessing.synchronize import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.ports.stores import REPLACED, AccountStore, Meters, Stores
from shortstop.types.accounts import KeptRow, KeyRow
from tests.stores.contract.world import AT, MANY, SPAWN, in_processes, in_threads, serial


def _count_up(stores: Stores, number: int) -> None:
    with closing(stores.accounts()) as store:
        for _ in range(40):
            store.meter("k", lambda meters: {"requests": meters.get("requests", 0.0) + 1})


def _hold_all(stores: Stores, number: int) -> None:
    with closing(stores.accounts()) as store:
        for i in range(40):
            id = f"{number}-{i}"
            if store.hold(id, "k", "w", 10, 500, AT):
                store.settle(id, "w", 10)


def _hold_and_die(stores: Stores, number: int) -> None:
    store = stores.accounts()
    assert store.hold(f"dead-{number}", "k", "w", 5, 500, AT)
    assert store.claim_answer("me", f"dead-{number}", b"f", AT, AT) is None
    store.close()


def _claim(done: Barrier, stores: Stores, number: int) -> None:
    """Claim; end only when all have claimed, for what the dead had claimed is free again."""
    with closing(stores.accounts()) as store:
        for i in range(20):
            if store.claim_answer("me", f"token-{i}", b"same", AT, AT) is None:
                store.meter("claims", lambda meters: {"n": meters.get("n", 0.0) + 1})
        done.wait(timeout=60)


class AccountStoreContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[AccountStore]:
        with closing(stores.accounts()) as store:
            yield store

    # keys

    def test_keys_are_added_changed_and_listed(self, stores: Stores, store: AccountStore) -> None:
        store.add_key("k1", b"\x00\x01", '{"name":"a"}')
        store.add_key("k2", b"\x02", '{"name":"b"}')
        store.change_key("k1", lambda record: record.replace('"a"', '"c"'))
        store.change_key("none", lambda record: "{}")
        with closing(stores.accounts()) as other:
            assert sorted(other.all_keys()) == [
                KeyRow(b"\x00\x01", '{"name":"c"}'), KeyRow(b"\x02", '{"name":"b"}'),
            ]  # fmt: skip

    def test_a_key_is_added_once(self, store: AccountStore) -> None:
        store.add_key("k1", b"1", "{}")
        for id, fingerprint in (("k1", b"2"), ("k2", b"1")):
            with pytest.raises(StoreError):
                store.add_key(id, fingerprint, "{}")
        assert len(store.all_keys()) == 1
        store.add_key("k2", b"2", "{}")

    def test_no_change_of_a_key_is_lost_between_threads(
        self, stores: Stores, store: AccountStore
    ) -> None:
        store.add_key("k1", b"1", "")

        def mark(number: int) -> None:
            for _ in range(20):
                store.change_key("k1", lambda record: f"{record}{number}")

        in_threads(mark)
        assert sorted(store.all_keys()[0].record) == sorted("0123" * 20)

    def test_a_change_of_a_key_that_fails_changes_nothing(self, store: AccountStore) -> None:
        def refuse(record: str) -> str:
            raise ValueError("no")

        store.add_key("k1", b"1", "{}")
        with pytest.raises(ValueError, match="no"):
            store.change_key("k1", refuse)
        with pytest.raises(ValueError, match="no"):
            store.rotate_key("k1", b"2", lambda record: (refuse(record), ""), AT)
        assert store.all_keys() == [KeyRow(b"1", "{}")]

    def test_a_replaced_secret_stays_known_with_the_keys_record(self, store: AccountStore) -> None:
        store.add_key("k1", b"1", "old")
        store.add_key("k2", b"9", "other")
        store.rotate_key("k1", b"2", lambda record: (f"{record} new", "tail"), AT)
        store.rotate_key("none", b"3", lambda record: (record, ""), AT)
        store.change_key("k1", lambda record: f"{record}er")
        assert sorted(store.all_keys()) == [
            KeyRow(b"1", "old newer", "tail", AT), KeyRow(b"2", "old newer"), KeyRow(b"9", "other"),
        ]  # fmt: skip
        with pytest.raises(StoreError):
            store.rotate_key("k1", b"9", lambda record: ("lost", ""), AT)
        assert len(store.all_keys()) == 3

    def test_of_replaced_secrets_those_that_are_good_for_longest_stay(
        self, store: AccountStore
    ) -> None:
        store.add_key("k1", b"\x00", "{}")
        for n in range(1, REPLACED + 4):
            until = AT + 100 if n == 1 else AT + n
            store.rotate_key("k1", bytes([n]), lambda record: (record, "tail"), until)
        times = sorted(row.until for row in store.all_keys() if row.until is not None)
        assert times == [*(AT + n for n in range(5, REPLACED + 4)), AT + 100]

    def test_ended_sessions_are_known_elsewhere_and_forgotten_later(
        self, stores: Stores, store: AccountStore
    ) -> None:
        before = store.version()
        with closing(stores.accounts()) as other:
            other.end_sessions("a", AT, AT - 10)
            other.end_sessions("a", AT + 1, AT - 10)
        assert store.version() != before
        assert store.ended_sessions() == [("a", AT + 1)]
        store.end_sessions("b", AT + 20, AT + 10)
        assert store.ended_sessions() == [("b", AT + 20)]

    def test_a_change_elsewhere_is_seen(self, stores: Stores, store: AccountStore) -> None:
        before = store.version()
        assert store.version() == before
        with closing(stores.accounts()) as other:
            other.add_key("k1", b"1", "{}")
        assert store.version() != before
        before = store.version()
        with closing(stores.accounts()) as other:
            other.add_group("g", "", "acme", "{}")
        assert store.version() != before

    # meters

    def test_meters_are_changed_together_or_not_at_all(self, store: AccountStore) -> None:
        def refuse(meters: Meters) -> Meters:
            raise ValueError("no")

        store.meter("k", lambda meters: {"requests": 1.5, "tokens": 2.5})
        with pytest.raises(ValueError, match="no"):
            store.meter("k", refuse)
        store.meter("k", lambda meters: {"tokens": meters["tokens"] + 1})
        seen: list[dict[str, float]] = []

        def look(meters: Meters) -> Meters:
            seen.append(dict(meters))
            return {}

        store.meter("k", look)
        store.meter("another", look)
        assert seen == [{"requests": 1.5, "tokens": 3.5}, {}]

    def test_no_change_of_a_meter_is_lost_between_threads(
        self, stores: Stores, store: AccountStore
    ) -> None:
        def count(number: int) -> None:
            for _ in range(50):
                store.meter("k", lambda meters: {"requests": meters.get("requests", 0.0) + 1})

        in_threads(count)
        assert self.meter(store, "k", "requests") == 200

    @pytest.mark.slow
    def test_no_change_of_a_meter_is_lost_between_processes(
        self, stores: Stores, store: AccountStore
    ) -> None:
        in_processes(_count_up, stores)
        assert self.meter(store, "k", "requests") == 120

    def meter(self, store: AccountStore, key: str, unit: str) -> float | None:
        values: list[float | None] = []

        def look(meters: Meters) -> Meters:
            values.append(meters.get(unit))
            return {}

        store.meter(key, look)
        return values[-1]

    # budgets

    def test_what_is_held_and_spent_stays_within_the_budget(self, store: AccountStore) -> None:
        assert store.hold("a", "k", "w", 60, 100, AT)
        assert not store.hold("b", "k", "w", 60, 100, AT)
        assert store.hold("c", "other", "w", 60, 100, AT)
        assert store.balance("k", "w") == (0, 60)
        store.settle("a", "w", 10)
        assert store.hold("b", "k", "w", 90, 100, AT)
        assert store.balance("k", "w") == (10, 90)

    def test_settling_counts_once_and_what_was_never_held_not_at_all(
        self, store: AccountStore
    ) -> None:
        store.hold("a", "k", "w", 60, 100, AT)
        for _ in range(3):
            store.settle("a", "w", None)
        store.settle("never", "w", 7)
        assert store.balance("k", "w") == (60, 0)

    def test_a_new_window_has_spent_nothing_and_keeps_what_is_held(
        self, store: AccountStore
    ) -> None:
        store.hold("a", "k", "monday", 60, 100, AT)
        store.settle("a", "monday", 60)
        store.hold("b", "k", "monday", 30, 100, AT)
        assert store.balance("k", "tuesday") == (0, 30)
        assert store.hold("c", "k", "tuesday", 70, 100, AT)
        store.settle("b", "tuesday", 5)
        assert store.balance("k", "tuesday") == (5, 70)

    def test_amounts_are_exact_beyond_53_bits(self, store: AccountStore) -> None:
        most = 2**62
        assert store.hold("a", "k", "w", most - 1, most, AT)
        assert not store.hold("b", "k", "w", 2, most, AT)
        assert store.hold("b", "k", "w", 1, most, AT)
        store.settle("a", "w", most - 3)
        assert store.balance("k", "w") == (most - 3, 1)

    @MANY
    @given(
        steps=st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 60), st.none() | st.integers(0, 60)),
            max_size=30,
        )
    )
    def test_balances_agree_with_a_model(
        self, store: AccountStore, steps: list[tuple[int, int, int | None]]
    ) -> None:
        """A request that is not held is held, one that is held is settled."""
        key = f"k{serial()}"
        held: dict[int, int] = {}
        spent = 0
        for request, amount, cost in steps:
            id = f"{key}-{request}"
            if request in held:
                reserved = held.pop(request)
                store.settle(id, "w", cost)
                spent += reserved if cost is None else cost
            elif store.hold(id, key, "w", amount, 100, AT):
                held[request] = amount
                assert spent + sum(held.values()) <= 100
            else:
                assert spent + sum(held.values()) + amount > 100
            assert store.balance(key, "w") == (spent, sum(held.values()))

    def test_threads_do_not_overshoot_a_budget(self, store: AccountStore) -> None:
        def ask(number: int) -> None:
            for i in range(40):
                id = f"{number}-{i}"
                if store.hold(id, "k", "w", 10, 500, AT):
                    store.settle(id, "w", 10)

        in_threads(ask)
        assert store.balance("k", "w") == (500, 0)

    @pytest.mark.slow
    def test_processes_do_not_overshoot_a_budget(self, stores: Stores, store: AccountStore) -> None:
        in_processes(_hold_all, stores)
        assert store.balance("k", "w") == (500, 0)

    @pytest.mark.slow
    def test_what_the_dead_had_set_aside_counts_as_spent(
        self, stores: Stores, store: AccountStore
    ) -> None:
        in_processes(_hold_and_die, stores, count=2)
        store.hold("mine", "k", "w", 7, 500, AT)
        assert store.balance("k", "w") == (0, 17)
        assert store.recover(AT - 1) == 2
        assert store.recover(AT - 1) == 0
        assert store.balance("k", "w") == (10, 7)
        assert store.recover(AT + 1) == 1, "nobody works on a request for that long"
        assert store.balance("k", "w") == (17, 0)

    # kept answers

    def test_an_answer_is_claimed_kept_and_dropped(self, store: AccountStore) -> None:
        assert store.claim_answer("me", "t", b"f", AT, AT) is None
        waiting = store.claim_answer("me", "t", b"f", AT, AT)
        assert waiting is not None
        assert (waiting.fingerprint, waiting.status) == (b"f", None)
        store.keep_answer("me", "t", KeptRow(200, b"h", b"\0body"), 9, 999)
        kept = store.claim_answer("me", "t", b"other", AT, AT)
        assert kept is not None
        assert (kept.fingerprint, kept.status, kept.headers, kept.body) == (
            b"f", 200, b"h", b"\0body",
        )  # fmt: skip
        store.drop_answer("me", "t")
        assert store.claim_answer("me", "t", b"f", AT, AT) is None

    def test_answers_are_their_callers_and_end(self, store: AccountStore) -> None:
        assert store.claim_answer("me", "t", b"f", AT, AT) is None
        assert store.claim_answer("you", "t", b"f", AT, AT) is None
        store.keep_answer("me", "t", KeptRow(200, b"", b""), 9, 999)
        store.keep_answer("nobody", "t", KeptRow(200, b"", b""), 9, 999)
        assert store.claim_answer("me", "t", b"f", AT + 10, AT) is not None
        assert store.claim_answer("me", "t", b"f", AT + 10, AT + 1) is None

    def keep(self, store: AccountStore, token: str, row: KeptRow, at: float = AT) -> None:
        assert store.claim_answer("me", token, b"f", at, AT) is None
        store.keep_answer("me", token, row, 3, 100)

    def kept(self, store: AccountStore, tokens: str) -> str:
        """Those of the tokens that are claimed; the others are now."""
        return "".join(t for t in tokens if store.claim_answer("me", t, b"f", AT + 99, AT))

    def test_of_one_callers_answers_the_newest_stay(self, store: AccountStore) -> None:
        store.claim_answer("me", "z", b"f", AT, AT)
        for i, token in enumerate("abcd"):
            self.keep(store, token, KeptRow(200, b"", b"x"), AT + i)
        store.claim_answer("you", "y", b"f", AT, AT)
        assert self.kept(store, "abcdz") == "bcdz", "a claim that waits for its answer stays"
        assert store.claim_answer("you", "y", b"f", AT, AT) is not None

    def test_and_so_many_bytes_of_them(self, store: AccountStore) -> None:
        for i, (token, size) in enumerate(zip("abcd", (10, 50, 30, 5), strict=True)):
            self.keep(store, token, KeptRow(200, b"h" * 10, b"x" * size), AT + i)
        assert self.kept(store, "abcd") == "cd"
        self.keep(store, "e", KeptRow(200, b"", b"x" * 101), AT + 99)
        assert self.kept(store, "cde") == "", "one that is too large alone"

    def test_answers_are_erased_with_their_conversation(self, store: AccountStore) -> None:
        for token, subject in zip(
            "abcd", [("acme", "c1"), ("acme", "c2"), ("rival", "c1"), ("", "")], strict=True
        ):
            assert store.claim_answer("me", token, b"f", AT, AT) is None
            store.keep_answer("me", token, KeptRow(200, b"", b"x", *subject), 9, 999)
        assert store.forget_answers("acme", "c1") == 1
        assert store.forget_answers("acme", "c1") == 0
        assert self.kept(store, "abcd") == "bcd"

    def test_answers_are_swept_when_their_time_is_over(self, store: AccountStore) -> None:
        for i, token in enumerate("abc"):
            self.keep(store, token, KeptRow(200, b"", b"x"), AT + i)
        assert store.sweep_answers(AT + 2) == 2
        assert store.sweep_answers(AT + 2) == 0
        assert self.kept(store, "abc") == "c"

    @pytest.mark.slow
    def test_of_many_claims_one_wins(self, stores: Stores, store: AccountStore) -> None:
        in_processes(partial(_claim, SPAWN.Barrier(3)), stores, count=3)
        assert self.meter(store, "claims", "n") == 20

    @pytest.mark.slow
    def test_what_the_dead_had_claimed_may_be_claimed_for_the_same_request(
        self, stores: Stores, store: AccountStore
    ) -> None:
        in_processes(_hold_and_die, stores, count=1)
        other = store.claim_answer("me", "dead-0", b"other", AT, AT)
        assert other is not None
        assert other.fingerprint == b"f"
        assert store.claim_answer("me", "dead-0", b"f", AT, AT) is None

    def test_a_closed_store_says_so(self, store: AccountStore) -> None:
        store.close()
        for call in (store.all_keys, store.version, lambda: store.balance("k", "w")):
            with pytest.raises(StoreError):
                call()
