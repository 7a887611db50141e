"""Patterns, aliases, and models that only a pattern names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import Config, aliases_of, best_match, parse, upstream_for, warnings
from shortstop.config.names import Aliases, AliasLoop, matches
from shortstop.errors import ConfigError

OPEN = """
[upstreams.a]
base_url = "https://a.example/v1"
models = "*"
[upstreams.b]
base_url = "https://b.example/v1"
models = ["claude-*", "o3"]
"""


def read(text: str) -> Config:
    return parse(text, {})


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_star_stands_for_any_characters_and_nothing_else_is_special(a: str, b: str) -> None:
    assert matches(f"{a}*{b}".replace("**", "*"), f"{a}anything\n{b}".replace("*", "x")) or (
        "*" in a + b
    )
    assert matches("a.c", "abc") is False
    assert matches("a[bc]", "ab") is False


def test_the_longest_pattern_says_most() -> None:
    assert best_match(["*", "gpt-*", "gpt-6*"], "gpt-6.1") == "gpt-6*"
    assert best_match(["gpt-*"], "claude") is None


def test_models_may_be_a_star_or_patterns() -> None:
    config = read(OPEN)
    assert config.upstreams["a"].patterns == ("*",)
    assert config.upstreams["b"].patterns == ("claude-*", "o3")
    assert upstream_for(config, "claude-next") == "b"
    assert upstream_for(config, "gpt-next") == "a"
    assert upstream_for(config, "two words") is None
    assert upstream_for(config, "x" * 1000) is None
    assert any("routing.frontier" in line for line in warnings(config))


def test_a_setting_that_names_a_model_makes_it_one() -> None:
    config = read(OPEN + '[routing]\nfrontier = "gpt-7"\n[aliases]\nfast = "claude-mini"\n')
    assert config.upstreams["a"].models["gpt-7"].auto
    assert not config.upstreams["b"].models["claude-mini"].auto
    assert warnings(config) == []


def test_aliases_lead_to_models_and_agents_new_ids_to_what_is_known() -> None:
    text = OPEN + '[aliases]\nfast = "quick"\nquick = "o3"\n"claude-*" = "auto"\n'
    aliases = aliases_of(read(text))
    assert aliases.real("fast") == "o3"
    assert aliases.real("claude-opus-9-20270101") == "auto"
    assert aliases.real("local") == "local"
    assert aliases.real("never-heard-of") == "never-heard-of"


@pytest.mark.parametrize(
    ("aliases", "says"),
    [
        ('a1 = "a2"\na2 = "a1"', "circle: a2 -> a1 -> a2"),
        ('same = "same"', "circle"),
        ('auto = "o3"', "reserved"),
        ('small = "o3"', "name of a model already"),
        ('fast = "claude 3"', "is no model here"),
        ('"a b" = "o3"', "no name"),
    ],
)
def test_aliases_that_lead_nowhere_are_named_with_their_line(aliases: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(OPEN + f"[aliases]\n{aliases}\n")
    assert says in str(caught.value)
    assert "line" in str(caught.value)


def test_a_circle_ends() -> None:
    with pytest.raises(AliasLoop):
        Aliases({"a": "b", "b*": "a"}, []).real("a")
    with pytest.raises(AliasLoop):
        Aliases({"x-*": "x-1"}, []).real("x-2")
    assert Aliases({"x-*": "x-1"}, ["x-1"]).real("x-2") == "x-1"


@pytest.mark.parametrize("models", ["[]", '[""]', '["a b"]', "[1]", "7"])
def test_patterns_are_names_with_stars(models: str) -> None:
    with pytest.raises(ConfigError, match=r"upstreams\.a"):
        read(f'[upstreams.a]\nbase_url = "https://a.example"\nmodels = {models}\n')
