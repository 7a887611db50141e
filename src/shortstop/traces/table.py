"""Rows with named columns, as notebooks, spreadsheets and data frames take them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from shortstop.errors import InvalidRequest
from shortstop.types import Trace

Row = dict[str, Any]


def row_of(trace: Trace) -> Row:
    """The columns of a request. Money in US dollars, time in UTC and seconds."""
    usage, bill, decision = trace.usage, trace.bill, trace.decision
    return {
        "id": trace.id,
        "at": utc(trace.at),
        "tenant": trace.tenant,
        "key": trace.key,
        "model": trace.model,
        "task": decision.task if decision else None,
        "target": trace.target,
        "local": trace.local,
        "outcome": trace.outcome,
        "status": trace.status,
        "seconds": trace.seconds,
        "first_byte": trace.first_byte,
        "tier": trace.clearance.tier.name,
        "reasons": list(decision.reasons) if decision else [],
        "input_tokens": usage.input if usage else None,
        "output_tokens": usage.output if usage else None,
        "cost": _money(bill.cost) if bill else None,
        "counterfactual": _money(bill.counterfactual) if bill else None,
        "conversation": trace.conversation,
        "run": trace.run,
        "tag": trace.tag,
        "user": trace.user,
        "specialist": trace.specialist,
        "request": trace.request,
        "answer": trace.response[0].text if trace.response else None,
    }


def utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _money(amount: Any) -> float | None:
    return None if amount is None else float(amount)


class ParquetRows:
    """A Parquet file in the making: bytes come as rows do, and its end last. Requests are JSON.

    Raises InvalidRequest where pyarrow is not installed.
    """

    def __init__(self) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError as error:
            raise InvalidRequest(
                "Parquet needs the extra [parquet].",
                hint="Install it where Shortstop runs (pip install 'shortstop[parquet]'), or take"
                " jsonl.",
                param="format",
            ) from error
        self._table = pa.Table
        self._schema = pa.schema([(name, kind(pa)) for name, kind in _KINDS.items()])
        self._made = _Tail()
        self._file = pq.ParquetWriter(self._made, self._schema)

    def rows(self, traces: Iterable[Trace]) -> bytes:
        """One group of rows."""
        rows = [self._row(trace) for trace in traces]
        if rows:
            self._file.write_table(self._table.from_pylist(rows, self._schema))
        return self._made.taken()

    def end(self) -> bytes:
        self._file.close()
        return self._made.taken()

    @staticmethod
    def _row(trace: Trace) -> Row:
        row = row_of(trace)
        asked = row["request"]
        row["request"] = None if asked is None else msgspec.json.encode(asked).decode()
        return row


def _text(pa: Any) -> Any:
    return pa.string()


def _real(pa: Any) -> Any:
    return pa.float64()


def _whole(pa: Any) -> Any:
    return pa.int64()


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("id",), _text),
    "at": lambda pa: pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(("tenant", "key", "model", "task", "target"), _text),
    "local": lambda pa: pa.bool_(),
    "outcome": _text,
    "status": _whole,
    **dict.fromkeys(("seconds", "first_byte"), _real),
    "tier": _text,
    "reasons": lambda pa: pa.list_(pa.string()),
    **dict.fromkeys(("input_tokens", "output_tokens"), _whole),
    **dict.fromkeys(("cost", "counterfactual"), _real),
    **dict.fromkeys(
        ("conversation", "run", "tag", "user", "specialist", "request", "answer"), _text
    ),
}
"""The columns of `row_of`, each with what makes its type."""


class _Tail(io.RawIOBase):
    """A file of which only what was not taken yet is held."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._place = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._place += len(part)
        return len(part)

    def taken(self) -> bytes:
        made = b"".join(self._parts)
        self._parts.clear()
        return made
