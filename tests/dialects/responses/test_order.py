"""Whatever an event tells first is told in the events that should have come before it."""

from __future__ import annotations

from typing import Any

import pytest

from shortstop.dialects.responses.order import ARGUMENTS, TEXT, Events

MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "oui"}],
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": '{"a":1}'}


def told(*frames: dict[str, Any]) -> list[dict[str, Any]]:
    events = Events("salt")
    return [told for frame in frames for told in events.feed(frame)]


@pytest.mark.parametrize(("item", "kind"), [(MESSAGE, TEXT), (CALL, ARGUMENTS)])
@pytest.mark.parametrize("event", ["response.output_item.done", "response.completed"])
def test_an_item_that_comes_whole_is_opened_and_said(
    item: dict[str, Any], kind: str, event: str
) -> None:
    whole = {"output_index": 0, "item": {**item}}
    last = {"response": {"output": [{**item}]}}
    frames = told({"type": event, **(whole if "item" in event else last)})
    kinds = [frame["type"] for frame in frames]
    assert kinds[0] == "response.output_item.added"
    assert kinds.count(kind) == 1
    assert "response.output_item.done" in kinds


def test_what_was_said_is_not_said_again() -> None:
    piece = {"type": TEXT, "output_index": 0, "item_id": "msg_1", "content_index": 0}
    done = {"type": "response.output_text.done", "output_index": 0, "content_index": 0}
    frames = told(
        {**piece, "delta": "ou"},
        {**done, "item_id": "msg_1", "text": "oui"},
        {"type": "response.completed", "response": {"output": [{**MESSAGE}]}},
    )
    assert "".join(f["delta"] for f in frames if f["type"] == TEXT) == "oui"


def test_a_call_without_an_id_gets_the_same_one_everywhere() -> None:
    bare = {k: v for k, v in CALL.items() if k != "call_id"}
    frames = told(
        {"type": "response.output_item.added", "output_index": 0, "item": {**bare}},
        {"type": "response.output_item.done", "output_index": 0, "item": {**bare}},
        {"type": "response.completed", "response": {"output": [{**bare}]}},
    )
    ids = {f["item"]["call_id"] for f in frames if "item" in f}
    ids.add(frames[-1]["response"]["output"][0]["call_id"])
    assert len(ids) == 1
    assert "" not in ids
