"""What is remembered is bounded, and the newest stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StateUnfit
from shortstop.routing import PendingOutcome, State
from shortstop.routing.prior import blank
from shortstop.routing.state import (
    MAX_CONVERSATIONS,
    MAX_PENDING,
    Asked,
    Candidate,
    Costs,
)


def pending(task: str = "mail") -> PendingOutcome:
    return PendingOutcome(task, [Candidate("small", 0.5), Candidate("mailer", 0.7, shadow=True)])


def test_requests_are_remembered_up_to_a_bound_the_newest_longest() -> None:
    state = State()
    for i in range(3 * MAX_PENDING):
        state.remember(f"r{i}", pending())
    assert MAX_PENDING * 15 / 16 <= len(state.pending) <= MAX_PENDING
    assert f"r{3 * MAX_PENDING - 1}" in state.pending
    assert "r0" not in state.pending


def test_a_request_s_candidates_are_found_by_name() -> None:
    outcome = pending()
    mailer = outcome.candidate("mailer")
    assert mailer is not None
    assert mailer.shadow
    assert outcome.candidate("big") is None


def test_a_conversation_s_last_answer_counts() -> None:
    state = State()
    state.record_turn("acme/c1", "small", "r1")
    state.record_turn("acme/c1", "big", "r2")
    assert state.conversations == {"acme/c1": "big"}
    assert state.last_in("acme/c1") == "r2"
    assert state.last_in("acme/c2") == ""


def test_conversations_are_bounded_and_a_lively_one_is_kept() -> None:
    state = State()
    state.record_turn("lively", "small", "r0")
    for i in range(2 * MAX_CONVERSATIONS):
        state.record_turn(f"c{i}", "big", f"r{i}")
        if i % 1000 == 0:
            state.record_turn("lively", "small", f"l{i}")
    assert len(state.conversations) <= MAX_CONVERSATIONS
    assert len(state.turns) <= MAX_CONVERSATIONS
    assert state.conversations["lively"] == "small"
    assert "c0" not in state.conversations


def test_a_question_is_known_again_with_when_and_how_often() -> None:
    state = State()
    assert state.note_repeat("q", "r1", 10.0) is None
    assert state.note_repeat("q", "r2", 20.0) == Asked("r1", 10.0, 2)
    assert state.note_repeat("q", "r3", 30.0) == Asked("r2", 20.0, 3)
    assert state.note_repeat("other", "r4", 30.0) is None


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_running_means_lie_between_what_was_seen(seconds: list[float]) -> None:
    costs = Costs()
    for value in seconds:
        costs.add(value, None)
    assert costs.usd is None
    assert costs.seconds is not None
    assert min(seconds) - 1e-9 <= costs.seconds <= max(seconds) + 1e-9


def test_running_means_follow_a_change() -> None:
    costs = Costs()
    costs.add(1.0, 0.01)
    assert (costs.seconds, costs.usd) == (1.0, 0.01)
    for _ in range(100):
        costs.add(3.0, 0.03)
    assert costs.seconds == pytest.approx(3.0, abs=0.02)
    assert costs.usd == pytest.approx(0.03, abs=0.0002)


def test_index_and_clusters_are_made_once() -> None:
    state = State(landmarks=16)
    index, clusters = state.prepare(blank())
    assert state.prepare(blank()) == (index, clusters)
    assert index.limit == 16
    assert clusters.width == blank().embedder.width


def test_clusters_of_another_width_are_not_thrown_away_either() -> None:
    state = State(landmarks=16)
    state.prepare(blank())
    assert state.clusters is not None
    state.clusters.width = 8
    with pytest.raises(StateUnfit) as caught:
        state.prepare(blank())
    assert caught.value.reason == "width"
