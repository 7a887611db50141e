"""Reading a GGUF file's header (github.com/ggml-org/ggml, docs/gguf.md). Trusts no length."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from shortstop.errors import ModelFileError

MAGIC = b"GGUF"
MOST_KEYS = 10_000
LONGEST_STRING = 1 << 24
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
STRING, ARRAY = 8, 9


class GgufInfo(Struct, frozen=True):
    """What the header says. `context` in tokens."""

    architecture: str
    name: str
    context: int
    layers: int
    chat_template: bool


def read_info(path: Path) -> GgufInfo:
    """Raises ModelFileError when the file is not a GGUF that we understand."""
    try:
        with path.open("rb") as file:
            metadata = _metadata(file)
    except OSError as error:
        raise ModelFileError(f"Cannot read the model file {path}: {error.strerror}.") from error
    except (struct.error, ValueError, OverflowError) as error:
        raise ModelFileError(
            f"{path} is not a usable GGUF file: {error}.", hint="Fetch it anew: `shortstop pull`."
        ) from error
    architecture = str(metadata.get("general.architecture", ""))
    return GgufInfo(
        architecture=architecture,
        name=str(metadata.get("general.name", path.stem)),
        context=int(metadata.get(f"{architecture}.context_length", 2048)),
        layers=int(metadata.get(f"{architecture}.block_count", 0)),
        chat_template="tokenizer.chat_template" in metadata,
    )


def _metadata(file: BinaryIO) -> dict[str, Any]:
    if file.read(4) != MAGIC:
        raise ValueError("it does not begin with GGUF")
    version, _, keys = struct.unpack("<IQQ", _exactly(file, 20))
    if version not in (2, 3):
        raise ValueError(f"version {version} is not supported")
    if keys > MOST_KEYS:
        raise ValueError(f"it claims {keys} metadata keys")
    return dict(_pair(file) for _ in range(keys))


def _pair(file: BinaryIO) -> tuple[str, Any]:
    key = _string(file)
    return key, _value(file, _number(file, "I"))


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == STRING:
        return _string(file)
    if kind == ARRAY:
        inner, length = _number(file, "I"), _number(file, "Q")
        if length > LONGEST_STRING:
            raise ValueError("an array is implausibly long")
        for _ in range(length):
            _value(file, inner)
        return None
    if kind not in _SCALARS:
        raise ValueError(f"unknown value type {kind}")
    return _number(file, _SCALARS[kind])


def _string(file: BinaryIO) -> str:
    length = _number(file, "Q")
    if length > LONGEST_STRING:
        raise ValueError("a string is implausibly long")
    return _exactly(file, length).decode("utf-8", "replace")


def _number(file: BinaryIO, code: str) -> Any:
    return struct.unpack(f"<{code}", _exactly(file, struct.calcsize(code)))[0]


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError("it ends too early")
    return data
