"""Files and batches as JSON, in OpenAI's form. The OpenAPI document is made from these types."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shortstop.batches import Batch, Fault, StoredFile
from shortstop.types.batches import BatchStatus, Purpose


class FileObject(Struct, frozen=True, tag_field="object", tag="file"):
    """A file. `bytes` is its size, times are Unix time in seconds."""

    id: str
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: Purpose
    status: Literal["processed"] = "processed"
    status_details: None = None


class FileList(Struct, frozen=True, tag_field="object", tag="list"):
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedFile(Struct, frozen=True, tag_field="object", tag="file"):
    id: str
    deleted: bool = True


class RequestCounts(Struct, frozen=True):
    """Lines of the input, and those of them that have an answer."""

    total: int
    completed: int
    failed: int


class BatchFaults(Struct, frozen=True, tag_field="object", tag="list"):
    """What is wrong with the input; lines are counted from 1."""

    data: list[Fault]


class BatchObject(Struct, frozen=True, tag_field="object", tag="batch"):
    """A batch. Times are Unix time in seconds; its files can be read once it has ended."""

    id: str
    endpoint: str
    errors: BatchFaults | None
    input_file_id: str
    completion_window: str
    status: BatchStatus
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    metadata: dict[str, str] | None


class BatchList(Struct, frozen=True, tag_field="object", tag="list"):
    data: list[BatchObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


def file_object(file: StoredFile) -> FileObject:
    row = file.row
    return FileObject(row.id, row.size, int(row.at), int(row.expires), file.name, row.purpose)


def file_list(files: list[StoredFile], limit: int) -> FileList:
    """The first `limit` of them."""
    data = [file_object(file) for file in files[:limit]]
    return FileList(data, *_ends([one.id for one in data]), len(files) > limit)


def batch_object(batch: Batch) -> BatchObject:
    row, terms = batch.row, batch.terms

    def at(status: BatchStatus) -> int | None:
        moment = terms.moments.get(status)
        return None if moment is None else int(moment)

    return BatchObject(
        id=row.id,
        endpoint=terms.endpoint,
        errors=BatchFaults(terms.faults) if terms.faults else None,
        input_file_id=row.input,
        completion_window="24h",
        status=row.status,
        output_file_id=(row.output or None) if batch.ended else None,
        error_file_id=(row.errors or None) if batch.ended else None,
        created_at=int(row.at),
        in_progress_at=at("in_progress"),
        expires_at=int(row.expires),
        finalizing_at=at("finalizing"),
        completed_at=at("completed"),
        failed_at=at("failed"),
        expired_at=at("expired"),
        cancelling_at=at("cancelling"),
        cancelled_at=at("cancelled"),
        request_counts=RequestCounts(row.total, row.completed, row.failed),
        metadata=terms.metadata,
    )


def batch_list(batches: list[Batch], limit: int) -> BatchList:
    """The first `limit` of them."""
    data = [batch_object(batch) for batch in batches[:limit]]
    return BatchList(data, *_ends([one.id for one in data]), len(batches) > limit)


def _ends(ids: list[str]) -> tuple[str | None, str | None]:
    return (ids[0], ids[-1]) if ids else (None, None)
