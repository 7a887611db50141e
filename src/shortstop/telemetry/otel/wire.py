"""OTLP's JSON: spans, histograms and attributes, as a collector takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

INTERNAL, SERVER, CLIENT = 1, 2, 3
"""Kinds of spans."""
FAILED = 2
"""The status of a span that ended in an error."""
CUMULATIVE = 2

Value = str | bool | int | float | Sequence[str] | None
Attributes = list[dict[str, Any]]

encode = msgspec.json.Encoder().encode


class SpanStatus(Struct, frozen=True):
    code: int


class OtlpSpan(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Ids in lower-case hex, times in nanoseconds of Unix time as decimal text."""

    trace_id: str
    span_id: str
    parent_span_id: str = ""
    trace_state: str = ""
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: Attributes = []
    status: SpanStatus | None = None


def nanoseconds(at: float) -> str:
    """`at` in seconds."""
    return str(int(at * 1e9))


def attributes(values: Mapping[str, Value]) -> Attributes:
    """Those that have a value; no number is left that is none."""
    told = ((name, _value(value)) for name, value in values.items() if value is not None)
    return [{"key": name, "value": value} for name, value in told if value is not None]


def _value(value: Value) -> dict[str, Any] | None:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value} if isfinite(value) else None
    texts = [{"stringValue": text} for text in value or ()]
    return {"arrayValue": {"values": texts}} if texts else None


class Envelope:
    """What stands around spans and metrics: whose they are, and what made them."""

    def __init__(self, resource: Mapping[str, Value], scope: str, version: str) -> None:
        self._resource = encode({"attributes": attributes(resource)})
        self._scope = encode({"name": scope, "version": version})

    def traces(self, spans: Sequence[bytes]) -> bytes:
        """A request to `/v1/traces`; each of `spans` is one or more, separated by commas."""
        return self._around(b"Spans", b"spans", spans)

    def metrics(self, metrics: Sequence[bytes]) -> bytes:
        """A request to `/v1/metrics`."""
        return self._around(b"Metrics", b"metrics", metrics)

    def _around(self, kind: bytes, name: bytes, parts: Sequence[bytes]) -> bytes:
        head = b'{"resource%b":[{"resource":%b,"scope%b":[{"scope":%b,"%b":['
        inner = head % (kind, self._resource, kind, self._scope, name)
        return inner + b",".join(parts) + b"]}]}]}"
