"""No call of a stream is lost, renamed or merged, however its pieces are numbered."""

from __future__ import annotations

from typing import Any

import pytest

from shortstop.dialects.openai.calls import CallIndex


def call(name: str | None, arguments: Any, **more: Any) -> dict[str, Any]:
    named = {"name": name} if name is not None else {}
    return {"function": {**named, "arguments": arguments}, **more}


def joined(*frames: list[dict[str, Any]]) -> list[tuple[str, str]]:
    index = CallIndex("salt", 0)
    calls: dict[int, list[str]] = {}
    ids: set[str | None] = set()
    for frame in frames:
        for delta in index.deltas(frame):
            whole = calls.setdefault(delta.index, ["", ""])
            whole[0] += delta.name or ""
            whole[1] += delta.arguments
            ids.add(delta.id)
    assert len(ids - {None}) == len(calls), "each has an id of its own"
    return [(name, arguments) for name, arguments in calls.values()]


@pytest.mark.parametrize(
    "frames",
    [
        [[call("f", '{"a":1}', index=0, id=""), call("g", "{}", index=0, id="")]],
        [[call("f", {"a": 1})], [call("g", {})]],
        [
            [call("f", '{"a":', index=0, id="x")],
            [call(None, "1}")],
            [call("g", "{}", index=0, id="x2")],
        ],
        [[call("f", '{"a":', index=1)], [call("f", "1}", index=1)], [call("g", "{}", index=4)]],
    ],
)
def test_two_calls_stay_two(frames: list[list[dict[str, Any]]]) -> None:
    assert [(n, a.replace(" ", "")) for n, a in joined(*frames)] == [("f", '{"a":1}'), ("g", "{}")]


def test_a_call_without_arguments_has_an_empty_object_at_the_end() -> None:
    index = CallIndex("salt", 0)
    index.deltas([call("f", None, index=0)])
    (lacking,) = index.ending()
    assert lacking.arguments == "{}"
    assert index.ending() == ()
