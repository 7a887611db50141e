"""How many tokens a text takes. An estimate from its bytes: every tokenizer counts differently."""

from __future__ import annotations

from collections.abc import Iterable

from shortstop.types import (
    Media,
    Opaque,
    Part,
    Refusal,
    Reply,
    Request,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
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
        size += _size(message.parts)
        images += sum(isinstance(part, Media) for part in message.parts)
    for tool in request.tools:
        size += len(tool.name) + len(tool.description) + len(str(tool.schema))
    return _tokens(size, bytes_per_token) + images * image_tokens


def reply_tokens(reply: Reply) -> int:
    """Estimated tokens of an answer, all of its choices, tool calls and thinking included."""
    return sum(_tokens(_size(choice.parts), BYTES_PER_TOKEN) for choice in reply.choices)


def estimated_usage(request: Request, reply: Reply | None) -> Usage:
    """Usage of a target that reports none, marked as an estimate; None: nothing was answered."""
    return assumed_usage(request, reply_tokens(reply) if reply is not None else 0)


def assumed_usage(request: Request, output: int) -> Usage:
    """Usage of an answer of `output` tokens, or of as many as the request allows; an estimate."""
    sampling = request.sampling
    if sampling.max_tokens is not None:
        output = min(output, sampling.max_tokens * sampling.n)
    return Usage(input=prompt_tokens(request), output=output, estimated=True)


def written(part: Part) -> str:
    """The text that a part puts into the context."""
    if isinstance(part, (Text, Thinking, Refusal)):
        return part.text
    if isinstance(part, ToolCall):
        return f"{part.name} {part.arguments}"
    if isinstance(part, ToolResult):
        return "\n".join(written(p) for p in part.parts)
    return str(part.raw) if isinstance(part, Opaque) else ""


def _size(parts: Iterable[Part]) -> int:
    """UTF-8 bytes of what the parts put into the context."""
    return sum(map(_bytes, map(written, parts)))


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _tokens(size: int, bytes_per_token: float) -> int:
    """Whole tokens of so many bytes; no text is so short that it takes none."""
    return max(1, int(size / bytes_per_token)) if size else 0
