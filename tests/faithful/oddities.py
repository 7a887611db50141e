"""Answers as six vendors stream them, made odd in twenty ways, and what must be seen of them.

`python -m tests.faithful.oddities 20000` plays so many and counts what went wrong.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shortstop import dialects
from shortstop.errors import ShortstopError
from tests.faithful.played import QUESTIONS
from tests.faithful.views import Seen, seen_of

DOORS = ("openai.chat", "openai.responses", "anthropic.messages")
LETTERS = 'abc é東\n"\\{}[]:, 🦀👩‍🚀\u2028<>'
Frames = list[tuple[str, Any]]
"""Events as (name, JSON); a name of "" is not written."""


@dataclass
class Said:
    """An answer. `fails`: it must be an error; `cut`: it must not be told as a stop."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str = "stop"
    fails: bool = False
    cut: bool = False


def drawn(draw: random.Random) -> Said:
    said = Said(
        text=_words(draw, 0, 12), thinking=_words(draw, 0, 5) if draw.random() < 0.3 else ""
    )
    for _ in range(draw.choice((0, 0, 1, 2, 3))):
        arguments = {_words(draw, 1, 3): draw.choice((1, None, [2], _words(draw, 0, 6)))}
        said.calls.append((draw.choice("fgh"), draw.choice((arguments, arguments, {}))))
    said.text = said.text if said.text.strip() or not said.text else ""
    said.finish = "tool_calls" if said.calls else draw.choice(("stop", "stop", "length"))
    if not said.text and not said.calls:
        said.text = "x"
    return said


def _words(draw: random.Random, least: int, most: int) -> str:
    return "".join(draw.choices(LETTERS, k=draw.randint(least, most)))


def _pieces(draw: random.Random, text: str) -> list[str]:
    pieces = []
    while text:
        size = draw.randint(1, 6)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


# ---------------------------------------------------------------- vendors


def chat(draw: random.Random, said: Said, style: str) -> Frames:
    """OpenAI's own, Ollama's (calls whole and without index), Gemini's (all at index 0 without
    ids), Mistral's (content as lists)."""
    frames: Frames = []

    def frame(delta: Any, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        frames.append(("", {**head, "choices": [choice]}))

    frame({"role": "assistant", "content": ""})
    for piece in _pieces(draw, said.thinking):
        inner = [{"type": "text", "text": piece}]
        if style == "mistral":
            frame({"content": [{"type": "thinking", "thinking": inner}]})
        else:
            frame({draw.choice(("reasoning", "reasoning_content")): piece})
    for piece in _pieces(draw, said.text):
        frame({"content": [{"type": "text", "text": piece}] if style == "mistral" else piece})
    for i, (name, arguments) in enumerate(said.calls):
        written = json.dumps(arguments)
        call: Any = {"type": "function", "function": {"name": name, "arguments": written}}
        if style == "ollama":
            frame({"tool_calls": [call]})
        elif style == "gemini":
            frame({"tool_calls": [{"index": 0, "id": "", **call}]})
        else:
            call["function"]["arguments"] = ""
            frame({"tool_calls": [{"index": i, "id": f"call_{i}", **call}]})
            for piece in _pieces(draw, written):
                frame({"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
    frame({}, said.finish)
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    frames.append(("", {"id": "c", "choices": [], "usage": usage}))
    return frames


def messages(draw: random.Random, said: Said) -> Frames:
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
    start = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": []}
    usage = {"input_tokens": 5, "output_tokens": 1}
    frames: list[Any] = [{"type": "message_start", "message": {**start, "usage": usage}}]
    blocks: list[tuple[Any, str, str, list[str]]] = []
    if said.thinking:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        blocks.append((block, "thinking_delta", "thinking", _pieces(draw, said.thinking)))
    if said.text:
        block = {"type": "text", "text": ""}
        blocks.append((block, "text_delta", "text", _pieces(draw, said.text)))
    for i, (name, arguments) in enumerate(said.calls):
        block = {"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": {}}
        pieces = _pieces(draw, json.dumps(arguments))
        blocks.append((block, "input_json_delta", "partial_json", pieces))
    for i, (block, kind, key, pieces) in enumerate(blocks):
        frames.append({"type": "content_block_start", "index": i, "content_block": block})
        for piece in pieces:
            delta = {"type": kind, key: piece}
            frames.append({"type": "content_block_delta", "index": i, "delta": delta})
        frames.append({"type": "content_block_stop", "index": i})
    delta = {"stop_reason": reasons[said.finish], "stop_sequence": None}
    frames.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}})
    frames.append({"type": "message_stop"})
    return [(frame["type"], frame) for frame in frames]


