"""GGUF files made by hand, as the specification has them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

Value = int | str | bool | float | list[int] | list[str]

F32, Q8_0 = 0, 8
TENSORS: tuple[tuple[str, tuple[int, ...], int, int], ...] = (
    ("token_embd.weight", (64, 16), Q8_0, 0),
    ("output_norm.weight", (64,), F32, 1088),
)
"""Name, shape, type, offset. 64 x 16 in Q8_0 are 32 blocks of 34 bytes."""
DATA = bytes(range(256)) * 6


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def value(said: Value) -> bytes:
    if isinstance(said, bool):
        return struct.pack("<I?", 7, said)
    if isinstance(said, int):
        return struct.pack("<II", 4, said)
    if isinstance(said, float):
        return struct.pack("<If", 6, said)
    if isinstance(said, str):
        return struct.pack("<I", 8) + string(said)
    inner = 8 if said and isinstance(said[0], str) else 4
    parts = [string(x) if isinstance(x, str) else struct.pack("<I", x) for x in said]
    return struct.pack("<IIQ", 9, inner, len(said)) + b"".join(parts)


KEYS: dict[str, Value] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "llama.context_length": 4096,
    "llama.block_count": 3,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "tokenizer.chat_template": "{{ x }}",
    "tokenizer.ggml.tokens": [f"t{i}" for i in range(2000)],
    "tokenizer.ggml.token_type": list(range(2000)),
}


def gguf(
    version: int = 3,
    keys: dict[str, Value | None] | None = None,
    tensors: Sequence[tuple[str, tuple[int, ...], int, int]] = TENSORS,
    claim: int | None = None,
    claim_tensors: int | None = None,
    data: bytes = DATA,
) -> bytes:
    """A small file. A key that is None is left out; claims differ from what follows."""
    said = {k: v for k, v in {**KEYS, **(keys or {})}.items() if v is not None}
    count = len(tensors) if claim_tensors is None else claim_tensors
    head = b"GGUF" + struct.pack("<IQQ", version, count, len(said) if claim is None else claim)
    head += b"".join(string(k) + value(v) for k, v in said.items())
    for name, shape, kind, offset in tensors:
        head += string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", kind, offset)
    return head + b"\0" * (-len(head) % 32) + data


def write(path: Path, content: bytes | None = None) -> Path:
    path.write_bytes(gguf() if content is None else content)
    return path


def quiet(done: int, of: int) -> None:
    """Progress for nobody."""
