"""Reading a GGUF file's header (github.com/ggml-org/ggml, docs/gguf.md). Trusts no length in it.

Checks what can be checked without loading: magic, version, counts, every metadata value, every
tensor's place in the file. It does not know which architectures the engine supports.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from shortstop.errors import ModelFileError

T = TypeVar("T")
MAGIC = b"GGUF"
MAX_KEYS = 10_000
MAX_TENSORS = 100_000
MAX_DIMENSIONS = 4
MAX_STRING = 1 << 24
MAX_KEPT_ARRAY = 1024
"""Elements; longer arrays (vocabularies) are skipped, not kept."""
MAX_WHOLE_ARRAY = 1_000_000
"""The same for a vocabulary that is asked for."""
DEFAULT_ALIGNMENT = 32
MAX_ALIGNMENT = 1 << 20

STRING, ARRAY = 8, 9
_SCALARS = {
    code: struct.Struct("<" + letter)
    for code, letter in [*enumerate("BbHhIif?"), (10, "Q"), (11, "q"), (12, "d")]
}
_U32, _U64 = _SCALARS[4], _SCALARS[10]

TENSOR_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
"""ggml's type number -> name, elements in a block, bytes of a block."""

REFETCH = "Fetch it again with `shortstop pull`, or use another file."


class GgufInfo(Struct, frozen=True):
    """What the header states. `context` in tokens, `parameters` counted over all tensors.

    `kv_bytes` is what one token of context takes in a 16-bit KV cache: an upper bound for a model
    with a sliding attention window. `bytes` is the size of the file.
    """

    architecture: str
    name: str
    context: int
    layers: int
    chat_template: bool
    parameters: int = 0
    quantisation: str = ""
    kv_bytes: int = 0
    bytes: int = 0


class Tensor(Struct, frozen=True):
    """One tensor's entry. `offset` counts from the start of the data, `width` is a row's length."""

    name: str
    elements: int
    kind: int
    offset: int
    width: int

    @property
    def size(self) -> int | None:
        """Bytes, or None for an unknown type."""
        kind = TENSOR_TYPES.get(self.kind)
        return None if kind is None else self.elements // kind[1] * kind[2]


class _Malformed(ValueError):
    """The file contradicts itself or the format; the message says how."""


def read_info(path: Path) -> GgufInfo:
    """Read and check a header. Raises ModelFileError, saying what is wrong with the file."""
    return _read(path, lambda data: _info(path, data))


def read_metadata(path: Path, whole: frozenset[str]) -> dict[str, Any]:
    """The header's metadata, with the long arrays of the keys in `whole`, and without all others.
    Raises ModelFileError."""

    def metadata(data: mmap.mmap) -> dict[str, Any]:
        cursor = _Cursor(data, whole)
        _, keys = _counts(cursor)
        return dict(cursor.pair() for _ in range(keys))

    return _read(path, metadata)


def _read(path: Path, read: Callable[[mmap.mmap], T]) -> T:
    try:
        with path.open("rb") as file, _mapped(file.fileno()) as data:
            return read(data)
    except FileNotFoundError:
        raise ModelFileError(
            f"There is no model file {path}.", hint="`shortstop models` lists what is installed."
        ) from None
    except OSError as error:
        raise ModelFileError(f"Cannot read the model file {path}: {error.strerror}.") from error
    except _Malformed as error:
        raise ModelFileError(f"{path} is not a usable GGUF file: {error}.", hint=REFETCH) from error


