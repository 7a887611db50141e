"""OpenAI's Batch API: a file of requests is uploaded, and a batch made over it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw

from shortstop.dialects.batching import BatchCall, BatchState, Steps, id_in, told_line
from shortstop.errors import UpstreamRejected
from shortstop.types import Json
from shortstop.types.batches import VendorResult

OVER = ("completed", "failed", "expired", "cancelled")
NAME = "shortstop"
"""Under which a batch's metadata hold our name for it."""
FILES = ("input_file_id", "output_file_id", "error_file_id")
PAGE, MOST_PAGES = 100, 100


class OpenAIBatchApi:
    """Implements BatchApi, for requests to one `endpoint`, such as `/v1/chat/completions`."""

    most_lines, most_bytes, named = 50_000, 200_000_000, True

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def submit(self, name: str, lines: Mapping[str, bytes]) -> Steps[str]:
        told = [
            {"custom_id": line, "method": "POST", "url": self._endpoint, "body": Raw(body)}
            for line, body in lines.items()
        ]
        file = id_in((yield _upload(name, b"\n".join(map(msgspec.json.encode, told)))))
        asked = {
            "input_file_id": file,
            "endpoint": self._endpoint,
            "completion_window": "24h",
            "metadata": {NAME: name},
        }
        try:
            return id_in((yield BatchCall("POST", "/batches", msgspec.json.encode(asked))))
        except UpstreamRejected:
            yield BatchCall("DELETE", f"/files/{file}")
            raise

    def find(self, name: str, lines: int, since: float) -> Steps[list[str]]:
        """Newest first, so that nothing older need be read."""
        after = ""
        for _ in range(MOST_PAGES):
            page = yield BatchCall("GET", f"/batches?limit={PAGE}{after}")
            batches = [one for one in _listed(page) if isinstance(one, dict)]
            for one in batches:
                if (one.get("metadata") or {}).get(NAME) == name:
                    return [id_in(one)]
            if not batches or not page.get("has_more") or _made(batches[-1]) < since:
                break
            after = f"&after={quote(id_in(batches[-1]), safe='')}"
        return []

    def state(self, id: str) -> Steps[BatchState]:
        batch = yield BatchCall("GET", f"/batches/{id}")
        if batch.get("status") not in OVER:
            return BatchState(over=False)
        files = [id_in(batch, field) for field in FILES[1:] if batch.get(field)]
        return BatchState(over=True, results=tuple(f"/files/{one}/content" for one in files))

    def result(self, line: bytes) -> tuple[str, VendorResult]:
        name, tree = told_line(line)
        response = tree.get("response")
        if not isinstance(response, dict):
            return name, VendorResult(0)
        status, body = response.get("status_code"), response.get("body")
        if type(status) is not int or not isinstance(body, dict):
            raise ValueError("no result of a line")
        return name, VendorResult(status, msgspec.json.encode(body))

    def cancel(self, id: str) -> Steps[None]:
        yield BatchCall("POST", f"/batches/{id}/cancel")

    def delete(self, id: str) -> Steps[None]:
        """A batch itself stays in the vendor's list: it holds nothing that was said."""
        batch = yield BatchCall("GET", f"/batches/{id}")
        for field in FILES:
            if batch.get(field):
                yield BatchCall("DELETE", f"/files/{id_in(batch, field)}")


def _upload(name: str, content: bytes) -> BatchCall:
    mark = f"----{secrets.token_hex(16)}"
    head = (
        f'--{mark}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{mark}\r\ncontent-disposition: form-data; name="file"; filename="{name}.jsonl"\r\n'
        "content-type: application/jsonl\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
    return BatchCall("POST", "/files", body, f"multipart/form-data; boundary={mark}", holds=True)


def _listed(page: Json) -> list[Any]:
    found = page.get("data")
    return found if isinstance(found, list) else []


def _made(batch: Json) -> float:
    made = batch.get("created_at")
    return made if isinstance(made, int | float) else 0.0
