"""Reading fields of a client's JSON: typed, with an error that names the field."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from shortstop.errors import InvalidRequest
from shortstop.types import Json

_DECODER = msgspec.json.Decoder()


def parse_object(body: bytes) -> Json:
    """The body as a JSON object. Raises InvalidRequest."""
    try:
        value = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def reject(param: str, message: str) -> NoReturn:
    raise InvalidRequest(f"{message} ({param})", param=param)


def number(body: Json, key: str, low: float, high: float) -> float | None:
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        reject(key, f"Must be a number from {low:g} to {high:g}")
    return value


def integer(body: Json, key: str, low: int = 0) -> int | None:
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        reject(key, f"Must be a whole number, at least {low}")
    return value


def flag(body: Json, key: str) -> bool | None:
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        reject(key, "Must be true or false")
    return value


def text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        reject(param, "Must be a string")
    return value


def items(value: Any, param: str) -> list[Any]:
    if not isinstance(value, list):
        reject(param, "Must be a list")
    return value


def table(value: Any, param: str) -> Json:
    if not isinstance(value, dict):
        reject(param, "Must be an object")
    return value
