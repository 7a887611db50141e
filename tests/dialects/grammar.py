"""What a stream may say, and when: checkers for the two dialects that are strict about it."""

from __future__ import annotations

import json
from typing import Any

from shortstop.dialects.sse import EventParser


def frames(data: bytes) -> list[dict[str, Any]]:
    """The JSON frames; `event:` must repeat the frame's type where there is one."""
    found = []
    for event in EventParser().feed(data):
        if event.data == "[DONE]":
            continue
        frame = json.loads(event.data)
        if event.name:
            assert event.name == frame["type"]
        found.append(frame)
    return found


_DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "redacted_thinking": set(),
}


def check_anthropic(data: bytes, *, failed: bool = False) -> list[dict[str, Any]]:
    """message_start (start delta* stop)* message_delta message_stop; an error ends it anywhere."""
    told = [f for f in frames(data) if f["type"] != "ping"]
    if failed:
        assert told.pop()["type"] == "error"
        assert all(f["type"] != "error" for f in told)
        if not told:
            return told
    assert told[0]["type"] == "message_start"
    assert told[0]["message"]["content"] == []
    blocks: list[dict[str, Any]] = []
    is_open, ended = False, False
    for frame in told[1:]:
        kind = frame["type"]
        if kind == "message_stop":
            assert ended
            assert frame is told[-1]
        elif kind == "message_delta":
            assert not is_open
            assert not ended
            assert frame["usage"]["output_tokens"] >= 0
            ended = True
        elif kind == "content_block_start":
            assert not is_open
            assert not ended
            assert frame["index"] == len(blocks)
            blocks.append({**frame["content_block"], "json": ""})
            is_open = True
        elif kind == "content_block_delta":
            assert is_open
            assert frame["index"] == len(blocks) - 1
            assert frame["delta"]["type"] in _DELTAS[blocks[-1]["type"]]
            blocks[-1]["json"] += frame["delta"].get("partial_json", "")
        else:
            assert kind == "content_block_stop"
            assert is_open
            assert frame["index"] == len(blocks) - 1
            is_open = False
    if not failed:
        assert told[-1]["type"] == "message_stop"
    return blocks


class _Item:
    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item
        self.text = ""
        self.text_done = False
        self.part_open = False
        self.done = False


def check_responses(data: bytes, *, failed: bool = False) -> list[dict[str, Any]]:
    """Numbered events; items open, fill and close; every `done` repeats exactly its deltas."""
    told = frames(data)
    assert [f["sequence_number"] for f in told] == list(range(len(told)))
    if failed and told[-1]["type"] == "error":
        assert len(told) == 1
        return []
    assert [f["type"] for f in told[:2]] == ["response.created", "response.in_progress"]
    last = told[-1]
    ends = {"response.failed"} if failed else {"response.completed", "response.incomplete"}
    assert last["type"] in ends
    items: list[_Item] = []
    for frame in told[2:-1]:
        _item_event(frame, items)
    if not failed:
        assert all(i.done for i in items)
        assert last["response"]["output"] == [i.item for i in items]
    assert last["response"]["id"] == told[0]["response"]["id"]
    return [i.item for i in items]


def _item_event(frame: dict[str, Any], items: list[_Item]) -> None:
    kind = frame["type"]
    if kind == "response.output_item.added":
        assert frame["output_index"] == len(items)
        assert all(i.done for i in items)
        items.append(_Item(frame["item"]))
        return
    item = items[frame["output_index"]]
    assert not item.done
    if kind == "response.output_item.done":
        assert not item.part_open
        assert frame["item"]["id"] == item.item["id"]
        item.item, item.done = frame["item"], True
        if item.item["type"] == "function_call":
            assert item.item["arguments"] == item.text
        return
    assert frame["item_id"] == item.item["id"]
    if kind.endswith("part.added"):
        item.part_open = True
    elif kind.endswith("part.done"):
        assert item.text_done
        part = frame["part"]
        assert part.get("text", part.get("refusal")) == item.text
        item.part_open = False
    elif kind.endswith(".delta"):
        assert not item.text_done
        item.text += frame["delta"]
    else:
        assert kind.endswith(".done")
        whole = next(frame[k] for k in ("text", "arguments", "input", "refusal") if k in frame)
        assert whole == item.text
        item.text_done = True
