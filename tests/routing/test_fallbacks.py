"""Who may stand in for whom: as configured, if the key may use it and it can do what is asked."""

from __future__ import annotations

from typing import Any

from shortstop.config import FallbackConfig
from shortstop.routing import Fallbacks
from shortstop.types import Caller, Media, Message, Request, Target, Text

TARGETS = {
    target.name: target
    for target in (
        Target("small", "small", local=True, provider="embedded", context=2048),
        Target("big", "big", local=False, provider="v", context=9000),
        Target(
            "sees", "sees", local=False, provider="v", context=9000,
            abilities=frozenset(["vision"]),
        ),
        Target("old", "old", local=False, provider="v", context=9000, state="retired"),
    )
}  # fmt: skip
TABLE = {
    "big": FallbackConfig(context=("sees",), outage=("old", "sees", "small", "unheard-of")),
    "small": FallbackConfig(rate_limit=("big",)),
}
ANYBODY = Caller()


def request(*parts: Any) -> Request:
    return Request("r", "openai.chat", {}, "big", (Message("user", parts or (Text("hi"),)),))


def test_only_the_plans_targets_count() -> None:
    fallbacks = Fallbacks(TABLE, TARGETS)
    assert fallbacks.of(("sees",), request(), ANYBODY) == {}
    assert fallbacks.of(("small",), request(), ANYBODY) == {("small", "rate_limit"): ("big",)}
    assert set(fallbacks.of(("small", "big"), request(), ANYBODY)) == {
        ("big", "context"), ("big", "outage"), ("small", "rate_limit"),
    }  # fmt: skip


def test_who_is_gone_or_does_not_serve_is_left_out() -> None:
    found = Fallbacks(TABLE, TARGETS).of(("big",), request(), ANYBODY)
    assert found["big", "outage"] == ("sees", "small")


def test_a_key_is_held_to_its_targets() -> None:
    caller = Caller(key="k", targets=frozenset(["big", "small"]))
    found = Fallbacks(TABLE, TARGETS).of(("big",), request(), caller)
    assert found == {("big", "outage"): ("small",)}, "and no class without anybody"


def test_it_must_be_able_to_do_what_is_asked() -> None:
    picture = Media("image", mime="image/png", data="AA==")
    found = Fallbacks(TABLE, TARGETS).of(("big",), request(picture), ANYBODY)
    assert found == {("big", "context"): ("sees",), ("big", "outage"): ("sees",)}


def test_what_nobody_bills() -> None:
    fallbacks = Fallbacks(TABLE, TARGETS)
    found = fallbacks.of(("big",), request(), ANYBODY)
    assert fallbacks.unpaid(found) == {("big", "outage"): ("small",)}
