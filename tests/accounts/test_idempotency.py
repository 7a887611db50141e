"""A retry gets the first answer; anything else about an idempotency key is said clearly."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortstop.accounts import AnswerStore, KeptAnswer
from shortstop.accounts.idempotency import KEPT_SECONDS, LARGEST, LONGEST_TOKEN
from shortstop.errors import Conflict, InvalidRequest, StoreError
from shortstop.ports.stores import AccountStore
from shortstop.traces.seal import Seal
from tests.conftest import FakeClock

ANSWER = KeptAnswer(200, [(b"content-type", b"application/json")], b'{"text":"Paul"}')


@pytest.fixture
def answers(store: AccountStore, clock: FakeClock) -> AnswerStore:
    return AnswerStore(store, clock)


def test_the_first_asks_and_the_next_are_given_its_answer(answers: AnswerStore) -> None:
    assert answers.claim("me", "t", b"request") is None
    answers.keep("me", "t", ANSWER)
    assert answers.claim("me", "t", b"request") == ANSWER
    assert answers.claim("me", "t", b"request") == ANSWER


_numbers = iter(range(1_000_000))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.integers(100, 599),
    headers=st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=3),
    body=st.binary(max_size=99),
    sealed=st.booleans(),
)
def test_an_answer_comes_back_byte_for_byte(
    store: AccountStore,
    clock: FakeClock,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    sealed: bool,
) -> None:
    answers = AnswerStore(store, clock, Seal("key") if sealed else None)
    token, answer = f"t{next(_numbers)}", KeptAnswer(status, headers, body)
    assert answers.claim("me", token, b"request") is None
    answers.keep("me", token, answer)
    assert answers.claim("me", token, b"request") == answer


def test_while_it_is_being_answered_a_retry_is_told_to_wait(answers: AnswerStore) -> None:
    answers.claim("me", "t", b"request")
    with pytest.raises(Conflict) as raised:
        answers.claim("me", "t", b"request")
    assert raised.value.code == "idempotency_key_in_use"
    assert raised.value.retry_after == 1.0


@pytest.mark.parametrize("done", [False, True])
def test_another_request_may_not_use_the_key(answers: AnswerStore, done: bool) -> None:
    answers.claim("me", "t", b"request")
    if done:
        answers.keep("me", "t", ANSWER)
    with pytest.raises(InvalidRequest) as raised:
        answers.claim("me", "t", b"another request")
    assert (raised.value.status, raised.value.code) == (422, "idempotency_key_reused")


def test_callers_do_not_share_keys(answers: AnswerStore) -> None:
    answers.claim("me", "t", b"request")
    answers.keep("me", "t", ANSWER)
    assert answers.claim("you", "t", b"request") is None


def test_what_came_to_nothing_may_be_tried_again(answers: AnswerStore) -> None:
    answers.claim("me", "t", b"request")
    answers.drop("me", "t")
    assert answers.claim("me", "t", b"a better request") is None


def test_an_answer_is_kept_for_an_hour(answers: AnswerStore, clock: FakeClock) -> None:
    answers.claim("me", "t", b"request")
    answers.keep("me", "t", ANSWER)
    clock.advance(KEPT_SECONDS)
    assert answers.claim("me", "t", b"request") == ANSWER
    clock.advance(1)
    assert answers.claim("me", "t", b"request") is None


def test_a_very_large_answer_is_not_kept(answers: AnswerStore) -> None:
    answers.claim("me", "t", b"request")
    answers.keep("me", "t", KeptAnswer(200, [], b"x" * (LARGEST + 1)))
    assert answers.claim("me", "t", b"request") is None


@pytest.mark.parametrize("token", ["", "x" * (LONGEST_TOKEN + 1)])
def test_a_key_has_a_length(answers: AnswerStore, token: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 255"):
        answers.claim("me", token, b"request")


def test_neither_token_nor_sealed_answer_can_be_read_in_the_file(
    store: AccountStore, clock: FakeClock, file: Path
) -> None:
    answers = AnswerStore(store, clock, Seal("key"))
    answers.claim("me", "jane.doe@acme.com", b"Who is dead?")
    answers.keep("me", "jane.doe@acme.com", ANSWER)
    kept = b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
    for text in (b"jane", b"Who is", b"Paul"):
        assert text not in kept


@pytest.mark.parametrize("same_place", [False, True])
def test_an_answer_whose_key_is_lost_or_that_was_altered_is_given_afresh(
    store: AccountStore, clock: FakeClock, caplog: pytest.LogCaptureFixture, same_place: bool
) -> None:
    answers = AnswerStore(store, clock, Seal("key"))
    answers.claim("me", "t", b"asked")
    answers.keep("me", "t", ANSWER)
    other = AnswerStore(store, clock, Unopenable("key") if same_place else Seal("other"))
    assert other.claim("me", "t", b"asked") is None
    assert ("answered afresh" in caplog.text) == same_place
    other.keep("me", "t", ANSWER)


class Unopenable(Seal):
    """Names things as the other does, and opens nothing."""

    def unlock(self, sealed: bytes, about: str) -> bytes:
        raise StoreError("Sealed content cannot be opened.")


def test_who_lacks_the_key_cannot_try_tokens_or_requests(
    store: AccountStore, clock: FakeClock, file: Path
) -> None:
    """A plain digest of a short text is found by trying all texts."""
    AnswerStore(store, clock, Seal("key")).claim("me", "4711", b"yes")
    kept = b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
    for text in (b"4711", b"yes"):
        digest = blake2b(text, digest_size=16)
        assert digest.digest() not in kept
        assert digest.hexdigest().encode() not in kept


def test_answers_are_forgotten_and_swept(store: AccountStore, clock: FakeClock, file: Path) -> None:
    answers = AnswerStore(store, clock)
    for token, conversation in (("a", "c1"), ("b", "c2")):
        answers.claim("me", token, b"asked")
        answers.keep("me", token, KeptAnswer(200, [], token.encode() * 999), ("acme", conversation))
    assert answers.forget("acme", "c1") == 1
    kept = b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
    assert (b"aaaa" in kept, b"bbbb" in kept) == (False, True)
    clock.advance(KEPT_SECONDS + 1)
    assert answers.sweep() == 1
    assert b"bbbb" not in b"".join(
        path.read_bytes() for path in file.parent.iterdir() if path.is_file()
    )
