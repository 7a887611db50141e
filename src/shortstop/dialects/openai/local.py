"""What local servers (llama.cpp and its kin) add to OpenAI's chat."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shortstop.dialects.describe import Counting
from shortstop.dialects.openai.stream import OpenAIChatDecoder
from shortstop.types import Chunk, Json

Prompt = list[str | int]
"""Text, in which names of control tokens are read as such, and tokens by their numbers."""
COUNTING = Counting(path="/chat/completions/input_tokens", result="input_tokens")
WARM_UP = b'{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}'
"""The smallest request: a server that has answered it once answers the next one faster."""
RENDERING, COMPLETION = "/apply-template", "/completions"
"""What renders a chat to text (outside `/v1`), and what goes on from a prompt."""
LOOP_STATE = "/metrics"
"""What llama.cpp answers from the loop that also generates: no answer, no generation."""
PROGRESS_WANTED: Json = {"return_progress": True}
"""Fields that ask for frames while the prompt is being read, before the first token."""


def is_progress(chunk: Chunk) -> bool:
    """Whether the chunk reports only how much of the prompt has been read."""
    return chunk.wire is not None and "prompt_progress" in chunk.wire


def guidance(schema: Json) -> Json:
    """Fields that have llama.cpp decode under `schema` by llguidance."""
    return {"grammar": "%llguidance {}\nstart: %json " + msgspec.json.encode(schema).decode()}


GUIDED_WARM_UP = msgspec.json.encode({**msgspec.json.decode(WARM_UP), **guidance({})})
"""The same with a grammar: llguidance's view of the vocabulary is built at its first use."""


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
