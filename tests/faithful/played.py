"""A gateway process with an exact vendor behind it, and what became of each request."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from tests.faithful.vendor import Scripted, Vendor
from tests.faithful.views import Seen, seen_of
from tests.server.conftest import Gateway
from tests.server.scripted import ScriptedModel

PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.responses": "/v1/responses",
    "openai.completions": "/v1/completions",
    "anthropic.messages": "/v1/messages",
}
ALIASES = {
    "openai.chat": "openai",
    "openai.responses": "responses",
    "anthropic.messages": "anthropic",
}
CONFIG = """
[server]
port = 0
[models.small]
url = "{local}"
abilities = ["json", "logprobs", "tools"]
{upstreams}
[privacy]
timeout = 20
[privacy.policies.default]
images = "allow"
"""
UPSTREAM = """
[upstreams.{alias}]
base_url = "{url}"
dialect = "{alias}"
api_key_env = "VENDOR_KEY"
retries = 1
backoff = 0.001
first_byte_timeout = 3
idle_timeout = 3
total_timeout = 20
breaker_failures = 100000
[upstreams.{alias}.models."at-{name}"]
price = "gpt-6.1-sol"
abilities = ["tools", "json", "vision", "logprobs", "thinking", "file", "audio", "video"]
"""
QUESTIONS: dict[str, dict[str, Any]] = {
    "openai.chat": {"messages": [{"role": "user", "content": "ask"}]},
    "openai.completions": {"prompt": "ask"},
    "openai.responses": {"input": "ask", "store": False},
    "anthropic.messages": {
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "ask"}],
    },
}


class Stage:
    """Plays one request at a time."""

    def __init__(self, gateway: Gateway, vendor: Vendor, local: ScriptedModel) -> None:
        self.gateway, self.vendor, self.local = gateway, vendor, local
        self.row_ids: list[str] = []

    async def ask(self, door: str, body: dict[str, Any]) -> tuple[Seen, str]:
        """What the client sees, and the request's id."""
        self.vendor.received.clear()
        told = {"x-shortstop-conversation": f"c{len(self.row_ids)}"}
        async with self.gateway.http.post(PATHS[door], json=body, headers=told) as answer:
            data = await answer.read()
            id = answer.headers["x-request-id"]
            seen = seen_of(door, answer.status, data, stream=bool(body.get("stream")))
        self.row_ids.append(id)
        return seen, id

    async def answered(
        self, door: str, upstream: str, answer: Scripted, *, stream: bool
    ) -> tuple[Seen, str, int]:
        """A plain question at `door`, answered by `upstream`: also how often it was asked."""
        self.vendor.script = lambda _: answer
        body = {**QUESTIONS[door], "model": f"at-{upstream}", "stream": stream}
        seen, id = await self.ask(door, body)
        return seen, id, len(self.vendor.received)

    async def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of everything asked, by id: outcome, status, and usage as booked."""
        wanted = set(self.row_ids)
        async with asyncio.timeout(20):
            while True:
                rows = self._rows()
                if wanted <= rows.keys():
                    return rows
                await asyncio.sleep(0.05)

    def _rows(self) -> dict[str, dict[str, Any]]:
        with closing(sqlite3.connect(self.gateway.home / "traces.db")) as db:
            found = db.execute("SELECT trace FROM bodies").fetchall()
        return {row["id"]: row for row in (json.loads(text) for (text,) in found)}


@asynccontextmanager
async def stage(home: Path) -> AsyncIterator[Stage]:
    async with Vendor().running() as vendor, ScriptedModel("small").running() as local:
        gateway = Gateway(home, local, local)
        upstreams = "".join(
            UPSTREAM.format(
                alias=alias, name=name, url=vendor.url + ("" if alias == "anthropic" else "/v1")
            )
            for name, alias in ALIASES.items()
        )
        gateway.config_file.write_text(CONFIG.format(local=local.url, upstreams=upstreams))
        await gateway.start()
        try:
            yield Stage(gateway, vendor, local)
        finally:
            await gateway.stop()
