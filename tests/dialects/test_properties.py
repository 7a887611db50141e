"""What holds for every request, answer and stream, not only for the samples."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.errors import InvalidRequest, UpstreamFailed, UpstreamRejected
from shortstop.types import (
    Choice,
    Chunk,
    DialectName,
    Message,
    Part,
    Reply,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolDelta,
    ToolResult,
    Usage,
)

from .grammar import check_anthropic, check_responses, frames
from .samples import CREATED, NAMES, REPLIES, REQUESTS, STREAMS, asked

CHATTY: tuple[DialectName, ...] = ("openai.chat", "openai.responses", "anthropic.messages")
PAIRS = [(a, b) for a in CHATTY for b in CHATTY if a != b]

# ---------------------------------------------------------------- any wrong value, anywhere

leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"type": ["text"]}),
    st.just([{"type": "text"}]),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in inner:
        deeper = isinstance(child, (dict, list))
        found += places(child, (*at, key)) if deeper else [(*at, key)]
    return found


def altered(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    made = copy.deepcopy(value)
    node = made
    for key in at[:-1]:
        node = node[key]
    node[at[-1]] = new
    return made


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_wrong_value_is_refused_or_understood_never_a_crash(
    name: DialectName, data: st.DataObject
) -> None:
    at = data.draw(st.sampled_from(places(REQUESTS[name])))
    body = altered(REQUESTS[name], at, data.draw(leaf))
    try:
        request = dialects.get(name).decode_request(body, "r")
    except InvalidRequest:
        return
    for to in NAMES:
        dialects.lost(request, to)
        with suppress(UpstreamRejected):
            json.loads(dialects.get(to).encode_request(request, "m"))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_wrong_reply_is_the_upstreams_failure_or_understood(
    name: DialectName, data: st.DataObject
) -> None:
    at = data.draw(st.sampled_from(places(REPLIES[name])))
    body = altered(REPLIES[name], at, data.draw(leaf))
    try:
        reply = dialects.get(name).decode_reply(json.dumps(body).encode())
    except UpstreamFailed:
        return
    for to in NAMES:
        made = dialects.get(to).encode_reply(reply, asked(to))
        assert isinstance(json.loads(made), dict)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_wrong_frame_is_the_upstreams_failure_or_understood(
    name: DialectName, data: st.DataObject
) -> None:
    told = frames(STREAMS[name])
    i = data.draw(st.integers(0, len(told) - 1))
    at = data.draw(st.sampled_from(places(told[i])))
    told[i] = altered(told[i], at, data.draw(leaf))
    decoder = dialects.get(name).stream_decoder()
    encoders = [dialects.get(to).stream_encoder(asked(to, stream=True), 1) for to in NAMES]
    try:
        for frame in told:
            for chunk in decoder.feed(b"data: " + json.dumps(frame).encode() + b"\n\n"):
                for encoder in encoders:
                    encoder.encode(chunk)
    except UpstreamFailed:
        pass
    for encoder in encoders:
        encoder.finish()


# ---------------------------------------------------------------- there and back

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda t: t.strip() != ""
)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
arguments = st.dictionaries(names, st.integers(0, 9) | words, max_size=2).map(
    lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":"))
)
said = st.builds(Text, words)
calls = st.builds(ToolCall, id=names, name=names, arguments=arguments)
several_calls = st.lists(calls, max_size=2, unique_by=lambda call: call.id)
user = st.builds(
    lambda parts: Message("user", tuple(parts)), st.lists(said, min_size=1, max_size=3)
)
tools = st.lists(
    st.builds(
        Tool,
        name=names,
        description=words,
        schema=st.just({"type": "object", "properties": {"a": {"type": "string"}}}),
        strict=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda t: t.name,
).map(tuple)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """As every vendor wants them: each call has its own id and its result right behind it."""
    found = []
    ids = iter(draw(st.lists(names, min_size=6, max_size=6, unique=True)))
    if draw(st.booleans()):
        found.append(Message("system", (draw(said),)))
    for _ in range(draw(st.integers(1, 3))):
        found.append(draw(user))
        spoken: list[Part] = [*draw(st.lists(said, max_size=1))]
        made = [
            ToolCall(next(ids), *draw(st.tuples(names, arguments)))
            for _ in range(draw(st.integers(0 if spoken else 1, 2)))
        ]
        found.append(Message("assistant", (*spoken, *made)))
        found += [Message("tool", (ToolResult(call.id, (draw(said),)),)) for call in made]
    return (*found, draw(user))


@st.composite
def mixed_up(draw: st.DrawFn) -> tuple[Message, ...]:
    """In any order, with results that are missing or told twice, and calls that share ids."""
    messages = [m for m in draw(conversations()) if m.role != "tool" or draw(st.booleans())]
    messages += draw(st.lists(st.sampled_from(messages), max_size=2))
    return tuple(draw(st.permutations(messages)))


@st.composite
def requests(
    draw: st.DrawFn, spoken: Callable[[], st.SearchStrategy[tuple[Message, ...]]] = conversations
) -> Request:
    defined = draw(tools)
    sampling = draw(st.sampled_from(["temperature", "top_p"]))
    return Request(
        id="r",
        dialect="openai.chat",
        body={},
        model="m",
        messages=draw(spoken()),
        tools=defined,
        tool_choice=draw(
            st.sampled_from(
                [ToolChoice(), ToolChoice("required"), ToolChoice("none")]
                + [ToolChoice("required", (t.name,)) for t in defined]
            )
            if defined
            else st.just(ToolChoice())
        ),
        sampling=Sampling(
            max_tokens=draw(st.integers(1, 9999)),
            reasoning_effort=draw(st.sampled_from([None, "low", "medium", "high", "none"])),
            **{sampling: draw(st.none() | st.floats(0, 0.99))},
        ),
        stream=draw(st.booleans()),
    )


def core(request: Request) -> Any:
    return (
        _folded(request.messages),
        request.tools,
        request.tool_choice,
        request.sampling,
        request.stream,
    )


def _folded(messages: tuple[Message, ...]) -> Any:
    """A user's message beside tool results may have been joined to them; its words are the same."""
    return [(m.role, p) for m in messages for p in m.parts]


