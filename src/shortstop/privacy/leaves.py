"""Every string of a request, with where it stands and what it is called there."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.types import Json

DEEPEST = 64
LONG_NAME = 16
"""Characters from which a key may be a secret made of letters alone."""
NESTED = 4
"""How many times JSON may be written inside a string of JSON and still be read."""

WIRE = frozenset(
    """
    role content type text model stream messages parts input temperature top_p max_tokens
    max_completion_tokens max_output_tokens tools tool_choice function parameters properties
    required items tool_calls arguments name description id tool_call_id tool_use_id
    stream_options include_usage n seed stop response_format json_schema schema strict
    system instructions image_url url detail input_text output_text metadata user
    frequency_penalty presence_penalty logprobs top_logprobs additionalProperties
    """.split()  # noqa: SIM905 - a list of words
)
"""Names that the dialects use: they say nothing about the value."""

SAYS_NOTHING: dict[str, tuple[str, ...]] = {
    "role": ("user", "system", "assistant", "tool", "developer"),
    "type": (
        "text", "function", "string", "object", "message", "input_text", "output_text",
        "tool_use", "tool_result", "array", "integer", "number", "boolean",
    ),
    "model": ("auto", "local"),
}  # fmt: skip
"""Words of the wire where they belong: no leaf is made of them."""

SEALS = {
    ("thinking", "signature"),
    ("redacted_thinking", "data"),
    ("reasoning", "encrypted_content"),
}
"""What a vendor encrypted for itself: parts of a turn, by type and field."""
SEALED = frozenset(field for _, field in SEALS)
_BLOB = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_TURNS = (("$.messages[", 4), ("$.input[", 2))
"""Where parts of a turn stand, and how deep."""


class Leaf(Struct, frozen=True, gc=False):
    """`shown` is what detectors read: the text, after its own key where that tells something."""

    path: str
    text: str
    key: str = ""
    said: bool = False
    """Whether it is something said in the conversation, not wire or settings."""
    sealed: bool = False
    """Whether it is a vendor's cipher: one blob, where no other text may stand."""

    @property
    def is_key(self) -> bool:
        """Whether it is the name of an object's field, not a value."""
        return self.path.endswith("~")

    @property
    def shown(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


def leaves(body: Json) -> list[Leaf]:
    """In document order. Raises ValueError below `DEEPEST` levels: unread is not cleared."""
    found: list[Leaf] = []
    _walk(body, "$", "", 0, 0, found)
    return found


def _walk(value: Any, path: str, key: str, depth: int, nested: int, found: list[Leaf]) -> None:
    if depth > DEEPEST:
        raise ValueError("the request is nested too deeply")
    if isinstance(value, str):
        _string(value, path, key, depth, nested, found)
    elif isinstance(value, dict):
        _object(value, path, depth, nested, found)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            _walk(inner, f"{path}[{i}]", key, depth + 1, nested, found)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if key or abs(value) >= 10**8:
            found.append(Leaf(path, repr(value), key))
    elif value is not None and not isinstance(value, bool):
        raise TypeError(f"a {type(value).__name__} is no JSON")


def _object(value: Json, path: str, depth: int, nested: int, found: list[Leaf]) -> None:
    for name, inner in value.items():
        if not isinstance(name, str):
            raise TypeError("a key is not a string")
        if name in SEALED and _sealed(value, name, path, depth):
            found.append(Leaf(f"{path}.{name}", inner, sealed=True))
            continue
        if name in WIRE:
            if name not in SAYS_NOTHING or inner not in SAYS_NOTHING[name]:
                _walk(inner, f"{path}.{name}", "", depth + 1, nested, found)
            continue
        if _tells(name, inner):
            found.append(Leaf(f"{path}.{name}~", name))
        _walk(inner, f"{path}.{name}", name, depth + 1, nested, found)


def _sealed(block: Json, name: str, path: str, depth: int) -> bool:
    return (
        (block.get("type"), name) in SEALS
        and isinstance(block[name], str)
        and _BLOB.fullmatch(block[name]) is not None
        and any(depth == deep and path.startswith(where) for where, deep in _TURNS)
    )


def _tells(name: str, inner: Any) -> bool:
    """Whether a key may be data itself: an address book has e-mail addresses for keys."""
    if len(name) > 40 or "@" in name or " " in name or any(c.isdigit() for c in name):
        return True
    return len(name) >= LONG_NAME and _alone(inner)


def _alone(value: Any) -> bool:
    """Whether nothing that a key's own value shows will be read together with the key."""
    return value is None or isinstance(value, bool | dict) or value == []


def _string(text: str, path: str, key: str, depth: int, nested: int, found: list[Leaf]) -> None:
    found.append(Leaf(path, text, key, _said(path)))
    inner = text.strip()
    if not inner or inner[0] not in '{["' or inner[-1] not in '}]"' or len(inner) < 7:
        return
    try:
        value = msgspec.json.decode(inner)
    except (msgspec.DecodeError, RecursionError):
        return
    if nested >= NESTED:
        raise ValueError("JSON is written inside JSON too many times")
    if not isinstance(value, str) or value != text:
        _walk(value, f"{path}!", key, depth + 1, nested + 1, found)


def _said(path: str) -> bool:
    return path.endswith((".content", ".text")) or path == "$.input"
