"""How many tokens a text takes. An estimate from its signs: every tokenizer counts differently."""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec.structs import replace

from shortstop.types import (
    Json,
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
"""What a careful bound counts: English prose has about five UTF-8 bytes a token, code four."""
_SIGNS: tuple[tuple[bytes, float], ...] = (
    (b"fpstwy", 0.05),
    (b"bex", 0.1),
    (b"cdjnr", 0.15),
    (b"h", 0.2),
    (b"u", 0.25),
    (b"kmq", 0.3),
    (b"glo", 0.36),
    (b"av", 0.41),
    (b"iz", 0.61),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0.33),
    (b"0123456789", 0.99),
    (b" \r", 0.03),
    (b"\t", 0.1),
    (b"\n", 1.53),
    (b".,", 1.22),
    (bytes([0xC2, 0xC3]), 0.57),  # accents of the west
    (bytes(range(0xC4, 0xCE)), 0.71),  # accents of the east
    (bytes([0xCE, 0xCF]), 0.51),  # Greek
    (bytes(range(0xD0, 0xD5)), 0.29),  # Cyrillic
    (bytes(range(0xD5, 0xE0)), 0.41),  # Hebrew, Arabic
    (b"\xe0\xe1", 0.61),  # Indic scripts, Thai
    (b"\xe2", 0.51),  # typographic signs
    (b"\xe3", 0.67),  # kana
    (bytes(range(0xE4, 0xEA)), 0.69),  # Chinese characters
    (bytes(range(0xEA, 0xEE)), 0.68),  # Hangul
    (bytes(range(0xEE, 0xF8)), 2.0),  # emoji
)
"""Tokens for each sign, by the first byte of its UTF-8; all others are other punctuation. Fitted to
three large vocabularies (`bench/tokens.py`): letters tell languages apart, for every vocabulary
knows English words whole and cuts Italian ones."""
_PUNCTUATION = 0.43
_TRAILS = range(0x80, 0xC0)


def _tokens_of(byte: int) -> float:
    if byte in _TRAILS:
        return 0.0
    return next((tokens for signs, tokens in _SIGNS if byte in signs), _PUNCTUATION)


_HUNDREDTHS = bytes(round(100 * _tokens_of(byte)) for byte in range(256))
"""Of a token, for each byte; none is above 2.55."""
_SHORT = 1 << 10
"""Bytes up to which Python's own sum is the faster one."""
_SLICE = 1 << 17
"""Bytes of a long text that are looked at in one step, so that they stay in the cache."""
IMAGE_TOKENS = 1000


def prompt_tokens(
    request: Request,
    bytes_per_token: float | None = None,
    image_tokens: int = IMAGE_TOKENS,
) -> int:
    """Estimated tokens of everything that is sent: messages, tools with their schemas, the shape of
    the answer, images. With `bytes_per_token` a bound that counts bytes alone."""
    texts: list[str] = []
    images = 0
    for message in request.messages:
        texts += map(written, message.parts)
        images += sum(map(_images, message.parts))
    for tool in request.tools:
        texts += (tool.name, tool.description, _json(tool.schema))
    if request.format.schema:
        texts.append(_json(request.format.schema))
    text = "".join(texts)
    if bytes_per_token is None:
        return text_tokens(text) + images * image_tokens
    return _tokens(_bytes(text), bytes_per_token) + images * image_tokens


def reply_tokens(reply: Reply) -> int:
    """Estimated tokens of an answer, all of its choices, tool calls and thinking included."""
    return sum(text_tokens("".join(map(written, choice.parts))) for choice in reply.choices)


def text_tokens(text: str) -> int:
    """Estimated tokens of a text: within 15 % of what large vocabularies make of prose in nine
    languages, of code and of JSON (docs/benchmarks.md)."""
    data = text.encode("utf-8", "replace")
    if len(data) <= _SHORT:
        total = sum(data.translate(_HUNDREDTHS))
    else:
        total = sum(_hundredths(data[i : i + _SLICE]) for i in range(0, len(data), _SLICE))
    return max(1, round(total / 100)) if text else 0


def _hundredths(data: bytes) -> int:
    counted = np.frombuffer(data.translate(_HUNDREDTHS), np.uint8)
    return int(np.add.reduce(counted, dtype=np.uint32))


def estimated_usage(request: Request, reply: Reply | None) -> Usage:
    """Usage of a target that reports none, marked as an estimate; None: nothing was answered."""
    return assumed_usage(request, reply_tokens(reply) if reply is not None else 0)


def counted_usage(request: Request, reply: Reply, told: Usage | None, *, ended: bool) -> Usage:
    """What a target will bill for `reply`: what it told, and an estimate of what it did not.

    `ended`: whether the answer has its end; of one that was cut off or cancelled the larger of told
    and estimated output counts, for vendors tell the final count only at the end.
    """
    if told is None:
        return estimated_usage(request, reply)
    output = reply_tokens(reply) if not told.completion or not ended else 0
    added = max(0, output - told.completion)
    asked = 0 if told.prompt else prompt_tokens(request)
    if not added and not asked:
        return told
    return replace(told, input=told.input + asked, output=told.output + added, estimated=True)


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


def _images(part: Part) -> int:
    if isinstance(part, ToolResult):
        return sum(map(_images, part.parts))
    return int(isinstance(part, Media))


def _json(schema: Json) -> str:
    return msgspec.json.encode(schema).decode()


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _tokens(size: int, bytes_per_token: float) -> int:
    """Whole tokens of so many bytes; no text is so short that it takes none."""
    return max(1, int(size / bytes_per_token)) if size else 0
