"""What must hold of a body that was sent to a target: the operations of `unseen/README.md`."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

Body = dict[str, Any]
SCHEMAS = frozenset(["parameters", "input_schema", "schema"])


def at(tree: Any, path: str | None) -> list[Any]:
    """The values at a JSON pointer in which `*` stands for every element of a list."""
    found = [tree]
    for key in (path or "").split("/")[1:]:
        found = [inner for value in found for inner in _below(value, key)]
    return found


def _below(value: Any, key: str) -> list[Any]:
    if isinstance(value, list):
        if key == "*":
            return value
        return [value[int(key)]] if key.isdigit() and int(key) < len(value) else []
    return [value[key]] if isinstance(value, dict) and key in value else []


def strings(value: Any) -> Iterator[str]:
    """Every string in a tree."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def _said(body: Body, check: Body) -> list[str]:
    return [text for value in at(body, check.get("path")) for text in strings(value)]


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in SCHEMAS:
                yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _holds(value: Any, part: Any) -> bool:
    if isinstance(value, dict) and isinstance(part, dict):
        return all(key in value and _holds(value[key], inner) for key, inner in part.items())
    return bool(value == part)


# ---------------------------------------------------------------- calls and their results


def turns(body: Body) -> list[tuple[list[str], dict[str, str]]]:
    """For each message with calls: their ids, and the results that follow at once, by id."""
    found = []
    if "input" in body:
        items = body["input"] if isinstance(body["input"], list) else []
        outputs = {
            item["call_id"]: " ".join(strings(item["output"]))
            for item in items
            if str(item.get("type")).endswith("_call_output") and "call_id" in item
        }
        calls = [
            item["call_id"]
            for item in items
            if item.get("type") in ("function_call", "custom_tool_call")
        ]
        return [(calls, outputs)]
    messages = body["messages"]
    for i, message in enumerate(messages):
        calls = [call["id"] for call in message.get("tool_calls") or ()]
        content = message.get("content")
        blocks = content if isinstance(content, list) else []
        calls += [b["id"] for b in blocks if b.get("type") == "tool_use"]
        if calls:
            found.append((calls, _results(messages[i + 1 :])))
    return found


def _results(rest: list[Body]) -> dict[str, str]:
    results = {}
    for message in rest:
        if message["role"] != "tool":
            break
        results[message["tool_call_id"]] = " ".join(strings(message["content"]))
    if results or not rest or not isinstance(rest[0].get("content"), list):
        return results
    for block in rest[0]["content"]:
        if block.get("type") != "tool_result":
            break
        results[block["tool_use_id"]] = " ".join(strings(block.get("content")))
    return results


def _follow(body: Body, check: Body) -> bool:
    return all(set(calls) == results.keys() & set(calls) for calls, results in turns(body))


def _paired(body: Body, check: Body) -> bool:
    said = [results.get(id, "") for calls, results in turns(body) for id in calls]
    return all(text in said[i] for i, text in enumerate(check["results"]))


# ---------------------------------------------------------------- texts


def _blocks(body: Body) -> list[Body]:
    blocks = at(body, "/messages/*/content/*") + at(body, "/messages/*/content/*/content/*")
    return [b for b in blocks + at(body, "/system/*") if isinstance(b, dict)]


def _no_blank(body: Body, check: Body) -> bool:
    texts = [b["text"] for b in _blocks(body) if b.get("type") == "text"]
    contents = at(body, "/messages/*/content")
    return all(t.strip() for t in texts) and all(c.strip() for c in contents if isinstance(c, str))


def _roles_end(body: Body, check: Body) -> bool:
    wanted = check["value"]
    return [m["role"] for m in body["messages"]][-len(wanted) :] == wanted


def _all(test: Callable[[Any, Body], bool]) -> Callable[[Body, Body], bool]:
    """All values at the path pass, and there are some."""

    def holds(body: Body, check: Body) -> bool:
        values = at(body, check["path"])
        return bool(values) and all(test(value, check) for value in values)

    return holds


def _same(body: Body, check: Body) -> bool:
    values = [at(body, path) for path in check["paths"]]
    return all(values) and len({json.dumps(v) for found in values for v in found}) == 1


def _present(body: Body, check: Body) -> list[Any]:
    return [value for value in at(body, check["path"]) if value is not None]


OPERATIONS: dict[str, Callable[[Body, Body], bool]] = {
    "contains": lambda b, c: any(c["text"] in text for text in _said(b, c)),
    "lacks": lambda b, c: not any(c["text"] in text for text in _said(b, c)),
    "contains_any": lambda b, c: any(t in text for text in _said(b, c) for t in c["texts"]),
    "count_text": lambda b, c: sum(t.count(c["text"]) for t in _said(b, c)) == c["value"],
    "lacks_key": lambda b, c: c["key"] not in _keys(b),
    "equal": _all(lambda value, c: bool(value == c["value"])),
    "one_of": _all(lambda value, c: value in c["values"]),
    "match": _all(lambda value, c: re.search(c["regex"], value) is not None),
    "number_between": _all(lambda value, c: bool(c["min"] <= value <= c["max"])),
    "absent": lambda b, c: not _present(b, c),
    "absent_or_one_of": lambda b, c: all(v in c["values"] for v in _present(b, c)),
    "distinct": lambda b, c: len(set(at(b, c["path"]))) == len(at(b, c["path"])),
    "count": lambda b, c: len(at(b, c["path"])) == c["value"],
    "same": _same,
    "has_part": lambda b, c: any(_holds(v, c["value"]) for v in at(b, c["path"])),
    "lacks_part": lambda b, c: not any(_holds(v, c["value"]) for v in at(b, c["path"])),
    "exactly_one": lambda b, c: sum(b.get(key) is not None for key in c["keys"]) == 1,
    "results_follow_calls": _follow,
    "paired": _paired,
    "roles_end": _roles_end,
    "no_blank_text_block": _no_blank,
    "no_empty_content": lambda b, c: all(
        m.get("content") or m.get("tool_calls") for m in b["messages"]
    ),
}


def without(body: Body, path: str) -> Body:
    """The body, without the value at that path."""
    *places, last = path.split("/")[1:]
    changed = copy.deepcopy(body)
    value: Any = changed
    for key in places:
        value = value[int(key)] if isinstance(value, list) else value[key]
    del value[last]
    return changed