def _mapped(number: int) -> mmap.mmap:
    try:
        return mmap.mmap(number, 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise _Malformed("it is empty") from None


def _info(path: Path, data: mmap.mmap) -> GgufInfo:
    cursor = _Cursor(data)
    tensors, keys = _counts(cursor)
    metadata = dict(cursor.pair() for _ in range(keys))
    listed = [cursor.tensor() for _ in range(tensors)]
    _require_model(metadata, listed)
    _require_extents(cursor, metadata, listed)
    architecture = str(metadata.get("general.architecture", ""))
    return GgufInfo(
        architecture=architecture,
        name=str(metadata.get("general.name", path.stem)),
        context=_number(metadata, f"{architecture}.context_length", 2048),
        layers=_number(metadata, f"{architecture}.block_count", 0),
        chat_template=bool(metadata.get("tokenizer.chat_template")),
        parameters=sum(tensor.elements for tensor in listed),
        quantisation=_quantisation(listed),
        kv_bytes=_kv_bytes(metadata, architecture),
        bytes=len(data),
    )


def _counts(cursor: _Cursor) -> tuple[int, int]:
    if cursor.bytes(4) != MAGIC:
        raise _Malformed("it does not begin with GGUF")
    version, tensors, keys = cursor.number(_U32), cursor.number(_U64), cursor.number(_U64)
    if version and not version & 0xFFFF:
        raise _Malformed("it is in big-endian byte order")
    if version not in (2, 3):
        raise _Malformed(f"version {version} is not supported, only 2 and 3")
    if keys > MAX_KEYS:
        raise _Malformed(f"it claims {keys} metadata keys")
    if tensors > MAX_TENSORS:
        raise _Malformed(f"it claims {tensors} tensors")
    return tensors, keys


def _require_model(metadata: dict[str, Any], tensors: list[Tensor]) -> None:
    kind = metadata.get("general.type", "model")
    if kind != "model":
        raise _Malformed(f"it holds {kind!r} instead of a model")
    if _number(metadata, "split.count", 1) > 1:
        raise _Malformed(
            f"it is one of {metadata['split.count']} parts (join them: `llama-gguf-split --merge`)"
        )
    if not metadata.get("general.architecture"):
        raise _Malformed("it does not state its architecture")
    if not tensors:
        raise _Malformed("it holds no tensors")


def _require_extents(cursor: _Cursor, metadata: dict[str, Any], tensors: list[Tensor]) -> None:
    alignment = _number(metadata, "general.alignment", DEFAULT_ALIGNMENT)
    if not 0 < alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
        raise _Malformed(f"its alignment is {alignment}")
    start = -(-cursor.place // alignment) * alignment
    available = cursor.end - start
    for tensor in tensors:
        block = TENSOR_TYPES.get(tensor.kind, ("", 1, 0))[1]
        if tensor.width % block:
            raise _Malformed(f"tensor {tensor.name!r} has rows that are not whole blocks")
        needed = tensor.offset + (tensor.size or 0)
        if needed > available:
            raise _Malformed(
                f"it is cut short: tensor {tensor.name!r} ends at byte {start + needed}, "
                f"the file at {cursor.end}"
            )


def _quantisation(tensors: list[Tensor]) -> str:
    """The type that holds most of the weights."""
    weight: dict[int, int] = {}
    for tensor in tensors:
        weight[tensor.kind] = weight.get(tensor.kind, 0) + tensor.elements
    most = max(weight, key=lambda kind: weight[kind])
    return TENSOR_TYPES[most][0] if most in TENSOR_TYPES else f"type {most}"


def _kv_bytes(metadata: dict[str, Any], architecture: str) -> int:
    def number(key: str, otherwise: int) -> int:
        return _number(metadata, f"{architecture}.{key}", otherwise)

    layers, heads = number("block_count", 0), number("attention.head_count", 1)
    width = number("embedding_length", 0) // max(1, heads)
    both = number("attention.key_length", width) + number("attention.value_length", width)
    per_layer = metadata.get(f"{architecture}.attention.head_count_kv", heads)
    if isinstance(per_layer, tuple):
        total = sum(n for n in per_layer if isinstance(n, int))
    else:
        total = layers * (per_layer if isinstance(per_layer, int) else heads)
    return total * both * 2


def _number(metadata: dict[str, Any], key: str, otherwise: int) -> int:
    """The metadata value of `key` as a whole number; the largest where layers differ."""
    value = metadata.get(key, otherwise)
    if isinstance(value, tuple):
        value = max((n for n in value if isinstance(n, int)), default=otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Malformed(f"{key} is {value!r}, not a whole number")
    return value


class _Cursor:
    """Reads forward; never past the end, never more than the file can hold."""

    def __init__(self, data: mmap.mmap, whole: frozenset[str] = frozenset()) -> None:
        self._data = data
        self._whole = whole
        self.place = 0
        self.end = len(data)

    def number(self, kind: struct.Struct) -> Any:
        self._require(kind.size)
        (value,) = kind.unpack_from(self._data, self.place)
        self.place += kind.size
        return value

    def bytes(self, count: int) -> bytes:
        self._require(count)
        self.place += count
        return self._data[self.place - count : self.place]

    def text(self) -> str:
        length = self.number(_U64)
        if length > MAX_STRING:
            raise _Malformed("a string is implausibly long")
        return self.bytes(length).decode("utf-8", "replace")

    def pair(self) -> tuple[str, Any]:
        key = self.text()
        kind = self.number(_U32)
        if kind != ARRAY:
            return key, self._value(kind)
        return key, self._array(MAX_WHOLE_ARRAY if key in self._whole else MAX_KEPT_ARRAY)

    def tensor(self) -> Tensor:
        name, dimensions = self.text(), self.number(_U32)
        if dimensions > MAX_DIMENSIONS:
            raise _Malformed(f"tensor {name!r} claims {dimensions} dimensions")
        shape = [self.number(_U64) for _ in range(dimensions)]
        elements = 1
        for extent in shape:
            elements *= extent
        kind, offset = self.number(_U32), self.number(_U64)
        return Tensor(name, elements, kind, offset, shape[0] if shape else 1)

    def _value(self, kind: int) -> Any:
        if kind == STRING:
            return self.text()
        if kind not in _SCALARS:
            raise _Malformed(f"a value has the unknown type {kind}")
        return self.number(_SCALARS[kind])

    def _array(self, kept: int) -> tuple[Any, ...] | None:
        kind, length = self.number(_U32), self.number(_U64)
        if kind != STRING and kind not in _SCALARS:
            raise _Malformed(f"an array has elements of the unknown type {kind}")
        self._require(length * (_U64.size if kind == STRING else _SCALARS[kind].size))
        if length <= kept:
            return tuple(self._value(kind) for _ in range(length))
        if kind != STRING:
            self.place += length * _SCALARS[kind].size
            return None
        for _ in range(length):
            self._skip(self.number(_U64))
        return None

    def _skip(self, count: int) -> None:
        self._require(count)
        self.place += count

    def _require(self, count: int) -> None:
        if self.place + count > self.end:
            raise _Malformed(f"it ends within its header, at byte {self.end}")
