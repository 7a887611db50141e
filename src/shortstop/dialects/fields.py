"""Reading fields of a client's JSON: typed, with an error that names the field."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from shortstop.errors import InvalidRequest
from shortstop.types import Json

_DECODER = msgspec.json.Decoder()
DEEPEST = 200
"""Levels of nesting. Python's own limit would strike later, somewhere in the house."""


def parse_object(body: bytes) -> Json:
    """The body as a JSON object. Raises InvalidRequest."""
    try:
        value = _DECODER.decode(body)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The body is not valid UTF-8 ({_place(body)}).") from error
    except RecursionError as error:
        raise InvalidRequest(f"The body is nested deeper than {DEEPEST} levels.") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    if body.count(b"[") + body.count(b"{") > DEEPEST:
        _refuse_depth(value)
    return value


def _place(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start}"
    return "in an escape"


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in (dict, list)
        ]
        if not level:
            return
    raise InvalidRequest(f"The body is nested deeper than {DEEPEST} levels.")


def reject(param: str, message: str) -> NoReturn:
    raise InvalidRequest(f"{message} ({param})", param=param)


def number(body: Json, key: str, low: float, high: float) -> float | None:
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        reject(key, f"Must be a number from {low:g} to {high:g}")
    return value


def integer(body: Json, key: str, low: int = 0, high: int | None = None) -> int | None:
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number: 5.0 is 5
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        reject(key, f"Must be a whole number, at least {low}")
    if high is not None and value > high:
        reject(key, f"Must be at most {high}")
    return value


def flag(body: Json, key: str, at: str = "") -> bool | None:
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        reject(f"{at}{key}", "Must be true or false")
    return value


def text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        reject(param, "Must be a string")
    return value


def string(body: Json, key: str, at: str = "") -> str | None:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        reject(f"{at}{key}", "Must be a string")
    return value


def optional_table(body: Json, key: str) -> Json:
    """The object under `key`; {} where it is absent or null."""
    value = body.get(key)
    return {} if value is None else table(value, key)


def optional_items(body: Json, key: str, at: str = "") -> list[Any]:
    value = body.get(key)
    return [] if value is None else items(value, f"{at}{key}")


def strings(value: Any, param: str) -> tuple[str, ...]:
    return tuple(text(v, f"{param}[{i}]") for i, v in enumerate(items(value, param)))


def model(body: Json) -> str:
    value = body.get("model")
    if not isinstance(value, str) or not value:
        reject("model", "Must be the name of a model, for example 'auto'")
    return value


def items(value: Any, param: str) -> list[Any]:
    if not isinstance(value, list):
        reject(param, "Must be a list")
    return value


def table(value: Any, param: str) -> Json:
    if not isinstance(value, dict):
        reject(param, "Must be an object")
    return value
