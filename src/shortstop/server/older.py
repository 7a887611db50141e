"""HTTP/1.0, which many proxies still speak: no chunks, no answer before the answer."""

from __future__ import annotations

import sys
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

VERSION = "1.0"
_LENGTH, _CHUNKED = b"content-length", b"transfer-encoding"


def ending_with_the_connection(app: ASGIApp, cycle: Any) -> ASGIApp:
    """`app`, whose answers of unknown length end where their connection does. uvicorn's `cycle`
    would send them in chunks, which a client of that age takes for the answer itself."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        endless = False

        async def sending(message: Message) -> None:
            nonlocal endless
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message.get("headers", ())}
                if endless := not names & {_LENGTH, _CHUNKED}:
                    cycle.chunked_encoding, cycle.expected_content_length = False, sys.maxsize
            elif endless and not message.get("more_body"):
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, sending)

    return asked
