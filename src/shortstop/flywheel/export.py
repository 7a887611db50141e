"""Examples as lines for fine-tuning elsewhere: OpenAI's chat format, with people's corrections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from shortstop.errors import ShortstopError
from shortstop.flywheel.examples import Decode, Example, Examples
from shortstop.flywheel.gather import Corrections
from shortstop.tokens import written
from shortstop.types import Json, Request, Trace


def exported(
    traces: Iterable[Trace], corrections: Corrections, examples: Examples, decode: Decode
) -> Iterator[bytes]:
    """A line of JSON for each trace that may be learned from, in order of time."""
    for trace in traces:
        one = examples.one(trace, corrections.of(trace))
        if not isinstance(one, Example) or trace.request is None:
            continue
        try:
            request = decode(trace.dialect, trace.request, trace.id)
        except (ShortstopError, KeyError):
            continue
        yield msgspec.json.encode(_line(request, one))


def _line(request: Request, example: Example) -> Json:
    messages: list[Json] = [
        {"role": message.role, "content": "\n".join(map(written, message.parts))}
        for message in request.messages
    ]
    line: Json = {"messages": [*messages, _answer(example)]}
    if request.tools:
        line["tools"] = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": t.schema},
            }
            for t in request.tools
        ]
    about = {"task": example.task, "tenant": example.tenant, "id": example.id}
    return line | {"metadata": about | {"corrected": str(example.gold).lower()}}


def _answer(example: Example) -> dict[str, Any]:
    if not example.calls:
        return {"role": "assistant", "content": example.answer}
    calls = [
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for number, call in enumerate(example.calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}
