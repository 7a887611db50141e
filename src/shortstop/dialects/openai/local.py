"""What local servers (llama.cpp and its kin) add to OpenAI's chat."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from shortstop.dialects.describe import Counting
from shortstop.dialects.openai.stream import OpenAIChatDecoder
from shortstop.errors import UpstreamFailed
from shortstop.types import Chunk, Json

Prompt = list[str | int]
"""Text, in which names of control tokens are read as such, and tokens by their numbers."""
COUNTING = Counting(path="/chat/completions/input_tokens", result="input_tokens")
WARM_UP = b'{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}'
"""The smallest request: a server that has answered it once answers the next one faster."""


class Timings(
    msgspec.Struct,
    frozen=True,
    rename={"prefill": "prompt_per_second", "decode": "predicted_per_second"},
):
    """Tokens a second, by llama.cpp's own timers."""

    prefill: float
    decode: float


class _Timed(msgspec.Struct, frozen=True):
    timings: Timings


class _Alternative(msgspec.Struct, frozen=True):
    token: str


class _First(msgspec.Struct, frozen=True):
    top_logprobs: list[_Alternative]


class _Logprobs(msgspec.Struct, frozen=True):
    content: list[_First]


class _WeighedChoice(msgspec.Struct, frozen=True):
    logprobs: _Logprobs


class _Weighed(msgspec.Struct, frozen=True):
    choices: list[_WeighedChoice]


LIKELIEST = (
    b'{"messages":[{"role":"user","content":"Name the capital of France in one word."}],'
    b'"max_tokens":1,"temperature":0,"logprobs":true,"top_logprobs":5}'
)
"""Asks for one token and what else it could have been."""


def likeliest(reply: bytes) -> tuple[str, ...]:
    """The first token's alternatives, the likeliest first. Raises UpstreamFailed."""
    try:
        choice = msgspec.json.decode(reply, type=_Weighed).choices[0]
        return tuple(one.token for one in choice.logprobs.content[0].top_logprobs)
    except (msgspec.DecodeError, IndexError) as error:
        raise UpstreamFailed("The engine does not say what else it could have said.") from error


def timed(prompt: str, tokens: int) -> bytes:
    """A request for so many tokens, whatever they say."""
    message = {"role": "user", "content": prompt}
    return msgspec.json.encode({"messages": [message], "max_tokens": tokens, "ignore_eos": True})


def timings(reply: bytes) -> Timings:
    """How fast a whole reply was made. Raises UpstreamFailed where the server does not say."""
    try:
        return msgspec.json.decode(reply, type=_Timed).timings
    except msgspec.DecodeError as error:
        raise UpstreamFailed("The engine does not say how long it took.") from error


RENDERING, COMPLETION = "/apply-template", "/completions"
"""What renders a chat to text (outside `/v1`), and what goes on from a prompt."""
LOOP_STATE = "/metrics"
"""What llama.cpp answers from the loop that also generates: no answer, no generation."""
PROGRESS_WANTED: Json = {"return_progress": True}
"""Fields that ask for frames while the prompt is being read, before the first token."""


def progress_of(chunk: Chunk) -> tuple[int, int] | None:
    """A report while the prompt is being read: its tokens, and how many were known. None: none."""
    if chunk.wire is None or "prompt_progress" not in chunk.wire:
        return None
    progress = chunk.wire["prompt_progress"]
    return int(progress.get("total", 0)), int(progress.get("cache", 0))


def guidance(schema: Json) -> Json:
    """Fields that have llama.cpp decode under `schema` by llguidance."""
    return {"grammar": "%llguidance {}\nstart: %json " + msgspec.json.encode(schema).decode()}


def grammar_of(values: Iterable[str]) -> Json:
    """Fields that have llama.cpp write one of these texts."""
    written = " | ".join(msgspec.json.encode(value).decode() for value in values)
    return {"grammar": "%llguidance {}\nstart: " + written}


GUIDED_WARM_UP = msgspec.json.encode({**msgspec.json.decode(WARM_UP), **guidance({})})
"""The same with a grammar: llguidance's view of the vocabulary is built at its first use."""


def under_adapter(place: int) -> Json:
    """Fields that have llama.cpp answer under one of the adapters that it was started with, by its
    place among them."""
    return {"lora": [{"id": place, "scale": 1.0}]}


def rewrite_content(chat: bytes, rewrite: Callable[[str], str]) -> bytes:
    """A chat request in which `rewrite` has changed the JSON of what is said: messages, tools."""
    body: Json = msgspec.json.decode(chat)
    said = {key: body[key] for key in ("messages", "tools") if key in body}
    written = rewrite(msgspec.json.encode(said).decode())
    return msgspec.json.encode({**body, **msgspec.json.decode(written)})


def rendered(reply: bytes) -> str:
    """The text of a chat that was rendered."""
    return str(msgspec.json.decode(reply)["prompt"])


_OF_CHAT = frozenset(
    ["messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs"]
)


def completion_of(chat: bytes, prompt: Prompt) -> bytes:
    """The request for what follows `prompt`, under the same conditions as the chat request."""
    body: Json = msgspec.json.decode(chat)
    kept = {key: value for key, value in body.items() if key not in _OF_CHAT}
    if "response_format" in body:
        kept |= guidance({"type": "object"})
    return msgspec.json.encode({**kept, "prompt": prompt, "n_probs": body.get("top_logprobs", 0)})


class LocalCompletionDecoder(OpenAIChatDecoder):
    """llama.cpp's stream of a completion: the frames of a chat but for where the text stands."""

    def _chunks(self, frame: Json) -> list[Chunk]:
        for choice in frame.get("choices") or ():
            choice["delta"] = {"content": choice.pop("text", None)}
        return super()._chunks(frame)