def responses(draw: random.Random, said: Said) -> Frames:
    head = {"id": "r", "object": "response", "status": "in_progress", "output": []}
    frames: list[Any] = [{"type": "response.created", "response": head}]
    output: list[Any] = []

    def item(whole: Any, empty: Any, kind: str, pieces: list[str], **place: Any) -> None:
        index = len(output)
        frames.append({"type": "response.output_item.added", "output_index": index, "item": empty})
        for piece in pieces:
            where = {"output_index": index, "item_id": whole["id"], **place}
            frames.append({"type": kind, **where, "delta": piece})
        frames.append({"type": "response.output_item.done", "output_index": index, "item": whole})
        output.append(whole)

    if said.thinking:
        base = {"type": "reasoning", "id": "rs"}
        whole = {**base, "summary": [{"type": "summary_text", "text": said.thinking}]}
        kind = "response.reasoning_summary_text.delta"
        item(whole, {**base, "summary": []}, kind, _pieces(draw, said.thinking), summary_index=0)
    if said.text:
        base = {"type": "message", "id": "msg", "role": "assistant"}
        whole = {**base, "content": [{"type": "output_text", "text": said.text}]}
        kind = "response.output_text.delta"
        item(whole, {**base, "content": []}, kind, _pieces(draw, said.text), content_index=0)
    for i, (name, arguments) in enumerate(said.calls):
        base = {"type": "function_call", "id": f"fc{i}", "call_id": f"call_{i}", "name": name}
        written = json.dumps(arguments)
        kind = "response.function_call_arguments.delta"
        whole, empty = {**base, "arguments": written}, {**base, "arguments": ""}
        item(whole, empty, kind, _pieces(draw, written))
    cut = said.finish == "length"
    final = {**head, "status": "incomplete" if cut else "completed", "output": output}
    final["incomplete_details"] = {"reason": "max_output_tokens"} if cut else None
    final["usage"] = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    frames.append({"type": f"response.{final['status']}", "response": final})
    return [(frame["type"], frame) for frame in frames]


VENDORS: dict[str, tuple[str, Callable[[random.Random, Said], Frames]]] = {
    "openai": ("openai.chat", lambda d, s: chat(d, s, "openai")),
    "ollama": ("openai.chat", lambda d, s: chat(d, s, "ollama")),
    "gemini": ("openai.chat", lambda d, s: chat(d, s, "gemini")),
    "mistral": ("openai.chat", lambda d, s: chat(d, s, "mistral")),
    "anthropic": ("anthropic.messages", messages),
    "responses": ("openai.responses", responses),
}


# ---------------------------------------------------------------- oddities of frames


def _finish_places(frames: Frames) -> list[int]:
    """Where the answer ends: nothing before it may be cut off behind it."""
    return [
        i
        for i, (_, frame) in enumerate(frames)
        if frame.get("type") in ("message_delta", "response.completed", "response.incomplete")
        or (frame.get("choices") and frame["choices"][0].get("finish_reason"))
    ]


def cut_before_finish(draw: random.Random, frames: Frames, said: Said) -> Frames:
    said.fails = True
    return frames[: draw.randint(0, _finish_places(frames)[0])]


