"""Every dialect into every other: golden files, grammars and the vendors' own parsers.

`SHORTSTOP_REGOLD=1` writes the golden files anew; read the difference before keeping it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import anthropic.types as claude
import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from shortstop import dialects
from shortstop.errors import UpstreamRejected
from shortstop.types import DialectName

from .grammar import check_anthropic, check_responses, frames
from .samples import CREATED, ERRORS, NAMES, REPLIES, asked, retold

GOLDEN = Path(__file__).parent / "golden"
PAIRS = [(a, b) for a in NAMES for b in NAMES]
STREAM_TYPES = {
    "openai.chat": TypeAdapter(ChatCompletionChunk),
    "openai.completions": TypeAdapter(Completion),
    "openai.responses": TypeAdapter(ResponseStreamEvent),
    "anthropic.messages": TypeAdapter(claude.RawMessageStreamEvent),
}
REPLY_TYPES = {
    "openai.chat": ChatCompletion,
    "openai.completions": Completion,
    "openai.responses": Response,
    "anthropic.messages": claude.Message,
}


def golden(name: str, made: bytes) -> None:
    path = GOLDEN / name
    if os.environ.get("SHORTSTOP_REGOLD"):
        path.write_bytes(made)
    assert made == path.read_bytes()


def pretty(data: bytes) -> bytes:
    return json.dumps(json.loads(data), indent=1, ensure_ascii=False).encode() + b"\n"


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_request(client: DialectName, upstream: DialectName) -> None:
    request = asked(client)
    try:
        made = pretty(dialects.get(upstream).encode_request(request, "target"))
    except UpstreamRejected as error:
        made = pretty(json.dumps({"rejected": str(error), "param": error.param}).encode())
    golden(f"request.{client}--{upstream}.json", made)


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_reply(client: DialectName, upstream: DialectName) -> None:
    reply = dialects.get(upstream).decode_reply(json.dumps(REPLIES[upstream]).encode())
    made = dialects.get(client).encode_reply(reply, asked(client))
    told = json.loads(made)
    assert told["model"] == "auto"
    if "created" in told:
        made = json.dumps({**told, "created": CREATED}, ensure_ascii=False).encode()
    elif "created_at" in told:
        made = json.dumps({**told, "created_at": CREATED}, ensure_ascii=False).encode()
    REPLY_TYPES[client].model_validate_json(made, strict=False)
    golden(f"reply.{upstream}--{client}.json", pretty(made))


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_stream(client: DialectName, upstream: DialectName) -> None:
    made = retold(upstream, client)
    for frame in frames(made):
        if frame.get("type") == "ping":
            continue
        if client == "openai.completions":
            # The SDK's type forbids the null that OpenAI itself streams (the SDK never checks).
            for choice in frame["choices"]:
                choice["finish_reason"] = choice["finish_reason"] or "stop"
        STREAM_TYPES[client].validate_python(frame)
    if client == "anthropic.messages":
        check_anthropic(made)
    if client == "openai.responses":
        check_responses(made)
    golden(f"stream.{upstream}--{client}.sse", made)


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_error(client: DialectName, upstream: DialectName) -> None:
    body = json.dumps(ERRORS[upstream]).encode()
    error = dialects.get(upstream).decode_error(400, body, None)
    assert isinstance(error, UpstreamRejected)
    assert error.code == "context_length_exceeded"
    made = dialects.get(client).encode_error(error, "req_1")
    golden(f"error.{upstream}--{client}.json", pretty(made))


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_stream_in_any_chunking(client: DialectName, upstream: DialectName, step: int) -> None:
    assert retold(upstream, client, step=step) == retold(upstream, client)
