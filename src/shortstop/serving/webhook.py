"""Tells somebody something, at an address of the operator's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from urllib.parse import urlsplit

from shortstop.errors import UpstreamFailed, UpstreamTimeout
from shortstop.serving.http import OperatorClient, Timeouts
from shortstop.serving.way import DIRECT, Way

MAX_TOLD, TOLD_SECONDS = 200, 1.0
"""Bytes of what comes back that are read, and how long they are waited for."""


class Webhook:
    """Words of our own, and nothing of anybody's. It follows no redirect, and answers within
    `seconds`."""

    def __init__(self, url: str, seconds: float, way: Way = DIRECT) -> None:
        parts = urlsplit(url)
        self._path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        self._seconds = seconds
        timeouts = Timeouts(seconds, seconds, min(seconds, TOLD_SECONDS), seconds)
        self._client = OperatorClient(f"{parts.scheme}://{parts.netloc}", timeouts, way)

    async def tell(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """The status, and the beginning of what came back, if it comes soon. Raises TimeoutError,
        UpstreamFailed and UpstreamTimeout."""
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(self._client.close)
            async with asyncio.timeout(self._seconds):
                asked = self._client.stream(self._path, body, headers)
                stream = await leaving.enter_async_context(asked)
            told = b""
            with suppress(UpstreamFailed, UpstreamTimeout):
                async for piece in stream.chunks:
                    told = piece[:MAX_TOLD]
                    break
            return stream.status, told.decode("utf-8", "replace").strip()