def error_frame(draw: random.Random, frames: Frames, said: Said) -> Frames:
    said.fails = True
    place = draw.randint(0, _finish_places(frames)[0])
    error = draw.choice(
        (
            {"error": {"message": "no", "code": 500}},
            {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
            {"object": "error", "message": "no", "code": 400},
            {"error": "no"},
        )
    )
    return [*frames[:place], ("", error), *frames[place:]]


def unknown_finish(draw: random.Random, frames: Frames, said: Said) -> Frames:
    said.cut, word = True, draw.choice(("abort", "error", "never_heard_of"))
    for _, frame in frames:
        if frame.get("type") == "message_delta":
            frame["delta"]["stop_reason"] = word
        elif frame.get("choices") and frame["choices"][0].get("finish_reason"):
            frame["choices"][0]["finish_reason"] = word
        elif frame.get("type") in ("response.completed", "response.incomplete"):
            frame["response"]["status"] = "cancelled"
    return frames


def odd_usage(draw: random.Random, frames: Frames, said: Said) -> Frames:
    odd = draw.choice((-1, "7", 7.4, None, True, [], {}, "x"))
    for _, frame in frames:
        for holder in (frame, frame.get("message"), frame.get("response")):
            if isinstance(holder, dict) and isinstance(holder.get("usage"), dict):
                holder["usage"] = draw.choice((odd, dict.fromkeys(holder["usage"], odd)))
    return frames


def no_usage(draw: random.Random, frames: Frames, said: Said) -> Frames:
    for _, frame in frames:
        for holder in (frame, frame.get("message"), frame.get("response")):
            if isinstance(holder, dict):
                holder.pop("usage", None)
    return frames


def unknown_frames(draw: random.Random, frames: Frames, said: Said) -> Frames:
    place = draw.randint(1, len(frames))
    chat_frame = "choices" in frames[0][1]
    odd = {"choices": [], "prompt_filter_results": []} if chat_frame else {"type": "new.event"}
    return [*frames[:place], ("", odd), *frames[place:]]


def no_ids(draw: random.Random, frames: Frames, said: Said) -> Frames:
    for _, frame in frames:
        for choice in frame.get("choices") or ():
            for call in choice["delta"].get("tool_calls") or ():
                if "id" in call:
                    call["id"] = draw.choice(("", None))
        if (frame.get("content_block") or {}).get("type") == "tool_use":
            frame["content_block"]["id"] = ""
    return frames


def repeated_finish(draw: random.Random, frames: Frames, said: Said) -> Frames:
    last = [frames[i] for i in _finish_places(frames) if "choices" in frames[i][1]]
    return [*frames, *last]


def object_arguments(draw: random.Random, frames: Frames, said: Said) -> Frames:
    for _, frame in frames:
        for choice in frame.get("choices") or ():
            for call in choice["delta"].get("tool_calls") or ():
                written = call["function"]["arguments"]
                if call["function"].get("name") and written:
                    call["function"]["arguments"] = json.loads(written)
    return frames


def null_errors(draw: random.Random, frames: Frames, said: Said) -> Frames:
    return [(name, {"error": None, **frame}) for name, frame in frames]


def no_names(draw: random.Random, frames: Frames, said: Said) -> Frames:
    return [("", frame) for _, frame in frames]


def no_block_stops(draw: random.Random, frames: Frames, said: Said) -> Frames:
    return [pair for pair in frames if pair[1].get("type") != "content_block_stop"]


def no_items_added(draw: random.Random, frames: Frames, said: Said) -> Frames:
    gone = draw.choice(("response.output_item.added", "response.output_item.done"))
    return [pair for pair in frames if pair[1].get("type") != gone]


FRAME_ODDITIES = (
    cut_before_finish,
    error_frame,
    unknown_finish,
    odd_usage,
    no_usage,
    unknown_frames,
    no_ids,
    repeated_finish,
    object_arguments,
    null_errors,
    no_names,
    no_block_stops,
    no_items_added,
)


# ---------------------------------------------------------------- oddities of bytes


def _event(name: str, frame: Any) -> str:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(frame)}\n\n"