@pytest.mark.parametrize(("there", "via"), PAIRS)
@given(request=requests())
@settings(max_examples=60, deadline=None)
def test_request_there_and_back_keeps_all_that_both_can_say(
    there: DialectName, via: DialectName, request: Request
) -> None:
    assert core(_there_and_back(request, there, via)) == core(request)


@pytest.mark.parametrize(("there", "via"), PAIRS)
@given(request=requests(mixed_up))
@settings(max_examples=40, deadline=None)
def test_whatever_the_order_no_word_is_lost(
    there: DialectName, via: DialectName, request: Request
) -> None:
    assert _words(_there_and_back(request, there, via)) == _words(request)


def _there_and_back(request: Request, there: DialectName, via: DialectName) -> Request:
    for name in (there, via, there):
        body = json.loads(dialects.get(name).encode_request(request, "m"))
        request = dialects.get(name).decode_request(body, "r")
    return request


def _words(request: Request) -> Counter[str]:
    """All that is said, called and answered, with how often."""
    parts = [p for m in request.messages for p in m.parts]
    parts += [q for p in parts if isinstance(p, ToolResult) for q in p.parts]
    said = [p.text for p in parts if isinstance(p, Text)]
    return Counter(said + [f"{p.name} {p.arguments}" for p in parts if isinstance(p, ToolCall)])


usages = st.builds(
    Usage,
    input=st.integers(1, 999),
    cache_read=st.integers(0, 999),
    cache_write=st.integers(0, 999),
    output=st.integers(0, 999),
    reasoning=st.integers(0, 999),
)


@pytest.mark.parametrize(("there", "via"), PAIRS)
@given(
    thinking=st.none() | words,
    text=st.none() | words,
    called=several_calls,
    usage=usages,
)
@settings(max_examples=60, deadline=None)
def test_reply_there_and_back(
    there: DialectName,
    via: DialectName,
    thinking: str | None,
    text: str | None,
    called: list[ToolCall],
    usage: Usage,
) -> None:
    parts: list[Part] = [Thinking(thinking)] if thinking else []
    parts += [Text(text)] if text else []
    finish = "tool_calls" if called else "stop"
    choice = Choice(parts=(*parts, *called), finish=finish)
    current = Reply("x", "m", (choice,), usage)
    for name in (there, via, there):
        made = dialects.get(name).encode_reply(current, asked(name))
        decoded = dialects.get(name).decode_reply(made)
        current = Reply("x", "m", decoded.choices, decoded.usage)
    found = current.choices[0]
    kept = [Thinking(p.text) if isinstance(p, Thinking) else p for p in found.parts]
    assert kept == list(choice.parts)
    assert found.finish == finish
    assert current.usage == usage


