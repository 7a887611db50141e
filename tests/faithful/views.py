"""What a client of each dialect sees of an answer, whole or streamed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from shortstop.dialects.sse import EventParser

FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "pause",
}


@dataclass(slots=True)
class Seen:
    """`error`: an error of the dialect, in the stream or instead of an answer."""

    status: int = 200
    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    namespaces: list[str | None] = field(default_factory=list)
    finish: str | None = None
    stop_sequence: str | None = None
    error: bool = False
    message: str = ""
    raw: bytes = b""

    def call(self, id: str, name: str, arguments: Any, namespace: str | None = None) -> None:
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        self.calls.append((name, arguments))
        self.ids.append(id)
        self.namespaces.append(namespace)


def seen_of(door: str, status: int, body: bytes, *, stream: bool) -> Seen:
    """Raises AssertionError, KeyError or ValueError for what is not in the dialect."""
    seen = Seen(status=status, raw=body)
    if status != 200:
        error = json.loads(body)["error"]
        seen.error, seen.message = True, error["message"]
    elif stream:
        _STREAMS[door](_frames(body), seen)
    else:
        _WHOLE[door](json.loads(body), seen)
    return seen


def _frames(data: bytes) -> list[Any]:
    events = EventParser().feed(data)
    return [e.data if e.data == "[DONE]" else json.loads(e.data) for e in events]


# ---------------------------------------------------------------- chat


def _message(message: dict[str, Any], seen: Seen) -> None:
    seen.text = (message.get("content") or "") + (message.get("refusal") or "")
    seen.thinking = message.get("reasoning_content") or message.get("reasoning") or ""
    for call in message.get("tool_calls") or ():
        function = call["function"]
        assert isinstance(function["arguments"], str)
        seen.call(call["id"], function["name"], function["arguments"])


def _chat(answer: dict[str, Any], seen: Seen) -> None:
    (choice,) = answer["choices"]
    assert isinstance(choice["message"].get("content") or "", str)
    _message(choice["message"], seen)
    seen.finish = FINISH[choice["finish_reason"]]


def _chat_stream(frames: list[Any], seen: Seen) -> None:
    calls: dict[int, dict[str, Any]] = {}
    for frame in frames:
        if frame == "[DONE]":
            continue
        if frame.get("error"):
            seen.error, seen.message = True, frame["error"]["message"]
            continue
        for choice in frame["choices"]:
            delta = choice.get("delta") or {}
            assert isinstance(delta.get("content") or "", str)
            seen.text += (delta.get("content") or "") + (delta.get("refusal") or "")
            seen.thinking += delta.get("reasoning_content") or delta.get("reasoning") or ""
            for part in delta.get("tool_calls") or ():
                call = calls.setdefault(part["index"], {"id": "", "name": "", "arguments": ""})
                function = part.get("function") or {}
                call["id"] += part.get("id") or ""
                call["name"] += function.get("name") or ""
                call["arguments"] += function.get("arguments") or ""
            if choice.get("finish_reason"):
                assert seen.finish is None, "one finish reason"
                seen.finish = FINISH[choice["finish_reason"]]
    assert sorted(calls) == list(range(len(calls)))
    for _, call in sorted(calls.items()):
        if not seen.error:
            seen.call(call["id"], call["name"], call["arguments"])
    assert seen.error or frames[-1] == "[DONE]"


# ---------------------------------------------------------------- completions


def _completion(answer: dict[str, Any], seen: Seen) -> None:
    (choice,) = answer["choices"]
    seen.text, seen.finish = choice["text"], FINISH[choice["finish_reason"]]


def _completion_stream(frames: list[Any], seen: Seen) -> None:
    for frame in frames:
        if frame == "[DONE]":
            continue
        if frame.get("error"):
            seen.error, seen.message = True, frame["error"]["message"]
            continue
        for choice in frame["choices"]:
            seen.text += choice["text"]
            if choice["finish_reason"]:
                seen.finish = FINISH[choice["finish_reason"]]


# ---------------------------------------------------------------- Responses


def _item(item: dict[str, Any], seen: Seen) -> None:
    kind = item["type"]
    if kind == "message":
        for part in item["content"]:
            seen.text += part.get("text") or part.get("refusal") or ""
    elif kind == "reasoning":
        parts = item.get("summary") or item.get("content") or []
        seen.thinking += "".join(part["text"] for part in parts)
    elif kind == "function_call":
        assert isinstance(item["arguments"], str)
        seen.call(item["call_id"], item["name"], item["arguments"], item.get("namespace"))


def _response(answer: dict[str, Any], seen: Seen) -> None:
    for item in answer["output"]:
        _item(item, seen)
    if answer["status"] == "failed":
        seen.error, seen.message = True, (answer["error"] or {}).get("message", "")
    elif answer["status"] == "incomplete":
        reason = answer["incomplete_details"]["reason"]
        seen.finish = "content_filter" if reason == "content_filter" else "length"
    else:
        assert answer["status"] == "completed"
        seen.finish = "tool_calls" if seen.calls else "stop"


def _response_stream(frames: list[Any], seen: Seen) -> None:
    said, thought, streamed = "", "", {}
    closed: list[dict[str, Any]] = []
    final: dict[str, Any] | None = None
    for frame in frames:
        if frame == "[DONE]":
            continue
        kind = frame["type"]
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            said += frame["delta"]
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            thought += frame["delta"]
        elif kind == "response.function_call_arguments.delta":
            place = frame["output_index"]
            streamed[place] = streamed.get(place, "") + frame["delta"]
        elif kind == "response.output_item.done":
            closed.append(frame["item"])
        elif kind == "error" or kind == "response.failed":
            seen.error = True
        elif kind in ("response.completed", "response.incomplete"):
            final = frame["response"]
    if seen.error:
        seen.text = said
        return
    assert final is not None
    _response(final, seen)
    assert seen.text == said, "the deltas say what the response says"
    assert seen.thinking == thought
    calls = [item for item in closed if item["type"] == "function_call"]
    assert [item["call_id"] for item in calls] == seen.ids
    assert [item.get("namespace") for item in calls] == seen.namespaces
    assert len(streamed) <= len(calls)


# ---------------------------------------------------------------- Messages


def _block(block: dict[str, Any], seen: Seen) -> None:
    kind = block["type"]
    if kind == "text":
        seen.text += block["text"]
    elif kind == "thinking":
        seen.thinking += block["thinking"]
    elif kind == "tool_use":
        assert isinstance(block["input"], dict)
        seen.call(block["id"], block["name"], block["input"])


def _claude(answer: dict[str, Any], seen: Seen) -> None:
    assert answer["type"] == "message"
    for block in answer["content"]:
        assert block["type"] != "text" or block["text"].strip()
        _block(block, seen)
    seen.finish, seen.stop_sequence = FINISH[answer["stop_reason"]], answer["stop_sequence"]


def _claude_stream(frames: list[Any], seen: Seen) -> None:
    blocks: list[dict[str, Any]] = []
    told = [frame for frame in frames if frame != "[DONE]"]
    for frame in told:
        kind = frame["type"]
        if kind == "error":
            seen.error, seen.message = True, frame["error"]["message"]
        elif kind == "content_block_start":
            assert frame["index"] == len(blocks), "blocks are numbered in order"
            blocks.append({**frame["content_block"], "pieces": ""})
        elif kind == "content_block_delta":
            _grow(blocks[frame["index"]], frame["delta"])
        elif kind == "message_delta" and frame["delta"].get("stop_reason"):
            seen.finish = FINISH[frame["delta"]["stop_reason"]]
            seen.stop_sequence = frame["delta"].get("stop_sequence")
    for block in blocks:
        if block["type"] != "tool_use":
            _block(block, seen)
        elif not seen.error:
            block["input"] = json.loads(block["pieces"] or "{}") or block["input"]
            _block(block, seen)
    _check_order([frame["type"] for frame in told], seen)


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for name, key in (("text_delta", "text"), ("thinking_delta", "thinking")):
        if delta["type"] == name:
            block[key] = block.get(key, "") + delta[key]
    if delta["type"] == "input_json_delta":
        block["pieces"] += delta["partial_json"]


def _check_order(told: list[str], seen: Seen) -> None:
    assert told[0] in ("message_start", "error")
    assert told.count("message_start") <= 1
    if not seen.error:
        assert told[-1] == "message_stop"
        assert told.count("content_block_start") == told.count("content_block_stop")


_WHOLE = {
    "openai.chat": _chat,
    "openai.completions": _completion,
    "openai.responses": _response,
    "anthropic.messages": _claude,
}
_STREAMS = {
    "openai.chat": _chat_stream,
    "openai.completions": _completion_stream,
    "openai.responses": _response_stream,
    "anthropic.messages": _claude_stream,
}
