"""A key that another sentence names is found where no other value could be meant."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect import lone

HEX = "8aecdb3aa427124ec8bbbfd2a53df28e"


def found(text: str) -> list[str]:
    data = text.encode()
    return [data[start:end].decode() for start, end in lone.spans(data)]


def test_the_only_value_is_the_one_that_is_meant() -> None:
    text = f"You asked for our API key. I had to dig for it, in an old wiki. Here: {HEX}. Thanks."
    assert found(text) == [HEX]


@pytest.mark.parametrize(
    "text",
    [
        f"Our API key is rotated in commit {HEX}.",
        f"The auth tests pass at {HEX}.",
        f"the API key: {HEX} or {HEX[::-1]}",
        HEX,
        f"API key. {'x ' * 1000}{HEX}",
    ],
)
def test_what_may_be_another_thing_is_none(text: str) -> None:
    assert found(text) == []