# ---------------------------------------------------------------- streams

pieces = st.text(max_size=4)


@st.composite
def chunk_lists(draw: st.DrawFn) -> list[Chunk]:
    """Prose and interleaved tool calls in any order, as the worst chat server sends them."""
    found, begun = [], set()
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["text", "thinking", "refusal", "sign", "redacted", "tool"]))
        if kind == "tool":
            index = draw(st.integers(0, 2))
            first = index not in begun
            begun.add(index)
            id, name = (f"call_{index}", f"f{index}") if first else (None, None)
            found.append(Chunk(tools=(ToolDelta(index, id, name, draw(pieces)),)))
        elif kind == "sign":
            found.append(Chunk(signature="s"))
        elif kind == "redacted":
            found.append(Chunk(redacted="r"))
        else:
            found.append(Chunk(**{kind: draw(pieces)}))
    if draw(st.booleans()):
        found.append(Chunk(finish=draw(st.sampled_from(["stop", "length", "refusal"]))))
    return found


def _spoken(chunks: list[Chunk]) -> tuple[str, dict[int, str]]:
    spoken: dict[int, str] = {}
    for chunk in chunks:
        for delta in chunk.tools:
            spoken[delta.index] = spoken.get(delta.index, "") + delta.arguments
    return "".join(c.text for c in chunks), spoken


@given(chunks=chunk_lists())
@settings(max_examples=300, deadline=None)
def test_anthropic_streams_obey_the_grammar_and_lose_nothing(chunks: list[Chunk]) -> None:
    encoder = dialects.get("anthropic.messages").stream_encoder(
        asked("anthropic.messages", stream=True), CREATED
    )
    made = b"".join([encoder.encode(c) for c in chunks]) + encoder.finish()
    blocks = check_anthropic(made)
    text, spoken = _spoken([Chunk(text=c.text + c.refusal, tools=c.tools) for c in chunks])
    back = dialects.get("anthropic.messages").stream_decoder().feed(made)
    assert "".join(c.text for c in back) == text
    told = {b["id"]: b["json"] for b in blocks if b["type"] == "tool_use"}
    assert told == {f"call_{i}": v for i, v in spoken.items()}


@given(chunks=chunk_lists())
@settings(max_examples=300, deadline=None)
def test_responses_streams_obey_the_grammar_and_lose_nothing(chunks: list[Chunk]) -> None:
    encoder = dialects.get("openai.responses").stream_encoder(
        asked("openai.responses", stream=True), CREATED
    )
    made = b"".join([encoder.encode(c) for c in chunks]) + encoder.finish()
    items = check_responses(made)
    text, spoken = _spoken(chunks)
    back = dialects.get("openai.responses").stream_decoder().feed(made)
    assert "".join(c.text for c in back) == text
    told = {i["call_id"]: i["arguments"] for i in items if i["type"] == "function_call"}
    assert told == {f"call_{i}": v for i, v in spoken.items()}


@given(chunks=chunk_lists(), name=st.sampled_from(NAMES))
@settings(max_examples=200, deadline=None)
def test_an_error_may_end_any_stream(chunks: list[Chunk], name: DialectName) -> None:
    encoder = dialects.get(name).stream_encoder(asked(name, stream=True), CREATED)
    made = b"".join([encoder.encode(c) for c in chunks]) + encoder.error(UpstreamFailed("Gone."))
    if name == "anthropic.messages":
        check_anthropic(made, failed=True)
    elif name == "openai.responses":
        check_responses(made, failed=True)
    with pytest.raises(UpstreamFailed):
        dialects.get(name).stream_decoder().feed(made)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_decoding_is_the_same_in_any_chunking(name: DialectName, data: st.DataObject) -> None:
    sent = STREAMS[name]
    ending = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    sent = sent.replace(b"\n", ending)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)), max_size=40)))
    decoder = dialects.get(name).stream_decoder()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        found += decoder.feed(sent[start:end])
    assert found == dialects.get(name).stream_decoder().feed(STREAMS[name])
    assert decoder.done
