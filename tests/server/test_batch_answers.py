"""What clients are told of files and batches, in OpenAI's form."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import openai.types as official
import pytest
from msgspec.structs import replace

from shortstop.batches import Batch, Fault, StoredFile
from shortstop.batches.batch import BatchTerms
from shortstop.server.batch_answers import batch_list, batch_object, file_list, file_object
from shortstop.types.batches import UNFINISHED, BatchStatus
from tests.stores.contract.batches import batch_row, file_row

STATUSES: list[BatchStatus] = [*UNFINISHED, "completed", "failed", "expired", "cancelled"]


def batch(status: BatchStatus = "completed", **terms: Any) -> Batch:
    return Batch(
        batch_row("batch_1", "file-1", status=status), BatchTerms("/v1/embeddings", **terms)
    )


def told(value: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(msgspec.json.encode(value))
    return answer


@pytest.mark.parametrize("status", STATUSES)
def test_a_batch_is_what_the_official_types_say(status: BatchStatus) -> None:
    moments = {"in_progress": 1.9, status: 2.0}
    faults = [Fault("invalid_json_line", "no", None, 3)]
    answer = told(batch_object(batch(status, moments=moments, metadata={"a": "b"}, faults=faults)))
    read = official.Batch.model_validate(answer, strict=True)
    assert read.status == status
    assert read.in_progress_at == (2 if status == "in_progress" else 1)
    assert read.errors is not None
    assert [(one.line, one.code) for one in read.errors.data or []] == [(3, "invalid_json_line")]
    ended = status not in UNFINISHED
    assert (read.output_file_id is not None) == (read.error_file_id is not None) == ended


def test_a_file_that_is_not_there_is_not_named() -> None:
    one = batch()
    empty = replace(one, row=one.row._replace(output=""))
    assert told(batch_object(empty))["output_file_id"] is None


def test_a_file_is_what_the_official_types_say() -> None:
    answer = told(file_object(StoredFile(file_row("file-1", size=7), "in.jsonl")))
    read = official.FileObject.model_validate(answer, strict=True)
    assert (read.bytes, read.filename, read.status) == (7, "in.jsonl", "processed")


def test_lists_say_where_they_end_and_whether_more_follows() -> None:
    files = [StoredFile(file_row(f"file-{i}"), "") for i in range(3)]
    page = told(file_list(files, 2))
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("file-0", "file-1", True)
    assert not told(file_list(files, 3))["has_more"]
    nothing = told(batch_list([], 3))
    assert (nothing["data"], nothing["first_id"], nothing["has_more"]) == ([], None, False)
    assert nothing["object"] == "list"
