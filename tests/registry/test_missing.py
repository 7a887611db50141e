"""A model that is not here comes with the way to it."""

from __future__ import annotations

import pytest

from shortstop.registry import can_be_fetched, remedy


@pytest.mark.parametrize("source", ["builtin", "qwen3-4b", "hf:a/b/c.gguf"])
def test_what_can_be_fetched_is_named_in_the_command(source: str) -> None:
    assert can_be_fetched(source)
    assert f"`shortstop pull {source}`" in remedy(source)


def test_a_path_is_to_be_checked() -> None:
    assert not can_be_fetched("models/own.gguf")
    assert "check the path" in remedy("models/own.gguf")


def test_a_misspelt_name_is_set_right() -> None:
    assert remedy("qwen3-4") == (
        "Did you mean 'qwen3-4b'? `shortstop models` lists the names that there are."
    )
    assert remedy("zzz") == "`shortstop models` lists the names that there are."
