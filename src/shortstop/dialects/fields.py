"""Typed access to the fields of a client's JSON.

Every function raises InvalidRequest with `param`, the path of the field at fault. A `prefix` is
what comes before the field's name in that path, such as `messages[0].`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NoReturn

import msgspec

from shortstop import bounded
from shortstop.errors import InvalidRequest, TooLarge
from shortstop.types import Json

MANY = 5000
"""Arrays and objects from which their signs are read faster than they are."""
MAX_DEPTH = 200
"""Levels of nesting; far below Python's own recursion limit, so that no later code can hit that."""


def parse_object(body: bytes, limit: int = bounded.MAX_VALUES) -> Json:
    """The body, of at most `limit` values, as a JSON object. Raises InvalidRequest or TooLarge."""
    try:
        value = bounded.decode(body, limit)
    except bounded.TooManyValues as error:
        if bounded.depth_of(body[: bounded.SLICE]) > MAX_DEPTH:
            raise _too_deep() from error
        raise TooLarge(
            f"The body holds {error}.",
            hint="Send less, or raise `server.limits.json_values`.",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The body is not valid UTF-8 ({_place(body)}).") from error
    except RecursionError as error:
        raise _too_deep() from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    opened = bounded.count_signs(body, bounded.OPENING)
    if opened > MAX_DEPTH and _is_deep(value, body, opened):
        raise _too_deep()
    return value


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _place(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start}"
    return "in an escape"


def _is_deep(value: Any, body: bytes, opened: int) -> bool:
    """Whether arrays and objects, some of the `opened` ones, are nested too deeply."""
    if opened > MANY:
        return bounded.depth_of(body) > MAX_DEPTH
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in (dict, list)
        ]
        if not level:
            return False
    return True


def reject(param: str, message: str) -> NoReturn:
    """Raise InvalidRequest about the field `param`."""
    raise InvalidRequest(f"{message} ({param})", param=param)


def number(body: Json, key: str, low: float, high: float) -> float | None:
    """A number from `low` to `high`, or None when absent."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        reject(key, f"Must be a number from {low:g} to {high:g}")
    return value


def integer(body: Json, key: str, low: int = 0, high: int | None = None) -> int | None:
    """A whole number from `low` to `high`, or None when absent."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON has one kind of number: 5.0 is 5
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        reject(key, f"Must be a whole number, at least {low}")
    if high is not None and value > high:
        reject(key, f"Must be at most {high}")
    return value


def flag(body: Json, key: str, prefix: str = "") -> bool | None:
    """A boolean, or None when absent."""
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        reject(f"{prefix}{key}", "Must be true or false")
    return value


def text(value: Any, param: str) -> str:
    """`value` as a string."""
    if not isinstance(value, str):
        reject(param, "Must be a string")
    return value


def one_of(value: Any, allowed: Collection[str], param: str) -> str:
    """`value` as one of the strings allowed."""
    if not isinstance(value, str) or value not in allowed:
        reject(param, f"Must be one of {', '.join(allowed)}")
    return value


def string(body: Json, key: str, prefix: str = "") -> str | None:
    """A string, or None when absent."""
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        reject(f"{prefix}{key}", "Must be a string")
    return value


def optional_table(body: Json, key: str) -> Json:
    """The object under `key`; {} when it is absent or null."""
    value = body.get(key)
    return {} if value is None else table(value, key)


def optional_items(body: Json, key: str, prefix: str = "") -> list[Any]:
    """The list under `key`; [] when it is absent or null."""
    value = body.get(key)
    return [] if value is None else items(value, f"{prefix}{key}")


def strings(value: Any, param: str) -> tuple[str, ...]:
    """`value` as a list of strings."""
    return tuple(text(v, f"{param}[{i}]") for i, v in enumerate(items(value, param)))


def model(body: Json) -> str:
    """The name of the model, which every request must give."""
    value = body.get("model")
    if not isinstance(value, str) or not value:
        reject("model", "Must be the name of a model, for example 'auto'")
    return value


def items(value: Any, param: str) -> list[Any]:
    """`value` as a list."""
    if not isinstance(value, list):
        reject(param, "Must be a list")
    return value


def table(value: Any, param: str) -> Json:
    """`value` as an object."""
    if not isinstance(value, dict):
        reject(param, "Must be an object")
    return value
