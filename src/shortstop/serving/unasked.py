"""A whole answer from a server that streams whether it was asked to or not."""

from __future__ import annotations

from shortstop.dialects.parsing import BLANK
from shortstop.errors import UpstreamFailed
from shortstop.ports import Dialect
from shortstop.serving.gather import Gathering
from shortstop.types import Reply, Request

_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")


def whole_reply(dialect: Dialect, body: bytes, request: Request, salt: str = "") -> Reply:
    """The answer that `body` is, as JSON or as events. Raises TargetError."""
    if not body.lstrip(BLANK)[:9].startswith(_BEGINNINGS):
        return dialect.decode_reply(body, salt)
    decoder, gathering = dialect.stream_decoder(salt), Gathering()
    for chunk in (*decoder.feed(body), *decoder.close()):
        gathering.add(chunk)
    if not gathering.finished:
        raise UpstreamFailed("The model's answer ends before its end.")
    return gathering.reply(request.id, request.model)
