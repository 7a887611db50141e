"""What a target would not be told is named, and nothing else is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop import dialects
from shortstop.dialects.fit import closed
from shortstop.dialects.loss import DEFAULTS, carried, portable, refuse_pinned
from shortstop.errors import UpstreamRejected
from shortstop.types import (
    DialectName,
    Format,
    Message,
    Opaque,
    Request,
    Sampling,
    Text,
    Tool,
    ToolResult,
)
from tests.dialects.samples import NAMES, asked
from tests.dialects.strategies import samplings

PAIRS = [(a, b) for a in NAMES for b in NAMES]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
formats = st.sampled_from([Format(), Format("json_object"), Format("json_schema", SCHEMA)])


def plain(name: DialectName, **more: Any) -> Request:
    messages = (Message("user", (Text("Hello!"),)),)
    return Request("r", name, {}, "auto", messages, **more)


@pytest.mark.parametrize(("client", "target"), PAIRS)
@given(
    sampling=samplings,
    format=formats,
    metadata=st.dictionaries(st.sampled_from(["a", "b"]), st.just("x"), max_size=2),
)
@settings(max_examples=60, deadline=None)
def test_what_is_not_named_arrives(
    client: DialectName,
    target: DialectName,
    sampling: Sampling,
    format: Format,
    metadata: dict[str, str],
) -> None:
    request = plain(client, sampling=sampling, format=format, metadata=metadata, user="u1")
    lost = dialects.lost(request, target)
    try:
        body = json.loads(dialects.get(target).encode_request(request, "m"))
    except UpstreamRejected as refusal:
        assert refusal.param in lost, "only what would change the question is refused"
        return
    there = dialects.get(target).decode_request(body, "r")
    unsent = dialects.unsent_stops(request, dialects.description_of(target))
    stops = tuple(stop for stop in sampling.stop if stop not in unsent)
    sampling = replace(sampling, stop=stops)
    for name in set(Sampling.__struct_fields__) - set(lost) - {"top_logprobs"}:
        if getattr(sampling, name) != getattr(DEFAULTS, name):
            assert getattr(there.sampling, name) == getattr(sampling, name), name
    assert there.user == (None if "user" in lost else "u1")
    if "metadata" not in lost:
        assert there.metadata == metadata
    in_words = target == "anthropic.messages" and format.kind == "json_object"
    if "response_format" not in lost and not in_words:
        schema = closed(format.schema) if target == "anthropic.messages" else format.schema
        assert (there.format.kind, there.format.schema) == (format.kind, schema)


@pytest.mark.parametrize(("client", "target"), PAIRS)
def test_a_vendors_own_fields_are_carried_or_named(
    client: DialectName, target: DialectName
) -> None:
    own = {field: {"any": "thing"} for field in dialects.description_of(client).fields}
    request = plain(client, extra={**own, "x_new": 1})
    kept, lost = carried(request, target), dialects.lost(request, target)
    assert {*kept, *lost} == {*request.extra}
    assert not {*kept} & {*lost}
    assert kept["x_new"] == 1, "what no vendor documents may be meant for the server asked"


@pytest.mark.parametrize("name", NAMES)
def test_the_clients_own_body_loses_nothing(name: DialectName) -> None:
    assert dialects.lost(asked(name), name) == ()


def test_kin_share_what_means_the_same() -> None:
    request = plain("openai.chat", extra={"service_tier": "flex"})
    assert carried(request, "openai.responses") == request.extra
    assert carried(request, "anthropic.messages") == {}, "there it has other values"


@pytest.mark.parametrize("target", NAMES)
def test_parts_that_nobody_knows_are_named_wherever_they_are(target: DialectName) -> None:
    odd = Opaque("odd", {"type": "odd"})
    for part in (odd, ToolResult("call_1", (odd,))):
        request = replace(plain("openai.chat"), messages=(Message("user", (part,)),))
        assert "messages" in dialects.lost(request, target)


def test_tools_that_run_at_a_vendor_stay_there() -> None:
    search = Tool("web_search", extra={"type": "web_search"})
    grammar = Tool("sql", extra={"type": "custom"})
    function = Tool("f", schema=SCHEMA)
    for name, tools in {
        "openai.responses": (grammar, function),
        "openai.chat": (grammar, function),
        "anthropic.messages": (function,),
    }.items():
        target = dialects.description_of(name)
        assert tuple(t for t in (search, grammar, function) if portable(t, target)) == tools
    request = plain("openai.responses", tools=(grammar, function))
    assert dialects.lost(request, "openai.chat") == ()
    assert dialects.lost(request, "anthropic.messages") == ("tools",)
    assert dialects.lost(request, "openai.completions") == ("tools",)


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_state_at_a_vendor_is_asked_about_there_or_not_at_all(field: str) -> None:
    request = plain("openai.responses", extra={field: "x"})
    for target in ("openai.chat", "anthropic.messages", "openai.completions"):
        with pytest.raises(UpstreamRejected) as caught:
            dialects.get(target).encode_request(request, "m")
        assert caught.value.param == field
    refuse_pinned(plain("openai.responses", extra={field: None}))


def test_several_prompts_are_no_dialogue() -> None:
    several = plain("openai.completions")
    refuse_pinned(several)
    with pytest.raises(UpstreamRejected, match="several prompts"):
        refuse_pinned(replace(several, messages=several.messages * 2))
    refuse_pinned(replace(plain("openai.chat"), messages=several.messages * 2))
