"""Every string of a request, with where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shortstop.types import Json

DEEPEST = 64


def leaves(body: Json) -> Iterator[tuple[str, str]]:
    """(JSON path, text) of every string value and every key, in document order.

    Raises ValueError below `DEEPEST` levels: what cannot be read is not cleared.
    """
    yield from _walk(body, "$", 0)


def _walk(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        raise ValueError("the request is nested too deeply")
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.{key}", key
            yield from _walk(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{i}]", depth + 1)
