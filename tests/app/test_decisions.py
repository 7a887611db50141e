"""What decides without anything that answers: the same as a gateway's, and it needs no model."""

from __future__ import annotations

import pytest

from shortstop import dialects
from shortstop.app.decisions import decision_stack
from shortstop.app.gateway import Shortstop
from shortstop.errors import ConfigError
from shortstop.types import Attempt, Caller, Reach, Usage
from tests.app.parts import SMALL, VENDOR, EngineFactory, Home


def asked(text: str, model: str = "auto") -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": text}]}


@pytest.mark.usefixtures("factory")
async def test_targets_are_those_of_a_gateway_of_the_same_file(home: Home) -> None:
    home.configure(home.embed(context=1024, slots=1) + SMALL.replace("small", "mid") + VENDOR)
    stack = decision_stack(home.config, home.env)
    gateway = Shortstop(home.config, home.source)
    async with gateway.running():
        assert dict(stack.targets) == gateway._runtime.models.targets


async def test_a_model_need_not_be_installed(home: Home, factory: EngineFactory) -> None:
    home.configure('[models.small]\nsource = "unheard-of"\ncontext = 1024\n' + VENDOR)
    stack = decision_stack(home.config, home.env)
    small = stack.targets["small"]
    assert (small.model, small.local, small.context) == ("unheard-of", True, 1024)
    assert small.abilities == {"json", "logprobs", "tools"}
    assert list(stack.targets) == ["small", "big"]
    assert factory.made == []


def test_nor_an_upstreams_key(home: Home) -> None:
    del home.env["VENDOR_KEY"]
    assert "big" in decision_stack(home.config, home.env).targets


def test_it_judges_decides_and_bills(home: Home) -> None:
    stack = decision_stack(home.config, home.env)
    caller = Caller()
    decode = dialects.get("openai.chat").decode_request
    harmless = decode(asked("Where is my card?"), "req_1")
    secret = decode(asked("My card is 4111 1111 1111 1111, CVV 123"), "req_2")
    assert stack.guard.clear(harmless, caller).reach == Reach.ANYWHERE
    clearance = stack.guard.clear(secret, caller)
    assert clearance.reach == Reach.LOCAL_ONLY
    assert stack.router.decide(secret, clearance, caller).plan == ("small",)
    attempt = Attempt("big", False, "ok", 1.0, usage=Usage(1000, output=1000))
    bill = stack.books.bill(harmless, (attempt,), attempt)
    assert bill.cost is not None
    assert bill.cost > 0


def test_it_keeps_nothing_on_disk(home: Home) -> None:
    home.env["SHORTSTOP_PRIVACY_KEY"] = "a long random text"
    home.configure(SMALL + VENDOR + f'[privacy]\naudit = "{home.folder / "audit.log"}"\n')
    before = set(home.folder.iterdir())
    stack = decision_stack(home.config, home.env)
    request = dialects.get("openai.chat").decode_request(asked("jane.doe@example.com"), "req_1")
    stack.guard.clear(request, Caller(conversation="c1"))
    assert set(home.folder.iterdir()) == before
    assert home.open_files() == set()


def test_a_policy_that_cannot_be_had_stops_it(home: Home) -> None:
    home.configure(SMALL + '[privacy.documents]\nacme = ["/nowhere/secret.txt"]\n')
    with pytest.raises(ConfigError, match=r"/nowhere/secret\.txt"):
        decision_stack(home.config, home.env)
