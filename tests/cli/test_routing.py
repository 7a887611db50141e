"""`shortstop routing explain`: the plan, the reasons, and who may not and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shortstop

CONFIG = """
[models.small]
url = "http://127.0.0.1:9/v1"
context = 4096
[upstreams.vendor]
base_url = "https://vendor.example/v1"
[upstreams.vendor.models.big]
price = "gpt-6.1-sol"
[aliases]
fast = "small"
"""


@pytest.fixture(autouse=True)
def configured(home: Path) -> None:
    (home / "shortstop.toml").write_text(CONFIG)


def test_what_is_not_known_yet_goes_to_the_frontier(shortstop: Shortstop) -> None:
    said = shortstop("routing", "explain", "--text", "Which team handles refunds?")
    assert said.code == 0, said.err
    assert "plan: big -> small" in said.out
    assert "too little evidence" in said.out
    assert "reach anywhere" in said.out


def test_the_json_holds_every_target(shortstop: Shortstop, home: Path) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "x " * 30_000}]}
    (home / "request.json").write_text(json.dumps(body))
    tree = json.loads(shortstop("routing", "explain", "request.json", "--json").out)
    assert tree["decision"]["plan"] == ["big"]
    small = next(one for one in tree["targets"] if one["target"] == "small")
    assert "needs about" in small["barred"]
    assert {"score", "known", "pairs", "usd", "seconds"} <= set(small)


def test_what_is_pinned_may_not_leave(shortstop: Shortstop) -> None:
    text = "My card is 4111 1111 1111 1111, my IBAN DE89 3704 0044 0532 0130 00."
    tree = json.loads(shortstop("routing", "explain", "--text", text, "--json").out)
    assert tree["decision"]["plan"] == ["small"]
    big = next(one for one in tree["targets"] if one["target"] == "big")
    assert "must stay on this machine" in big["barred"]


def test_an_alias_is_what_it_stands_for_and_an_unknown_name_is_refused(
    shortstop: Shortstop, home: Path
) -> None:
    for model, plan in (("fast", ["small"]), ("unheard-of", None)):
        body = {"model": model, "messages": [{"role": "user", "content": "a"}]}
        (home / "request.json").write_text(json.dumps(body))
        tree = json.loads(shortstop("routing", "explain", "request.json", "--json").out)
        assert (tree["decision"] or {}).get("plan") == plan
        assert bool(tree["refused"]) == (plan is None)


def test_a_route_is_set_by_hand_and_explained(shortstop: Shortstop) -> None:
    result = shortstop("routing", "override", "mail", "frontier")
    assert result.code == 0, result.err
    assert "mail: frontier, before configured. `shortstop reload`" in result.out
    told = shortstop("routing", "explain", "hello", "--text", "--task", "mail")
    assert "task-rule" in told.out, told.err
    again = shortstop("routing", "override", "mail", "configured")
    assert "mail: configured, before frontier." in again.out
    told = shortstop("routing", "explain", "hello", "--text", "--task", "mail")
    assert "task-rule" not in told.out
    assert shortstop("routing", "override", "mail", "moon").code == 2
