"""Descriptions are true: to the code beside them, and to each other."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop import dialects
from shortstop.dialects import Counting
from shortstop.errors import Overloaded, UpstreamFailed
from shortstop.types import Chunk, DialectName, Format, Sampling, ToolDelta
from tests.dialects.samples import NAMES, REPLIES, REQUESTS, asked

SAYABLE = {
    *Sampling.__struct_fields__,
    *get_args(Format.__annotations__["kind"]),
    "json_object",
    "json_schema",
    "tools",
    "metadata",
}


@pytest.mark.parametrize("name", NAMES)
def test_words_are_words(name: DialectName) -> None:
    description = dialects.description_of(name)
    assert description.says <= SAYABLE
    for kin in description.kin:
        assert name in dialects.description_of(kin).kin
        assert description.shared_tools == dialects.description_of(kin).shared_tools
    assert description.words.constants.keys() <= description.words.names
    assert {*description.pinning} <= description.fields


@pytest.mark.parametrize("name", NAMES)
def test_the_usage_of_its_own_answers_is_recognised(name: DialectName) -> None:
    usage = REPLIES[name]["usage"]
    description = dialects.description_of(name)
    assert description.usage.marks <= usage.keys()
    read = dialects.read_usage(usage)
    assert read == description.usage.read(usage)
    assert read == dialects.get(name).decode_reply(json.dumps(REPLIES[name]).encode()).usage


@pytest.mark.parametrize("name", NAMES)
def test_a_body_without_its_stream_is_the_same_request_whole(name: DialectName) -> None:
    streamed = asked(name, stream=True)
    body = dialects.description_of(name).unstreamed(streamed.body)
    whole = dialects.get(name).decode_request(body, "r")
    assert not whole.stream
    assert whole.messages == streamed.messages
    assert whole.sampling == streamed.sampling
    assert whole.extra == streamed.extra


@pytest.mark.parametrize("name", NAMES)
def test_a_heated_body_differs_in_its_heat_alone(name: DialectName) -> None:
    description = dialects.description_of(name)
    body = {**REQUESTS[name], "stream": True}
    warm = dialects.get(name).decode_request(description.heated(body, 0.7), "r")
    cold = asked(name)
    assert warm.sampling.temperature == 0.7
    assert not warm.stream
    assert warm.messages == cold.messages
    assert body["stream"] is True, "the client's body is left alone"
    assert description.heated({}, 0.7) == {}


@pytest.mark.parametrize("name", ["openai.chat", "openai.responses", "anthropic.messages"])
def test_the_ids_that_we_give_to_calls_are_within_its_limits(name: DialectName) -> None:
    request = replace(asked(name, stream=True), id="req_" + "f" * 32)
    encoder, call = dialects.get(name).stream_encoder(request, 1), ToolDelta(0, "c1", "f", "{}")
    if name != "openai.chat":  # which may leave a call without an id
        call = replace(call, id=None)
    data = encoder.encode(Chunk(tools=(call,))) + encoder.finish()
    chunks = dialects.get(name).stream_decoder().feed(data)
    (id,) = [delta.id for chunk in chunks for delta in chunk.tools if delta.id]
    assert len(id) <= (dialects.description_of(name).limits.call_id or 64)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", id)


def test_only_anthropics_clients_know_overload_by_another_number() -> None:
    error = Overloaded("full")
    statuses = {name: dialects.description_of(name).status_of(error) for name in NAMES}
    assert statuses.pop("anthropic.messages") == 529
    assert set(statuses.values()) == {503}


COUNTING = Counting(path="/count", result="tokens", fields=frozenset(["model", "text"]))


@given(st.integers(0, 2**40))
def test_a_count_arrives(tokens: int) -> None:
    assert COUNTING.decode(COUNTING.encode(tokens)) == tokens


def test_only_what_counts_is_sent() -> None:
    question = COUNTING.question({"model": "m", "text": "hi", "temperature": 1})
    assert json.loads(question) == {"model": "m", "text": "hi"}


@given(st.binary(max_size=40))
def test_no_bytes_are_a_count_that_are_none(data: bytes) -> None:
    with suppress(UpstreamFailed):
        assert type(COUNTING.decode(data)) is int


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"tokens": "many"}', b"{" * 3000, b"\xff"])
def test_no_count_is_the_servers_failure(data: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        COUNTING.decode(data)
