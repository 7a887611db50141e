"""What a client asks for when it makes a batch."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

MetadataKey = Annotated[str, Meta(max_length=64)]
MetadataValue = Annotated[str, Meta(max_length=512)]


class ExpiresAfter(Struct, frozen=True):
    """When a file is to be deleted: so many seconds, an hour to 30 days, after it was made."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=3600, le=2_592_000)]


class BatchRequest(Struct, frozen=True):
    """A batch over an uploaded file, each line of which is a request to `endpoint`."""

    input_file_id: Annotated[str, Meta(description="The id of a file with purpose `batch`.")]
    endpoint: Literal["/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/embeddings"]
    completion_window: Annotated[
        Literal["24h"], Meta(description="How long the batch may take; what is left then expires.")
    ]
    metadata: Annotated[dict[MetadataKey, MetadataValue], Meta(max_length=16)] | None = None
    output_expires_after: ExpiresAfter | None = None
