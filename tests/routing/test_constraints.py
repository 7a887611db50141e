"""Hard constraints hold for every request, whatever the router believes."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.app.upstreams import build_remotes
from shortstop.config import Config, UpstreamConfig, UpstreamModel
from shortstop.errors import (
    ContextTooLong,
    Forbidden,
    InvalidRequest,
    NotFound,
    PrivacyRefused,
    RequestError,
)
from shortstop.routing import LearnedRouter
from shortstop.routing.constraints import needs, tokens
from shortstop.types import (
    Caller,
    Clearance,
    Format,
    Media,
    Message,
    Reach,
    Request,
    Sampling,
    Target,
    Text,
    Tier,
    Tool,
)

OPEN = Clearance(Tier.S0, Reach.ANYWHERE)
PINNED = Clearance(Tier.S3, Reach.LOCAL_ONLY)
REFUSED = Clearance(Tier.S3, Reach.REFUSED)
ANYONE = Caller()
SMALL = Target("small", "smol-135", True, "embedded", 2048, frozenset({"json", "logprobs"}))
MID = Target("mid", "qwen", True, "url", 32_768, frozenset({"json", "tools", "n"}))
BIG = Target("big", "gpt-9-turbo", False, "openai", 128_000, frozenset({"tools", "json", "vision"}))
TARGETS = {t.name: t for t in (SMALL, MID, BIG)}


def ask(text: str = "Where is my card?", model: str = "auto", **more: object) -> Request:
    blank = Request("r1", "openai.chat", {}, model, (Message("user", (Text(text),)),))
    return msgspec.structs.replace(blank, **more)


def router(*targets: Target) -> LearnedRouter:
    return LearnedRouter({t.name: t for t in targets} or TARGETS, Config())


def test_a_pinned_request_sees_only_local_targets() -> None:
    plan = router().decide(ask(), PINNED, ANYONE).plan
    assert set(plan) == {"small", "mid"}


def test_a_pinned_request_that_names_the_frontier_stays_here() -> None:
    decision = router().decide(ask(model="gpt-9-turbo"), PINNED, ANYONE)
    assert set(decision.plan) == {"small", "mid"}
    assert "pinned" in decision.reasons


def test_pinned_without_a_local_target_is_refused() -> None:
    with pytest.raises(PrivacyRefused):
        router(BIG).decide(ask(), PINNED, ANYONE)


def test_refused_is_refused() -> None:
    with pytest.raises(PrivacyRefused):
        router().decide(ask(), REFUSED, ANYONE)


@pytest.mark.parametrize(("model", "plan"), [("big", ("big",)), ("gpt-9-turbo", ("big",))])
def test_an_explicit_model_is_obeyed(model: str, plan: tuple[str, ...]) -> None:
    decision = router().decide(ask(model=model), OPEN, ANYONE)
    assert decision.plan == plan
    assert decision.reasons[0] == "explicit-model"
    assert decision.propensity == 1.0


def test_local_never_leaves() -> None:
    assert "big" not in router().decide(ask(model="local"), OPEN, ANYONE).plan


def test_an_unknown_model_lists_what_exists() -> None:
    with pytest.raises(NotFound) as caught:
        router().decide(ask(model="gpt-77"), OPEN, ANYONE)
    assert caught.value.code == "model_not_found"
    assert all(name in caught.value.hint for name in ("auto", "local", *TARGETS))


def test_tools_need_a_target_that_has_them() -> None:
    plan = router().decide(ask(tools=(Tool("f"),)), OPEN, ANYONE).plan
    assert "small" not in plan


def test_no_target_with_the_ability_says_which_is_missing() -> None:
    image = Message("user", (Media("image", url="https://x/y.png"),))
    with pytest.raises(InvalidRequest, match="vision"):
        router(SMALL).decide(ask(messages=(image,)), OPEN, ANYONE)


ROW = {"type": "array", "maxItems": 60, "items": {"type": "integer"}}
LARGE = Format("json_schema", {"type": "array", "maxItems": 60, "items": ROW})
SENSELESS = Format("json_schema", {"type": "string", "minLength": 9, "maxLength": 3})


def test_a_shape_beyond_a_local_grammar_goes_to_the_frontier_where_it_may() -> None:
    request = ask(format=LARGE)
    assert router().decide(request, OPEN, ANYONE).plan == ("big",)
    assert set(router().decide(request, PINNED, ANYONE).plan) == {"small", "mid"}
    local = msgspec.structs.replace(request, model="local")
    assert set(router().decide(local, OPEN, ANYONE).plan) == {"small", "mid"}
    named = msgspec.structs.replace(request, model="small")
    assert router().decide(named, OPEN, ANYONE).plan == ("small",)


def test_a_shape_that_no_answer_has_is_the_client_s_error() -> None:
    for model in ("auto", "local", "small"):
        with pytest.raises(InvalidRequest, match="minLength 9 is above maxLength 3") as caught:
            router().decide(ask(model=model, format=SENSELESS), OPEN, ANYONE)
        assert (caught.value.status, caught.value.code) == (400, "invalid_schema")
    short = Format("json_schema", {"type": "string", "minLength": 4_000})
    with pytest.raises(InvalidRequest, match="20 tokens cannot have minLength 4000"):
        router().decide(ask(format=short, sampling=Sampling(max_tokens=20)), OPEN, ANYONE)
    assert router().decide(ask(format=short), OPEN, ANYONE).plan


def test_what_the_frontier_is_asked_by_name_is_the_frontier_s_to_judge() -> None:
    decision = router().decide(ask(model="big", format=SENSELESS), OPEN, ANYONE)
    assert decision.plan == ("big",)


def test_a_long_prompt_goes_where_it_fits() -> None:
    assert "small" not in router().decide(ask("word " * 4000), OPEN, ANYONE).plan


def test_the_answer_counts_too() -> None:
    asked = ask(sampling=Sampling(max_tokens=4000))
    assert "small" not in router().decide(asked, OPEN, ANYONE).plan


def test_too_long_for_all_is_an_error_of_the_client() -> None:
    with pytest.raises(ContextTooLong):
        router(SMALL).decide(ask("word " * 40_000), OPEN, ANYONE)


def test_a_key_reaches_only_its_targets() -> None:
    caller = Caller(targets=frozenset({"mid"}))
    assert router().decide(ask(), OPEN, caller).plan == ("mid",)
    with pytest.raises(Forbidden):
        router().decide(ask(model="big"), OPEN, caller)


@pytest.mark.parametrize(
    ("name", "dialect", "gives"), [("openai", "responses", False), ("acme", "openai", True)]
)
def test_who_gives_several_choices_is_known_by_dialect_not_by_name(
    name: str, dialect: str, gives: bool
) -> None:
    """Responses drops `n` without a word; any Chat Completions vendor honours it."""
    upstream = UpstreamConfig(
        base_url="https://api.example/v1", dialect=dialect, models={"far": UpstreamModel()}
    )
    targets = build_remotes(Config(upstreams={name: upstream}), {}).targets
    several = ask(sampling=Sampling(n=2))
    assert (needs(several) <= targets["far"].abilities) is gives


@dataclass(frozen=True)
class Case:
    request: Request
    clearance: Clearance
    caller: Caller


@st.composite
def cases(draw: st.DrawFn) -> Case:
    request = ask(
        draw(st.text(max_size=60)) * draw(st.sampled_from([1, 1, 400])),
        draw(st.sampled_from(["auto", "auto", "local", "big", "small", "qwen", "nope"])),
        tools=draw(st.sampled_from([(), (Tool("f"),)])),
        format=draw(st.sampled_from([Format(), Format("json_object")])),
        sampling=Sampling(
            n=draw(st.sampled_from([1, 2])),
            logprobs=draw(st.booleans()),
            max_tokens=draw(st.sampled_from([None, 10, 5000])),
        ),
    )
    limits = frozenset(draw(st.sets(st.sampled_from(["small", "mid", "big"]))))
    return Case(request, draw(st.sampled_from([OPEN, PINNED, REFUSED])), Caller(targets=limits))


@given(cases(), st.sets(st.sampled_from([SMALL, MID, BIG]), min_size=1), st.integers(0, 9))
def test_no_decision_breaks_a_hard_constraint(case: Case, targets: set[Target], seed: int) -> None:
    chosen = {t.name: t for t in sorted(targets, key=lambda t: t.name)}
    config = Config(routing=msgspec.structs.replace(Config().routing, seed=seed, exploration=0.5))
    try:
        decision = LearnedRouter(chosen, config).decide(case.request, case.clearance, case.caller)
    except RequestError:
        return
    plan = [chosen[name] for name in decision.plan]
    assert plan
    assert len(set(decision.plan)) == len(plan)
    assert case.clearance.reach < Reach.REFUSED
    for target in plan:
        assert target.local or case.clearance.reach < Reach.LOCAL_ONLY
        assert target.local or case.request.model != "local"
        assert not case.caller.targets or target.name in case.caller.targets
        assert needs(case.request) <= target.abilities
        if case.request.model == "auto":
            assert tokens(case.request, 5.0) <= target.context
    assert 0 < decision.propensity <= 1
