"""Refusals by the connection itself, where no application has been asked: whole HTTP answers."""

from __future__ import annotations

from http import HTTPStatus

from shortstop import dialects
from shortstop.dialects import DescribedDialect, embeddings
from shortstop.errors import ShortstopError
from shortstop.server.gateway import Gateway
from shortstop.server.ids import Ids


class Refusals:
    """Writes an error in the dialect of the path that was meant, and counts it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._id = Ids()
        self._default = dialects.get(embeddings.DIALECT)

    def __call__(self, error: ShortstopError, path: str = "") -> bytes:
        """The answer's bytes; the connection is to be closed after them."""
        self._gateway.refused(error.status)
        id, dialect = self._id(), self._dialect(path)
        status = dialect.description.status_of(error)
        body = dialect.encode_error(error, id)
        head = [
            f"HTTP/1.1 {status} {_reason(status)}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            f"x-request-id: {id}",
            "connection: close",
        ]
        if error.retry_after is not None:
            head.append(f"retry-after: {max(1, round(error.retry_after))}")
        return "\r\n".join([*head, "", ""]).encode() + body

    def _dialect(self, path: str) -> DescribedDialect:
        path = path.partition("?")[0].rstrip("/").removeprefix("/v1")
        for dialect in dialects.every():
            description = dialect.description
            counting = description.counting
            if path == description.route.path or (counting and path == counting.route):
                return dialect
        return self._default


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
