"""Each state is left by its own evidence; a trial's is weaker, and never stands alone."""

from __future__ import annotations

import pytest

from shortstop.flywheel.night.promote import Incumbent, Standing, nears_its_end, next_move
from shortstop.flywheel.pairs import MatchedPair, Proof, proof_of
from shortstop.flywheel.verdicts import TRIAL, Doubt

DOUBT = Doubt(0.0, 0.05)
NOTHING = proof_of([], 0.03, DOUBT)


def shown(pairs: int, doubt: Doubt = DOUBT, wins: int = 0, losses: int = 0) -> Proof:
    """Of so many pairs, with wins and losses spread among them."""
    won = {i * pairs // wins for i in range(wins)} if wins else set()
    lost = {i * pairs // losses + 1 for i in range(losses)} if losses else set()
    every = [
        MatchedPair(str(i), float(i), -1.0 if i in won else 1.0 if i in lost else 0.0, "gold")
        for i in range(pairs)
    ]
    return proof_of(every, 0.03, doubt)


def test_a_trial_may_err_more_often_than_the_first_proof_and_never_half_the_time() -> None:
    assert DOUBT.on_trial.alpha == pytest.approx(TRIAL * 0.05)
    assert Doubt(0.2, 0.3, 5, True).on_trial == Doubt(0.2, 0.5, 5, True)


def test_a_trial_is_shorter_than_the_first_proof() -> None:
    enough = next(n for n in range(10, 500, 10) if shown(n, DOUBT.on_trial).proven)
    assert enough < next(n for n in range(10, 500, 10) if shown(n).proven)


def test_who_is_proven_goes_on_trial_and_by_the_trial_live() -> None:
    assert next_move(Standing("shadow", shown(400), NOTHING), None).state == "canary"
    trial = shown(130, DOUBT.on_trial)
    assert trial.proven
    assert not shown(130).proven
    assert next_move(Standing("canary", shown(500), trial), None).state == "live"


def test_a_trial_alone_promotes_nobody() -> None:
    """The first proof has to hold with the trial's pairs in it."""
    worse = shown(400, losses=12)
    assert not worse.proven
    move = next_move(Standing("canary", worse, shown(130, DOUBT.on_trial)), None)
    assert move.state == "canary"
    assert "more requests" in move.why or "no number of such requests" in move.why


def test_a_trial_that_shows_too_little_goes_on() -> None:
    move = next_move(Standing("canary", shown(500), shown(20, DOUBT.on_trial)), None)
    assert (move.state, move.why.partition(".")[0]) == ("canary", "On trial")


def test_harm_ends_it_whatever_was_proven() -> None:
    now = Standing("canary", shown(500), shown(100), harm=True)
    assert next_move(now, None).state == "retired"


def test_a_successor_waits_for_a_trial_that_is_nearly_over() -> None:
    now = Standing("shadow", shown(400), NOTHING)
    assert nears_its_end(shown(110, DOUBT.on_trial))
    assert not nears_its_end(shown(20, DOUBT.on_trial))
    move = next_move(now, Incumbent(0.5, nears=True))
    assert (move.state, "waits" in move.why) == ("shadow", True)
    assert next_move(now, Incumbent(0.5)).state == "canary"
    assert next_move(now, Incumbent(1.0, nears=True)).state == "retired", "it serves no more"
