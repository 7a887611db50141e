"""A guard with a body-only decoder, and the shortest way to ask it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import settings

from shortstop import dialects
from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.ports import Clock
from shortstop.privacy import BodyFormat, PrivacyGuard, PrivacyStores
from shortstop.privacy.audit import AuditLog
from shortstop.privacy.leaves import LeafReader
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.taint import Taint
from shortstop.types import Caller, Clearance, Json, Message, Request, Target, Text
from tests.conftest import FakeClock

REMOTE = Target("big", "big-1", local=False, provider="vendor", context=100_000, region="eu")
BUILTIN, ANYONE = PrivacyConfig(), Caller()
PSEUDONYMISE = PrivacyConfig(
    policies={"default": PrivacyPolicy(rules=(PrivacyRule("pseudonymise", tier="S2"),))}
)
KEY = b"k" * 32
UNTIMED = settings(deadline=None)
"""For properties over detectors: the first example builds them, and test machines are busy."""


def make(body: Json, id: str = "r1") -> Request:
    turns = [m for m in body.get("messages", ()) if isinstance(m.get("content"), str)]
    messages = tuple(Message(m["role"], (Text(m["content"]),)) for m in turns)
    return Request(id=id, dialect="openai.chat", body=body, model="auto", messages=messages)


def chat(*texts: str) -> Json:
    return {"model": "auto", "messages": [{"role": "user", "content": t} for t in texts]}


def rebuild(request: Request, body: Json) -> Request:
    return msgspec.structs.replace(make(body, request.id), headers=request.headers)


BODIES = BodyFormat(rebuild, dialects.wire_words())
READER = LeafReader(BODIES.words)


def stores(
    vault: Vault | None = None, taint: Taint | None = None, audit: AuditLog | None = None
) -> PrivacyStores:
    """What a guard keeps, in memory where a test does not bring its own."""
    memory = Vault(FakeClock().time, 3600)
    return PrivacyStores(KEY, vault or memory, Taint() if taint is None else taint, audit)


def guard(
    config: PrivacyConfig = BUILTIN,
    *,
    clock: Clock | None = None,
    kept: PrivacyStores | None = None,
    **more: object,
) -> PrivacyGuard:
    """A guard of its own; its clock stands still unless the test brings one."""
    return PrivacyGuard(config, BODIES, kept or stores(), clock or FakeClock(), **more)  # type: ignore[arg-type]


@pytest.fixture
def clear() -> Callable[..., Clearance]:
    """Judge a body, or texts, by the built-in policy."""
    judge = guard()

    def ask(*what: str | Json, caller: Caller = ANYONE) -> Clearance:
        body = what[0] if isinstance(what[0], dict) else chat(*map(str, what))
        return judge.clear(make(body), caller)

    return ask
