"""What local servers (llama.cpp and its kin) add to OpenAI's chat."""

from __future__ import annotations

import msgspec

from shortstop.dialects.describe import Counting
from shortstop.types import Chunk, Json

COUNTING = Counting(path="/chat/completions/input_tokens", result="input_tokens")
WARM_UP = b'{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}'
"""The smallest request: a server that has answered it once answers the next one faster."""
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