BYTE_ODDITIES: dict[str, Callable[[random.Random, str], str]] = {
    "crlf": lambda d, text: text.replace("\n", "\r\n"),
    "cr": lambda d, text: text.replace("\n", "\r"),
    "bom": lambda d, text: "\ufeff" + text,
    "comments": lambda d, text: text.replace("data:", ": ping\ndata:"),
    "empty data": lambda d, text: text.replace("\n\n", "\n\ndata:\n\n", d.randint(1, 3)),
    "null data": lambda d, text: text.replace("\n\n", "\n\ndata: null\n\n", d.randint(1, 3)),
    "no space": lambda d, text: text.replace("\ndata: ", "\ndata:"),
    "no last blank line": lambda d, text: text.rstrip("\n"),
    "ids and retries": lambda d, text: text.replace("data:", "id: 7\nretry: 5\ndata:"),
}
ENDS = ("data: [DONE]\n\n", "", "data: [DONE] \n\n", "data:[DONE]\n\n", 'data: "[DONE]"\n\n')


def written(draw: random.Random, frames: Frames, *, closed: bool) -> bytes:
    """The stream as bytes, with up to two oddities of them."""
    text = "".join(_event(*pair) for pair in frames)
    text += draw.choice(ENDS) if closed else ""
    for name in draw.sample(sorted(BYTE_ODDITIES), draw.randint(0, 2)):
        text = BYTE_ODDITIES[name](draw, text)
    return text.encode()


# ---------------------------------------------------------------- playing


def seen_through(door: str, upstream: str, data: bytes, sizes: list[int]) -> Seen:
    """What a client at `door` sees of a stream that arrives in pieces of these sizes."""
    dialect = dialects.get(door)
    request = dialect.decode_request({**QUESTIONS[door], "model": "m", "stream": True}, "req_1")
    encoder = dialect.stream_encoder(request, 1)
    decoder = dialects.EitherDecoder(dialects.get(upstream), "salt")
    sent, start = b"", 0
    try:
        for size in [*sizes, len(data)]:
            for chunk in decoder.feed(data[start : start + size]):
                sent += encoder.encode(chunk)
            start += size
            if decoder.done:
                break
        sent += b"".join([encoder.encode(chunk) for chunk in decoder.close()])
        sent += encoder.finish()
    except ShortstopError as error:
        if not sent:
            return Seen(status=error.status, error=True, message=str(error))
        sent += encoder.error(error)
    return seen_of(door, 200, sent, stream=True)


def wrong(said: Said, seen: Seen) -> str:
    """What is not as it was said; "" for nothing."""
    if said.fails:
        return "" if seen.error else "a failure is told as an answer"
    if seen.error:
        return "" if said.cut else f"an error: {seen.message}"
    if said.cut:
        return "told as a stop" if seen.finish == "stop" else ""
    if (seen.text, seen.thinking, seen.calls) != (said.text, said.thinking, said.calls):
        return f"{seen.text!r} {seen.thinking!r} {seen.calls}"
    if len(set(seen.ids)) < len(said.calls) or not all(seen.ids):
        return f"ids {seen.ids}"
    return "" if seen.finish == said.finish else f"finish {seen.finish}"


def play(number: int) -> tuple[list[str], str]:
    """The oddities of the run with that number, and what went wrong."""
    draw = random.Random(number)
    said = drawn(draw)
    vendor = draw.choice(sorted(VENDORS))
    upstream, write = VENDORS[vendor]
    frames = write(draw, said)
    odd = draw.sample(FRAME_ODDITIES, draw.randint(0, 2))
    if cut_before_finish in odd:
        odd = [cut_before_finish]
    for oddity in odd:
        frames = oddity(draw, frames, said)
    data = written(draw, frames, closed=not said.fails)
    sizes = [draw.randint(1, 40) for _ in range(draw.randint(0, 60))]
    names = [vendor, *(oddity.__name__ for oddity in odd)]
    for door in DOORS:
        try:
            fault = wrong(said, seen_through(door, upstream, data, sizes))
        except (AssertionError, KeyError, ValueError, TypeError) as error:
            fault = f"not in the dialect: {error!r}"
        if fault:
            return names, f"{door}: {fault}; said {said}"
    return names, ""


def main(runs: int) -> int:
    faults: Counter[str] = Counter()
    for number in range(runs):
        names, fault = play(number)
        if fault:
            faults[" ".join(names)] += 1
            if sum(faults.values()) <= 20:
                print(number, names, fault)
    print(f"{sum(faults.values())} of {runs} runs are wrong", dict(faults.most_common(10)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
