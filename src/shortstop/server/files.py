"""Files of requests: uploaded, listed, read and deleted by the key that they belong to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from typing import cast, get_args

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from shortstop.batches import ExpiresAfter, StoredFile, Upload
from shortstop.errors import InvalidRequest, RequestError, ShortstopError, TooLarge, Unsupported
from shortstop.server.answers import as_json
from shortstop.server.aside import Aside
from shortstop.server.batch_answers import DeletedFile, file_list, file_object
from shortstop.server.capacity import Capacity, Share, holder_of
from shortstop.server.console.query import one_of
from shortstop.server.form import Form
from shortstop.server.gateway import Gateway
from shortstop.server.holders import holder_in, limit_in
from shortstop.server.stored_responses import owner_of
from shortstop.types import Caller
from shortstop.types.batches import Purpose

log = logging.getLogger(__name__)

THREADS, MOST_WAITING = 2, 256
MOST_LISTED = 10_000
FORM_BYTES = 100_000
"""Bytes of a form beside its file."""
DRAINED = 1 << 29
"""Bytes of a refused file that are read all the same, and kept nowhere."""
CHUNK = 1 << 18
"""Bytes of a file that are sent at once, or one line."""


class SentBody:
    """A body as it comes."""

    def __init__(self, request: HttpRequest) -> None:
        self._receive = request.receive
        self._ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Raises InvalidRequest where the client leaves."""
        while not self._ended:
            message = await self._receive()
            self._ended = not message.get("more_body", False)
            if message["type"] == "http.disconnect":
                raise InvalidRequest("The client disconnected before the file was complete.")
            yield message.get("body", b"")

    async def drain(self) -> None:
        """Read what a client still sends whose file is refused: most read the answer after that
        alone. Whoever sends without end is not listened to for ever."""
        left = DRAINED
        with suppress(InvalidRequest):
            async for data in self:
                left -= len(data)
                if left < 0:
                    return


class FilesApi:
    """The handlers, for whoever `Access.key` has let in."""

    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._capacity = capacity
        self.aside = Aside(gateway, "files", THREADS, MOST_WAITING)

    async def upload(self, request: HttpRequest, caller: Caller) -> Response:
        """POST /v1/files: keeps a file for a batch, sealed line by line while it comes."""
        sent = SentBody(request)
        try:
            stored = await self._uploaded(request, caller, sent)
        except RequestError:
            await sent.drain()
            raise
        return as_json(file_object(stored))

    async def _uploaded(self, request: HttpRequest, caller: Caller, sent: SentBody) -> StoredFile:
        holder = holder_in(request, caller, self._gateway)
        self._require_small(request)
        form = Form(request.headers.get("content-type", "").encode("latin-1"))
        upload = await self.aside.run(lambda: self._gateway.files.begin(holder))
        try:
            with self._capacity.share(holder_of(caller, request.scope)) as share:
                await self._received(sent, form, upload, share)
            name, expires = form.filename or "", _expires_in(form)
            finish = self._gateway.files.finish
            return await self.aside.run(lambda: finish(upload, holder, name, expires))
        except BaseException:
            await self._abandoned(upload)
            raise

    def _require_small(self, request: HttpRequest) -> None:
        """Raises TooLarge by what the head announces, and Unsupported for a packed body."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Unsupported("A file is uploaded as it is, without a content encoding.")
        most = self._gateway.files.most_bytes
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and int(announced[:18]) > most + FORM_BYTES:
            raise TooLarge(
                f"The file has more than {most / 1e6:g} MB.",
                hint="Send several files, or raise `batches.max_file_mb`.",
                param="file",
            )

    async def _received(self, sent: SentBody, form: Form, upload: Upload, share: Share) -> None:
        """Write the file while it comes; `share` holds what of it is in memory."""
        beside = 0
        async for data in sent:
            content = form.feed(data)
            beside += len(data) - len(content)
            if beside > FORM_BYTES:
                raise TooLarge(f"The form has more than {FORM_BYTES} bytes beside its file.")
            _require_batch(form.fields.get("purpose", "batch"))
            if content:
                await self.aside.run(partial(upload.write, content))
                share.take(max(0, upload.holding - share.held))
        form.close()
        _require_batch(form.fields.get("purpose"))

    async def _abandoned(self, upload: Upload) -> None:
        """Whatever stays is deleted a day later."""
        try:
            await asyncio.shield(self.aside.run(upload.abandon))
        except ShortstopError as error:
            log.warning("an upload that broke off stays for a day: %s", error)

    async def page(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/files: the key's files."""
        query = request.query_params
        limit = limit_in(request, MOST_LISTED, MOST_LISTED)
        up = one_of(query, "order", ("asc", "desc")) == "asc"
        purpose = query.get("purpose")
        known = cast(Purpose, purpose) if purpose in get_args(Purpose) else None
        if purpose and known is None:
            return as_json(file_list([], limit))  # a purpose that no file here has
        owner, after, files = owner_of(caller), query.get("after"), self._gateway.files
        found = await self.aside.run(lambda: files.page(owner, known, after, limit + 1, up=up))
        return as_json(file_list(found, limit))

    async def one(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/files/{id}."""
        return as_json(file_object(await self._found(request, caller)))

    async def content(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/files/{id}/content: the file as it is, while it is read."""
        found = await self._found(request, caller)
        chunks = _chunks(self._gateway.files.lines(found.row.id))
        first = await self.aside.run(lambda: next(chunks, None))
        named = {"content-disposition": f'attachment; filename="{found.row.id}.jsonl"'}
        return StreamingResponse(
            self._streamed(first, chunks), headers=named, media_type="application/octet-stream"
        )

    async def _streamed(self, chunk: bytes | None, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
        """What cannot be read cuts the answer off: it is never ended as if it were whole."""
        while chunk is not None:
            yield chunk
            chunk = await self.aside.run(lambda: next(rest, None))

    async def delete(self, request: HttpRequest, caller: Caller) -> Response:
        """DELETE /v1/files/{id}: off the disk, unless a batch that has not ended reads it."""
        id, owner = request.path_params["id"], owner_of(caller)
        await self.aside.run(lambda: self._gateway.files.drop(owner, id))
        return as_json(DeletedFile(id))

    async def _found(self, request: HttpRequest, caller: Caller) -> StoredFile:
        id, owner = request.path_params["id"], owner_of(caller)
        return await self.aside.run(lambda: self._gateway.files.find(owner, id))


def _chunks(lines: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for _, line in lines:
        held.append(line)
        size += len(line)
        if size >= CHUNK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _require_batch(purpose: str | None) -> None:
    if purpose != "batch":
        said = "is missing" if purpose is None else f"{purpose[:64]!r} is not known here"
        raise InvalidRequest(
            f"The purpose of the file {said}.", hint="Files are for batches: send `batch`.",
            param="purpose",
        )  # fmt: skip


def _expires_in(form: Form) -> ExpiresAfter | None:
    """As the SDKs write a nested field."""
    said = {name: form.fields.get(f"expires_after[{name}]") for name in ("anchor", "seconds")}
    if said["anchor"] is None and said["seconds"] is None:
        return None
    try:
        return msgspec.convert(said, ExpiresAfter, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            "`expires_after` needs the anchor `created_at` and 3600 to 2592000 seconds.",
            param="expires_after",
        ) from error
