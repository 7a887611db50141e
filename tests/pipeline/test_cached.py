"""Exact answers again: whose, for how long, how many, and never what is too sensitive."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from shortstop import dialects
from shortstop.config import CacheConfig
from shortstop.pipeline.cached import ReplyCache
from shortstop.pipeline.clearing import NOT_CLEARED
from shortstop.pipeline.record import RequestRecord
from shortstop.types import UNMETERED, Caller, Choice, Reply, Text, Tier, Usage
from tests.conftest import FakeClock

ALL = CacheConfig(use="all")
SOMEBODY = Caller(conversation="c1")


def record(
    text: str = "a", caller: Caller = SOMEBODY, tier: Tier = Tier.S0, **body: Any
) -> RequestRecord:
    asked = {"model": "auto", "messages": [{"role": "user", "content": text}], **body}
    request = dialects.get("openai.chat").decode_request(asked, "req_1")
    made = RequestRecord(request, caller, UNMETERED, 0.0, 0.0)
    made.clearance = replace(NOT_CLEARED, tier=tier)
    return made


def reply(text: str = "yes", finish: Any = "stop") -> Reply:
    return Reply("r", "m", (Choice(parts=(Text(text),), finish=finish),), Usage(input=3, output=2))


def cache(config: CacheConfig = ALL, version: bytes = b"1") -> ReplyCache:
    return ReplyCache(config, version, FakeClock())


def hits(kept: ReplyCache, first: RequestRecord, then: RequestRecord) -> bool:
    key = kept.key(first)
    if key is not None:
        kept.keep(key, first, reply(), Tier.S0)
    key = kept.key(then)
    return key is not None and kept.find(key) is not None


@pytest.mark.parametrize(
    ("then", "same"),
    [
        (record(), True),
        (record(stream=True), True),
        (record(user="somebody else"), True),
        (record("b"), False),
        (record(temperature=0.5), False),
        (record(max_tokens=5), False),
        (record(response_format={"type": "json_object"}), False),
        (record(caller=Caller(tenant="other")), False),
        (record(caller=Caller(targets=frozenset(["small"]))), False),
        (record(caller=Caller(task="other")), False),
        (record(caller=Caller(cache="bypass")), False),
        (record(tier=Tier.S2), False),
    ],
)
def test_the_same_question_of_the_same_tenant(then: RequestRecord, same: bool) -> None:
    assert hits(cache(), record(), then) is same


def test_what_the_vendor_is_told_in_headers_is_part_of_the_question() -> None:
    first, same, other = record(), record(), record()
    for one, team in ((first, "a"), (same, "a"), (other, "b")):
        one.request = replace(one.request, headers={"x-team": team})
    assert hits(cache(), first, same)
    assert not hits(cache(), first, other)


def test_a_question_is_the_same_in_another_dialect() -> None:
    body = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]}
    asked = dialects.get("anthropic.messages").decode_request(body, "req_2")
    other = record()
    other.request = asked
    assert hits(cache(), record(max_tokens=9), other)


def test_it_is_asked_for() -> None:
    off = CacheConfig(use="asked", tenants=("acme",))
    assert not hits(cache(off), record(), record())
    assert hits(cache(off), record(caller=Caller(cache="use")), record(caller=Caller(cache="use")))
    acme = Caller(tenant="acme")
    assert hits(cache(off), record(caller=acme), record(caller=acme))


def test_what_is_not_whole_or_too_sensitive_is_not_kept() -> None:
    kept, asked = cache(), record()
    key = kept.key(asked)
    assert key is not None
    kept.keep(key, asked, reply(finish="length"), Tier.S0)
    kept.keep(key, asked, reply(), Tier.S3)
    kept.keep(key, asked, reply("x" * 2_000_000), Tier.S0)
    assert kept.find(key) is None


def test_its_time_and_its_size_are_bounded() -> None:
    clock = FakeClock()
    kept = ReplyCache(CacheConfig(use="all", seconds=60, max_mb=0.01), b"1", clock)
    for i in range(100):
        asked = record(str(i))
        key = kept.key(asked)
        assert key is not None
        kept.keep(key, asked, reply("x" * 500), Tier.S0)
    assert 0 < kept.size <= 10_000
    assert kept.find(key) is not None, "the newest"
    first = kept.key(record("0"))
    assert first is not None
    assert kept.find(first) is None
    clock.now += 61
    assert kept.find(key) is None


def test_an_erasure_here_or_elsewhere_empties_it() -> None:
    epoch = [0]
    kept = ReplyCache(ALL, b"1", FakeClock(), lambda: epoch[0])
    asked = record()
    key = kept.key(asked)
    assert key is not None
    kept.keep(key, asked, reply(), Tier.S0)
    assert kept.find(key) is not None
    epoch[0] += 1
    assert (kept.find(key), kept.size) == (None, 0)


def test_another_configuration_is_another_cache() -> None:
    one, other = cache(version=b"1"), cache(version=b"2")
    assert one.key(record()) != other.key(record())
