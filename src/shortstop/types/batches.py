"""Files that clients upload, and batches of requests, as they lie in a store."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

BatchStatus = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling",
    "cancelled",
]  # fmt: skip
UNFINISHED: tuple[BatchStatus, ...] = ("validating", "in_progress", "finalizing", "cancelling")
Purpose = Literal["batch", "batch_output"]
Dropped = Literal["dropped", "unknown", "in use"]
"""What became of a file that was to be deleted; "in use" by a batch that has not ended."""


class FileRow(NamedTuple):
    """A file without its content. `holder` is the key or the tenant to whom alone it exists;
    `tenant` and `conversation` are what it is erased by. `at` and `expires` are Unix seconds,
    `size` the bytes of the content as it came. `record` is sealed."""

    id: str
    holder: str
    tenant: str
    conversation: str
    at: float
    expires: float
    purpose: Purpose
    size: int
    record: bytes


class Piece(NamedTuple):
    """A part of a file, sealed: a line, and blank ones before it. `number` is the line's, from 1;
    `size` its bytes before it was sealed. `data` is empty where it was erased."""

    number: int
    size: int
    data: bytes
    conversation: str = ""


class BatchRow(NamedTuple):
    """A batch. `input`, `output` and `errors` are the ids of files; the last two are "" where there
    is none. `completed` and `failed` count the lines of `total` that have an answer."""

    id: str
    holder: str
    tenant: str
    conversation: str
    at: float
    expires: float
    status: BatchStatus
    input: str
    output: str
    errors: str
    total: int
    completed: int
    failed: int
    record: bytes


class LinePlace(Struct, frozen=True):
    """Which line of which batch a request is. `target` is the model in whose vendor's batch it
    waits already, None: in none."""

    batch: str
    number: int
    target: str | None = None


class VendorResult(Struct, frozen=True):
    """What a vendor's batch holds of one line: an answer with its HTTP status. 0: the vendor did
    not get to it."""

    status: int
    body: bytes = b""
