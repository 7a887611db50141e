"""What local servers (llama.cpp and its kin) add to OpenAI's chat."""

from __future__ import annotations

from shortstop.dialects.describe import Counting
from shortstop.types import Chunk, Json

COUNTING = Counting(path="/chat/completions/input_tokens", result="input_tokens")
WARM_UP = b'{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}'
"""The smallest request: a server that has answered it once answers the next one faster."""
PROGRESS_WANTED: Json = {"return_progress": True}
"""Fields that ask for frames while the prompt is being read, before the first token."""


def is_progress(chunk: Chunk) -> bool:
    """Whether the chunk reports only how much of the prompt has been read."""
    return chunk.wire is not None and "prompt_progress" in chunk.wire
