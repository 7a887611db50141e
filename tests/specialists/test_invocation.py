"""Calls that mean the same are spelled the same."""

from __future__ import annotations

import pytest

from shortstop.specialists.invocation import Invocation, spelled


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a":1,"b":[{"d":2,"c":3}]}', '{ "b": [{"c": 3, "d": 2.0}], "a": 1 }', True),
        ("", "{}", True),
        ('{"a":1}', '{"a":"1"}', False),
        ('{"a":[1,2]}', '{"a":[2,1]}', False),
        ('{"a":1.5}', '{"a":1}', False),
        ("{a", "{a", True),
        ("{a", "{}", False),
    ],
)
def test_arguments(one: str, other: str, same: bool) -> None:
    assert (spelled([Invocation("f", one)]) == spelled([Invocation("f", other)])) is same


def test_names_and_the_order_of_calls_count() -> None:
    a, b = Invocation("a", "{}"), Invocation("b", "{}")
    assert spelled([a]) != spelled([b])
    assert spelled([a, b]) != spelled([b, a])
