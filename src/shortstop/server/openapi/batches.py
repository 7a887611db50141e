"""The document's operations of files and batches."""

from __future__ import annotations

from shortstop.server.openapi.operation import (
    KEYED,
    READ,
    WRITE,
    Operation,
    content,
    in_path,
    query,
    read,
)
from shortstop.server.openapi.vendors import TEXT
from shortstop.types import Json

UPLOAD: Json = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "purpose": {"type": "string", "enum": ["batch"]},
        "file": {
            "type": "string",
            "format": "binary",
            "description": "JSON lines, each with `custom_id`, `method`, `url` and `body`.",
        },
        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
        "expires_after[seconds]": {"type": "integer", "minimum": 3600, "maximum": 2_592_000},
    },
}
_AFTER = query("after", "The id of the last one on the page before.")
_LIMIT = "How many at most, {} where it says nothing."
_LOST = (404, *READ)

BATCHES = {
    ("get", "/v1/files"): Operation(
        id="listFiles",
        tag="Batches",
        summary="List the key's files",
        answer=content("FileList"),
        errors=_LOST,
        parameters=(
            query("purpose", "`batch` for uploads, `batch_output` for answers."),
            query("order", "`desc`, newest first, or `asc`."),
            query("limit", _LIMIT.format("10000")),
            _AFTER,
        ),
        headers=KEYED,
    ),
    ("post", "/v1/files"): Operation(
        id="createFile",
        tag="Batches",
        summary="Upload a file of requests",
        form=UPLOAD,
        answer=content("FileObject"),
        errors=WRITE,
        headers=KEYED,
    ),
    ("get", "/v1/files/{id}"): read("getFile", "Batches", "Get a file", "FileObject", _LOST, "id"),
    ("delete", "/v1/files/{id}"): read(
        "deleteFile", "Batches", "Delete a file", "DeletedFile", (409, *_LOST), "id"
    ),
    ("get", "/v1/files/{id}/content"): Operation(
        id="getFileContent",
        tag="Batches",
        summary="Read a file",
        answer={"application/octet-stream": {"schema": {**TEXT, "format": "binary"}}},
        errors=_LOST,
        parameters=in_path("id"),
        headers=KEYED,
    ),
    ("get", "/v1/batches"): Operation(
        id="listBatches",
        tag="Batches",
        summary="List the key's batches, newest first",
        answer=content("BatchList"),
        errors=_LOST,
        parameters=(query("limit", _LIMIT.format("20")), _AFTER),
        headers=KEYED,
    ),
    ("post", "/v1/batches"): Operation(
        id="createBatch",
        tag="Batches",
        summary="Begin a batch over an uploaded file",
        body="BatchRequest",
        answer=content("BatchObject"),
        errors=(404, *WRITE),
        headers=KEYED,
    ),
    ("get", "/v1/batches/{id}"): read(
        "getBatch", "Batches", "Get a batch", "BatchObject", _LOST, "id"
    ),
    ("post", "/v1/batches/{id}/cancel"): read(
        "cancelBatch",
        "Batches",
        "Cancel a batch; what is answered by then is kept",
        "BatchObject",
        (409, *_LOST),
        "id",
    ),
}
