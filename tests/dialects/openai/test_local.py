"""What llama.cpp's server adds to OpenAI's chat."""

from __future__ import annotations

import json

import pytest

from shortstop.dialects.openai.local import (
    LocalCompletionDecoder,
    completion_of,
    guidance,
    progress_of,
    rendered,
    rewrite_content,
    timed,
    timings,
)
from shortstop.errors import UpstreamFailed
from shortstop.types import Chunk

CHAT = (
    b'{"messages":[{"role":"user","content":"a"}],"max_tokens":3,"top_logprobs":2,"logprobs":true}'
)


def test_progress_is_told_from_text() -> None:
    assert progress_of(Chunk(wire={"prompt_progress": {"total": 9, "cache": 4}})) == (9, 4)
    assert progress_of(Chunk(wire={"prompt_progress": {}})) == (0, 0)
    assert progress_of(Chunk(text="a", wire={"choices": []})) is None
    assert progress_of(Chunk(text="a")) is None


def test_only_what_is_said_is_rewritten() -> None:
    body = json.loads(rewrite_content(CHAT, lambda text: text.replace('"a"', '"b"')))
    assert body["messages"][0]["content"] == "b"
    assert body["max_tokens"] == 3


def test_a_prompt_of_text_and_tokens_is_asked_under_the_same_conditions() -> None:
    assert rendered(b'{"prompt": "<a>"}') == "<a>"
    chat = json.dumps({**json.loads(CHAT), "response_format": {"type": "json_object"}}).encode()
    asked = json.loads(completion_of(chat, ["<a>", 7]))
    assert asked["prompt"] == ["<a>", 7]
    assert (asked["n_probs"], asked["max_tokens"]) == (2, 3)
    assert {"messages", "logprobs", "response_format"}.isdisjoint(asked)
    assert asked["grammar"] == guidance({"type": "object"})["grammar"]


def test_a_completion_s_frames_are_read_like_a_chat_s() -> None:
    decoder = LocalCompletionDecoder()
    frame = {"choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}]}
    chunks = decoder.feed(b"data: " + json.dumps(frame).encode() + b"\n\ndata: [DONE]\n\n")
    assert "".join(chunk.text for chunk in chunks) == "hi"


def test_how_fast_a_reply_was_made() -> None:
    asked = json.loads(timed("count", 16))
    assert (asked["max_tokens"], asked["ignore_eos"]) == (16, True)
    said = timings(b'{"timings": {"prompt_per_second": 200.5, "predicted_per_second": 50}}')
    assert (said.prefill, said.decode) == (200.5, 50)
    for reply in (b"", b"{}", b'{"timings": {"prompt_per_second": null}}'):
        with pytest.raises(UpstreamFailed, match="how long"):
            timings(reply)
