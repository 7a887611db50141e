"""How large a request is, estimated from its text: no tokenizer is the same as another."""

from __future__ import annotations

from shortstop.types import (
    Media,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

BYTES_PER_TOKEN = 3.5
"""English prose has about four UTF-8 bytes a token, CJK text three, code fewer."""
IMAGE_TOKENS = 1000


def prompt_tokens(
    request: Request,
    bytes_per_token: float = BYTES_PER_TOKEN,
    image_tokens: int = IMAGE_TOKENS,
) -> int:
    """Estimated tokens of everything that is sent: messages, tool descriptions, images."""
    size = 0
    images = 0
    for message in request.messages:
        for part in message.parts:
            size += len(written(part).encode("utf-8", "replace"))
            images += isinstance(part, Media)
    for tool in request.tools:
        size += len(tool.name) + len(tool.description) + len(str(tool.schema))
    return int(size / bytes_per_token) + images * image_tokens


def written(part: Part) -> str:
    """The text that a part puts into the context."""
    if isinstance(part, (Text, Thinking, Refusal)):
        return part.text
    if isinstance(part, ToolCall):
        return f"{part.name} {part.arguments}"
    if isinstance(part, ToolResult):
        return "\n".join(written(p) for p in part.parts)
    return str(part.raw) if isinstance(part, Opaque) else ""
