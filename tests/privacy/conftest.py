"""A guard with a body-only decoder, and the shortest way to ask it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.privacy import PrivacyGuard
from shortstop.types import Caller, Clearance, Json, Message, Request, Target, Text

REMOTE = Target("big", "big-1", local=False, provider="vendor", context=100_000, region="eu")
BUILTIN, ANYONE = PrivacyConfig(), Caller()
PSEUDONYMISE = PrivacyConfig(
    policies={"default": PrivacyPolicy(rules=(PrivacyRule("pseudonymise", tier="S2"),))}
)


def make(body: Json, id: str = "r1") -> Request:
    said = body.get("messages", ())
    return Request(
        id=id,
        dialect="openai.chat",
        body=body,
        model="auto",
        messages=tuple(
            Message(m["role"], (Text(m["content"]),))
            for m in said
            if isinstance(m.get("content"), str)
        ),
    )


def chat(*texts: str) -> Json:
    return {"model": "auto", "messages": [{"role": "user", "content": t} for t in texts]}


def rebuild(request: Request, body: Json) -> Request:
    return msgspec.structs.replace(make(body, request.id), id=request.id)


def guard(config: PrivacyConfig = BUILTIN, **more: object) -> PrivacyGuard:
    return PrivacyGuard(config, rebuild, key=b"k" * 32, **more)  # type: ignore[arg-type]


@pytest.fixture
def clear() -> Callable[..., Clearance]:
    """Judge a body, or texts, by the built-in policy."""
    sentinel = guard()

    def ask(*what: str | Json, caller: Caller = ANYONE) -> Clearance:
        body = what[0] if isinstance(what[0], dict) else chat(*map(str, what))
        return sentinel.clear(make(body), caller)

    return ask
