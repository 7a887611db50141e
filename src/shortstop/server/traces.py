"""Recorded rows over HTTP, for operators: found in pages, one with all that is known, as files."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from math import isfinite
from time import time
from typing import cast, get_args

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from shortstop.errors import ConfigError, Forbidden, InvalidRequest, NotFound, ShortstopError
from shortstop.ports.stores import Figures
from shortstop.server.answers import as_json
from shortstop.server.aside import Aside
from shortstop.server.auth import Operator
from shortstop.server.console.query import Query, moment_in, one_of, text_in
from shortstop.server.gateway import Gateway
from shortstop.types import Grade, Trace, TraceOutcome
from shortstop.types.console import (
    ContentShown,
    FileForm,
    FileWanted,
    RowCursor,
    RowFilter,
    TraceLine,
)

log = logging.getLogger(__name__)

READERS, MOST_WAITING = 1, 8
FILTERS = ("since", "until", "task", "target", "outcome", "tenant", "key_id", "tag", "run")
"""`key` would be taken for a credential in the address."""
USUAL, MOST = 100, 1000
MEDIA: Mapping[FileForm, tuple[str, str]] = {
    "jsonl": ("application/jsonl", "traces.jsonl"),
    "openai": ("application/jsonl", "chats.jsonl"),
    "parquet": ("application/vnd.apache.parquet", "traces.parquet"),
}


class TraceList(Struct, frozen=True):
    """Rows, newest first, without what was said. `next` is the `cursor` of the next page, null at
    the end. `searched`: no further back than this (Unix time) was looked for this page, which may
    be empty and not the last."""

    data: list[TraceLine]
    next: str | None
    searched: float | None = None


class TraceDetails(Struct, frozen=True):
    """A row and what was judged about it. `content` says whether what was said is shown."""

    trace: Trace
    grades: list[Grade]
    content: ContentShown


class TracesApi:
    """The handlers, for whoever `Access.operator` has let in. An operator's key sees its tenant."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._aside = Aside(gateway, "traces", READERS, MOST_WAITING)

    async def page(self, request: HttpRequest, operator: Operator) -> Response:
        """GET /admin/traces: rows without what was said, newest first. Rows that come meanwhile
        change nothing about the pages that follow."""
        query = _known(request, *FILTERS, "limit", "cursor")
        chosen, before, limit = _filter(query, operator), _cursor(query), _limit(query)
        found = await self._aside.figured(lambda figures: figures.page(chosen, before, limit))
        older = None if found.older is None else f"{found.older.at!r}:{found.older.seq}"
        return as_json(TraceList(list(found.lines), older, found.searched))

    async def one(self, request: HttpRequest, operator: Operator) -> Response:
        """GET /admin/traces/{id}: one row and its grades; what was said only if it is asked for."""
        query, id = _known(request, "content"), request.path_params["id"]
        content, desk = _content(query, operator, "none"), self._gateway.desk

        def made(figures: Figures) -> TraceDetails:
            found = figures.document(id, operator.tenant)
            if found is None:
                raise NotFound(
                    "There is no such row that you may see.",
                    hint="It may not be written yet, or its time may be over.",
                )
            document, grades = found
            trace = desk.trace(document, opened=False, masked=True)
            if content != "none":
                desk.note(operator.name, trace.tenant, f"read content of {trace.id}")
                trace = desk.trace(document, opened=True, masked=content == "masked")
            return TraceDetails(trace, desk.grades(grades), content)

        return as_json(await self._aside.figured(made))

    async def export(self, request: HttpRequest, operator: Operator) -> Response:
        """GET /admin/traces/export: all rows of a choice as a file, oldest first, as it is read."""
        query = _known(request, *FILTERS, "format", "content")
        form = cast(FileForm, one_of(query, "format", get_args(FileForm)) or "jsonl")
        content = _content(query, operator, "masked" if form == "openai" else "none")
        wanted = FileWanted(_filter(query, operator), form, content)

        def begun() -> tuple[Iterator[bytes], bytes]:
            desk, about = self._gateway.desk, f"export traces as {form}, content {content}"
            desk.note(operator.name, wanted.chosen.tenant or "", about)
            pieces = desk.export(wanted)
            return pieces, next(pieces, b"")

        try:
            pieces, first = await self._aside.run(begun)
        except ConfigError as error:
            raise InvalidRequest(error.message, hint=error.hint) from error
        kind, name = MEDIA[form]
        named = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(self._pieces(first, pieces), headers=named, media_type=kind)

    async def _pieces(self, piece: bytes | None, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
        """What cannot be read cuts the answer off: its length is not known before its end."""
        try:
            while piece is not None:
                yield piece
                piece = await self._aside.run(lambda: next(rest, None))
        except ShortstopError as error:
            log.error("an export was cut off: %s", error)
            raise


def _known(request: HttpRequest, *names: str) -> Query:
    """The query. A filter that nobody knows would leave out nothing: raises InvalidRequest."""
    for name in request.query_params:
        if name not in names:
            raise InvalidRequest(
                f"{name!r} is nothing that can be asked for here.",
                hint=f"Known: {', '.join(names)}.",
                param=name,
            )
    return request.query_params


def _filter(query: Query, operator: Operator) -> RowFilter:
    now, tenant = time(), text_in(query, "tenant")
    if operator.tenant is not None and tenant not in (None, operator.tenant):
        raise Forbidden(f"You may see the tenant {operator.tenant!r}.")
    outcome = one_of(query, "outcome", get_args(TraceOutcome))
    return RowFilter(
        tenant=operator.tenant or tenant,
        task=text_in(query, "task"),
        target=text_in(query, "target"),
        outcome=cast(TraceOutcome | None, outcome),
        kept="all",
        since=moment_in(query, "since", now),
        until=moment_in(query, "until", now),
        key=text_in(query, "key_id"),
        tag=text_in(query, "tag"),
        run=text_in(query, "run"),
    )


def _content(query: Query, operator: Operator, usual: ContentShown) -> ContentShown:
    content = cast(ContentShown, one_of(query, "content", get_args(ContentShown)) or usual)
    if content == "full" and operator.masked:
        raise Forbidden(
            "What was said is shown to administrators as it is, and masked to you.",
            hint="Ask for content=masked.",
        )
    return content


def _cursor(query: Query) -> RowCursor | None:
    text = query.get("cursor")
    if text is None:
        return None
    at, _, seq = text.partition(":")
    try:
        cursor = RowCursor(float(at), int(seq[:18]))
    except ValueError as error:
        raise _no_place() from error
    if not isfinite(cursor.at):
        raise _no_place()
    return cursor


def _no_place() -> InvalidRequest:
    return InvalidRequest("This is no place in the list of rows.", param="cursor")


def _limit(query: Query) -> int:
    text = query.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MOST):
        raise InvalidRequest(f"A page holds 1 to {MOST} rows.", param="limit")
    return int(text)
