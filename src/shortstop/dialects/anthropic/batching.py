"""Anthropic's Message Batches API: the requests are in the call that makes the batch.

Such a batch has no name: which one is ours is known by the number of its requests and by when it
was made, and for certain by the names of its results.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from shortstop.dialects.batching import BatchCall, BatchState, Steps, id_in, told_line
from shortstop.dialects.failures import told_status
from shortstop.types import Json
from shortstop.types.batches import VendorResult

PATH = "/v1/messages/batches"
SKEW = 300.0
"""Seconds by which our clock and the vendor's may differ."""
PAGE, MOST_PAGES = 100, 100


class AnthropicBatchApi:
    """Implements BatchApi."""

    most_lines, most_bytes, named = 100_000, 256_000_000, False

    def submit(self, name: str, lines: Mapping[str, bytes]) -> Steps[str]:
        told = [{"custom_id": line, "params": Raw(body)} for line, body in lines.items()]
        body = msgspec.json.encode({"requests": told})
        return id_in((yield BatchCall("POST", PATH, body, holds=True)))

    def find(self, name: str, lines: int, since: float) -> Steps[list[str]]:
        """Newest first."""
        found: list[str] = []
        after = ""
        for _ in range(MOST_PAGES):
            page = yield BatchCall("GET", f"{PATH}?limit={PAGE}{after}")
            data = page.get("data")
            batches = [one for one in data if isinstance(one, dict)] if data else []
            young = [one for one in batches if _made(one) >= since - SKEW]
            found += [id_in(one) for one in young if _count(one) == lines]
            if not page.get("has_more") or len(young) < len(batches) or not batches:
                break
            after = f"&after_id={id_in(batches[-1])}"
        return found

    def state(self, id: str) -> Steps[BatchState]:
        batch = yield BatchCall("GET", f"{PATH}/{id}")
        if batch.get("processing_status") != "ended":
            return BatchState(over=False)
        # The vendor names the address of the results; ours is sure to be the vendor's.
        return BatchState(over=True, results=(f"{PATH}/{id}/results",))

    def result(self, line: bytes) -> tuple[str, VendorResult]:
        name, tree = told_line(line)
        result: Any = tree.get("result")
        kind = result.get("type") if isinstance(result, dict) else None
        if kind in ("canceled", "expired"):
            return name, VendorResult(0)
        if kind == "succeeded" and isinstance(result.get("message"), dict):
            return name, VendorResult(200, msgspec.json.encode(result["message"]))
        if kind == "errored" and isinstance(result.get("error"), dict):
            error = result["error"]
            return name, VendorResult(_status(error), msgspec.json.encode(error))
        raise ValueError("no result of a line")

    def cancel(self, id: str) -> Steps[None]:
        yield BatchCall("POST", f"{PATH}/{id}/cancel")

    def delete(self, id: str) -> Steps[None]:
        yield BatchCall("DELETE", f"{PATH}/{id}")


def _status(error: Json) -> int:
    """Of an error that was told in place of an answer."""
    details = error.get("error")
    return told_status(details if isinstance(details, dict) else error) or 500


def _made(batch: Json) -> float:
    try:
        return datetime.fromisoformat(str(batch.get("created_at"))).timestamp()
    except ValueError:
        return 0.0


def _count(batch: Json) -> int:
    """All requests of a batch, whatever became of them."""
    counts: Any = batch.get("request_counts")
    if not isinstance(counts, dict):
        return -1
    return sum(one for one in counts.values() if type(one) is int)
