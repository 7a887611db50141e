"""Learned state survives a release, or is refused in one word: it is never dropped."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import numpy as np
import pytest

from shortstop.config import Config, RoutingConfig
from shortstop.errors import StateUnfit, StoreError
from shortstop.routing import Feedback, LearnedRouter, Prior, State, dump_state, load_state
from shortstop.routing.embed import Embedder
from shortstop.routing.pack import Packed
from shortstop.routing.prior import blank
from shortstop.routing.snapshot import MAGIC, Saved
from tests.routing.test_constraints import OPEN
from tests.routing.test_router import MAIL, TARGETS, asked, graded, teach

EARLIER = Path(__file__).parent / "golden" / "brain-3.bin.gz"
"""A state of version 3: 70 requests of the task "mail", 60 of them paired; r69 was drawn as an
audit and not compared yet."""


def earlier() -> bytes:
    return gzip.decompress(EARLIER.read_bytes())


def router_of(state: State | None, prior: Prior | None = None) -> LearnedRouter:
    return LearnedRouter(TARGETS, Config(routing=RoutingConfig(landmarks=16)), state, prior)


def width_of(width: int) -> Prior:
    return Prior(Embedder([], np.zeros((0, width), np.int8), np.ones(width, np.float32)))


def test_what_version_3_had_learned_goes_on() -> None:
    router = router_of(load_state(earlier()))
    (name, report) = next(iter(router.contracts().items()))
    assert (name, report.pairs) == ("mail|small=smol-135", 60)
    assert router.overall()["default"].pairs == 60
    decision = router.decide(asked(900, "sort mail number 900"), OPEN, MAIL)
    assert decision.score == pytest.approx(0.877, abs=0.01)
    assert router.state.conversations == {"default/c": "big"}
    assert router.state.costs["big=gpt-9-turbo"].seconds == 0.4


def test_an_outcome_that_was_awaited_still_counts_once() -> None:
    router = router_of(load_state(earlier()))
    candidate = router.state.pending["r69"].candidates[0]
    assert (candidate.target, candidate.drawn, candidate.audit) == ("small", True, True)
    assert router.pair(graded("r69", 1.0))
    assert not router.pair(graded("r69", 1.0))
    assert not router.pair(graded("r3", 1.0)), "it was compared before"
    assert router.state.pending["r3"].heard == ["pair:small", "user:small"]
    assert not router.feedback(Feedback("r3", label=True)), "it was graded before"
    assert router.feedback(Feedback("r4", label=True))


def test_an_upgraded_state_is_saved_in_this_version() -> None:
    state = load_state(earlier())
    saved = dump_state(state)
    assert saved.startswith(MAGIC)
    assert dump_state(load_state(saved)) == saved


def test_both_versions_are_read_to_the_same_state() -> None:
    once = load_state(earlier())
    assert dump_state(once) == dump_state(load_state(dump_state(load_state(earlier()))))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "version"),
        (b"nonsense", "version"),
        (b"shortstop-brain-2\n\xff\x00", "version"),
        (b"shortstop-router-5\n\x80", "version"),
        (b"shortstop-brain-3\n\xff\x00", "damaged"),
        (MAGIC, "damaged"),
        (MAGIC + b"\x80", "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_word(data: bytes, reason: str) -> None:
    with pytest.raises(StateUnfit) as caught:
        load_state(data)
    assert caught.value.reason == reason
    assert isinstance(caught.value, StoreError)


def test_a_torn_file_is_damaged() -> None:
    whole = earlier()
    for size in range(len(whole) // 3, len(whole), len(whole) // 7):
        with pytest.raises(StateUnfit) as caught:
            load_state(whole[:size])
        assert caught.value.reason == "damaged"


@pytest.mark.parametrize("part", ["index", "gaps", "scorers", "clusters"])
def test_a_part_that_is_not_what_it_says_is_damaged(part: str) -> None:
    router = router_of(None)
    teach(router, 60, 1.0)
    saved = msgspec.msgpack.decode(dump_state(router.state)[len(MAGIC) :], type=Saved)
    broken = Packed.of(places=np.zeros((3, 5)), targets=np.zeros(4), leaders=np.zeros((2, 2)))
    spoilt = {"small": broken} if part in ("gaps", "scorers") else broken
    changed = msgspec.structs.replace(saved, **{part: spoilt})
    with pytest.raises(StateUnfit) as caught:
        load_state(MAGIC + msgspec.msgpack.encode(changed))
    assert caught.value.reason == "damaged"


def test_a_state_of_other_features_is_handed_back_not_thrown_away() -> None:
    """When the prior's width changes, the caller gets the state and the reason."""
    state = load_state(earlier())
    other = width_of(32)
    with pytest.raises(StateUnfit) as caught:
        router_of(state, other)
    assert caught.value.reason == "width"
    with pytest.raises(StateUnfit) as caught:
        load_state(earlier(), other)
    assert caught.value.reason == "width"
    assert state.evidence["default"]["mail|small=smol-135"].pairs == 60, "it is as it was"
    assert load_state(earlier(), blank()).evidence == state.evidence


def test_a_new_state_fits_any_prior() -> None:
    for width in (8, 64, 200):
        router = router_of(None, width_of(width))
        assert load_state(dump_state(router.state), width_of(width)).clusters is not None
