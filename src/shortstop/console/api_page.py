"""The API's reference as a page, made from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from shortstop.console.templates import render
from shortstop.types import Json

METHODS = ("get", "post", "put", "patch", "delete")


class ApiField(Struct, frozen=True):
    name: str
    kind: str
    required: bool
    about: str


class ApiCall(Struct, frozen=True):
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[ApiField, ...]
    body: str
    fields: tuple[ApiField, ...]
    answers: tuple[tuple[str, str, str], ...]
    """Status, what it means, the schema."""


class ApiGroup(Struct, frozen=True):
    name: str
    about: str
    calls: tuple[ApiCall, ...]


def page(document: Json) -> str:
    """`document` is OpenAPI 3.1."""
    groups = [
        ApiGroup(tag["name"], tag.get("description", ""), tuple(_calls(document, tag["name"])))
        for tag in document["tags"]
    ]
    return render("api.html", title=document["info"]["title"], groups=groups)


def _calls(document: Json, tag: str) -> Iterator[ApiCall]:
    for path, item in document["paths"].items():
        for method in METHODS:
            call = item.get(method)
            if call is not None and tag in call.get("tags", ()):
                yield _call(document, path, method, call)


def _call(document: Json, path: str, method: str, call: Json) -> ApiCall:
    body = _schema_of(call.get("requestBody", {}))
    return ApiCall(
        id=call["operationId"],
        method=method.upper(),
        path=path,
        summary=call.get("summary", ""),
        about=call.get("description", ""),
        parameters=tuple(_parameters(document, call)),
        body=kind_of(body) if body else "",
        fields=tuple(_fields(document, body)),
        answers=tuple(
            (status, answer.get("description", ""), kind_of(_schema_of(answer)))
            for status, answer in call["responses"].items()
        ),
    )


def _parameters(document: Json, call: Json) -> Iterator[ApiField]:
    for one in call.get("parameters", ()):
        found = _resolved(document, one)
        yield ApiField(
            found["name"],
            f"{found['in']}, {kind_of(found.get('schema', {}))}",
            bool(found.get("required")),
            found.get("description", ""),
        )


def _fields(document: Json, schema: Json) -> Iterator[ApiField]:
    found = _resolved(document, schema)
    required = found.get("required", ())
    for name, inner in found.get("properties", {}).items():
        yield ApiField(name, kind_of(inner), name in required, inner.get("description", ""))


def kind_of(schema: Json) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            kinds = [kind_of(one) for one in schema[several] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(map(repr, schema["enum"]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"array of {kind_of(schema.get('items', {}))}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _schema_of(holder: Json) -> Json:
    """Of a request body or a response: the first media type's."""
    content: dict[str, Any] = holder.get("content", {})
    return next((media.get("schema", {}) for media in content.values()), {})


def _resolved(document: Json, schema: Json) -> Json:
    """What a reference names."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Json = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
