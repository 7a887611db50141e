"""A scripted vendor behind real HTTP that takes batches, in OpenAI's form and in Anthropic's.

It does with a line what its last message tells: `!say TEXT`, `!refuse`, `!fail`, `!expire`, `!lose`
(no result at all), `!garble` (a result that is none); anything else is echoed. `trouble` is what
happens to the next calls: a method and the beginning of a path, and a status or "swallow": the call
is done and its answer lost.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from aiohttp import web

OPENAI, ANTHROPIC = "/v1/batches", "/v1/messages/batches"
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
JsonObject = dict[str, Any]


class BatchVendor:
    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, JsonObject] = {}
        self.calls: list[str] = []
        self.alone: list[JsonObject] = []
        """Bodies of requests that came outside a batch."""
        self.trouble: list[tuple[str, int | str]] = []
        self.odd = False
        """Whether results come twice, in disorder, and beside those of strangers."""
        self.ends = True
        """Whether a batch has ended when it is looked at; else one waits for `end`."""
        self._ids = count(1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[BatchVendor]:
        app = web.Application(client_max_size=2**28, middlewares=[self._troubled])
        app.add_routes(
            [
                web.post("/v1/files", self._upload),
                web.get("/v1/files/{id}/content", self._content),
                web.delete("/v1/files/{id}", self._drop_file),
                web.post(OPENAI, self._create),
                web.get(OPENAI, self._list),
                web.get(OPENAI + "/{id}", self._look),
                web.post(OPENAI + "/{id}/cancel", self._cancel),
                web.post(ANTHROPIC, self._create_messages),
                web.get(ANTHROPIC, self._list),
                web.get(ANTHROPIC + "/{id}", self._look),
                web.get(ANTHROPIC + "/{id}/results", self._results),
                web.post(ANTHROPIC + "/{id}/cancel", self._cancel),
                web.delete(ANTHROPIC + "/{id}", self._drop_batch),
                web.post("/v1/chat/completions", self._one),
                web.post("/v1/messages", self._one),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = site.name
        try:
            yield self
        finally:
            await runner.cleanup()

    def end(self) -> None:
        """All batches that there are have ended, and later ones will at once."""
        self.ends = True

    @property
    def sent(self) -> list[str]:
        """The last message of every line that was ever in a batch, in order."""
        return [_said(line["body"]) for one in self.batches.values() for line in one["lines"]]

    @web.middleware
    async def _troubled(self, request: web.Request, handler: Any) -> web.StreamResponse:
        call = f"{request.method} {request.path}"
        self.calls.append(call)
        found = next((one for one in self.trouble if call.startswith(one[0])), None)
        if found is None:
            answer: web.StreamResponse = await handler(request)
            return answer
        self.trouble.remove(found)
        if found[1] == "swallow":
            await handler(request)
        if isinstance(found[1], int):
            error = {"error": {"message": "as scripted", "type": "scripted"}}
            return web.json_response(error, status=found[1])
        assert request.transport is not None
        request.transport.close()
        raise asyncio.CancelledError

    # ------------------------------------------------------------ OpenAI

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        field = form["file"]
        assert form["purpose"] == "batch"
        assert isinstance(field, web.FileField)
        id = f"file-{next(self._ids)}"
        content = self.files[id] = field.file.read()
        told = {"id": id, "object": "file", "bytes": len(content), "created_at": int(time.time())}
        return web.json_response(
            {**told, "filename": field.filename, "purpose": "batch", "status": "processed"}
        )

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])

    async def _drop_file(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        del self.files[id]
        return web.json_response({"id": id, "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        assert {line["url"] for line in lines} == {asked["endpoint"]}
        assert len({line["body"]["model"] for line in lines}) == 1, "as OpenAI wants it"
        return self._begun(f"batch_{next(self._ids)}", lines, asked)

    def _begun(self, id: str, lines: list[JsonObject], asked: JsonObject) -> web.Response:
        assert len({line["custom_id"] for line in lines}) == len(lines)
        self.batches[id] = {"lines": lines, "asked": asked, "at": time.time(), "status": "going"}
        return web.json_response(self._told(id))

    def _told(self, id: str) -> JsonObject:
        one = self.batches[id]
        if self.ends and one["status"] == "going":
            self._answer(id, one, "completed")
        return self._told_messages(id, one) if id.startswith("msg") else self._told_batch(id, one)

    def _told_batch(self, id: str, one: JsonObject) -> JsonObject:
        going = {"going": "in_progress"}.get(one["status"], one["status"])
        return {
            **one["asked"], "id": id, "object": "batch", "status": going,
            "created_at": int(one["at"]), "output_file_id": one.get("output"),
            "error_file_id": one.get("errors"),
            "request_counts": {"total": len(one["lines"]), "completed": 0, "failed": 0},
        }  # fmt: skip

    def _answer(self, id: str, one: JsonObject, status: str) -> None:
        one["status"] = status
        if id.startswith("msg"):
            return
        good: list[bytes] = []
        bad: list[bytes] = []
        for line in one["lines"]:
            (bad if _said(line["body"]) in ("!refuse", "!fail", "!expire") else good).extend(
                _openai_result(line)
            )
        self.files[f"{id}-out"], self.files[f"{id}-err"] = self._file(good), self._file(bad)
        one["output"], one["errors"] = f"{id}-out", f"{id}-err"

    def _file(self, lines: list[bytes]) -> bytes:
        if self.odd:
            strange = [line.replace(b'"custom_id": "ss', b'"custom_id": "other') for line in lines]
            again = [line.replace(b"first", b"second") for line in lines]
            lines = [*strange, *reversed(lines), *again, b"\n", b'{"custom_id": 7}']
        return b"\n".join(lines)

    # ------------------------------------------------------------ Anthropic

    async def _create_messages(self, request: web.Request) -> web.Response:
        asked = await request.json()
        lines = [{"custom_id": r["custom_id"], "body": r["params"]} for r in asked["requests"]]
        assert all(len(line["custom_id"]) <= 64 for line in lines)
        return self._begun(f"msgbatch_{next(self._ids)}", lines, {})

    def _told_messages(self, id: str, one: JsonObject) -> JsonObject:
        ended, number = one["status"] != "going", len(one["lines"])
        counts = dict.fromkeys(("canceled", "errored", "expired", "processing", "succeeded"), 0)
        counts["succeeded" if ended else "processing"] = number
        at = datetime.fromtimestamp(one["at"], UTC).isoformat()
        return {
            "id": id, "type": "message_batch", "created_at": at, "expires_at": at,
            "processing_status": "ended" if ended else "in_progress", "request_counts": counts,
            "results_url": f"{self.url}{ANTHROPIC}/{id}/results" if ended else None,
            "archived_at": None, "cancel_initiated_at": None, "ended_at": at if ended else None,
        }  # fmt: skip

    async def _results(self, request: web.Request) -> web.Response:
        one = self.batches[request.match_info["id"]]
        lines = [found for line in one["lines"] for found in _anthropic_result(line)]
        return web.Response(body=self._file(lines))

    async def _drop_batch(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        self.batches[id]["deleted"] = True
        return web.json_response({"id": id, "type": "message_batch_deleted"})

    # ------------------------------------------------------------ both

    async def _list(self, request: web.Request) -> web.Response:
        ours = [id for id in self.batches if id.startswith("msg") == ("messages" in request.path)]
        after = request.query.get("after") or request.query.get("after_id")
        ids = list(reversed(ours))
        ids = ids[ids.index(after) + 1 :] if after else ids
        limit = int(request.query["limit"])
        page = [self._told(id) for id in ids[:limit]]
        return web.json_response({"object": "list", "data": page, "has_more": len(ids) > limit})

    async def _look(self, request: web.Request) -> web.Response:
        return web.json_response(self._told(request.match_info["id"]))

    async def _cancel(self, request: web.Request) -> web.Response:
        """What `!say` asks for is answered by then."""
        id = request.match_info["id"]
        one = self.batches[id]
        one["cancelled"] = True
        for line in one["lines"]:
            if not _said(line["body"]).startswith("!say"):
                line["body"]["messages"][-1]["content"] = "!expire"
        self._answer(id, one, "cancelled")
        return web.json_response(self._told(id))

    async def _one(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.alone.append(body)
        return web.json_response(_answer_to(body, request.path.endswith("messages"), "alone: "))


def _said(body: JsonObject) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])


def _answer_to(body: JsonObject, messages: bool, how: str = "first: ") -> JsonObject:
    text = how + _said(body).removeprefix("!say ")
    if messages:
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
            "stop_sequence": None, "usage": {"input_tokens": 1000, "output_tokens": 100},
        }  # fmt: skip
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE,
    }  # fmt: skip


def _openai_result(line: JsonObject) -> list[bytes]:
    said, name = _said(line["body"]), {"id": "batch_req_1", "custom_id": line["custom_id"]}
    if said == "!lose":
        return []
    if said == "!garble":
        return [json.dumps({**name, "response": {"status_code": 200, "body": "what?"}}).encode()]
    if said == "!expire":
        error = {"code": "batch_expired", "message": "too late"}
        return [json.dumps({**name, "response": None, "error": error}).encode()]
    status, body = 200, _answer_to(line["body"], messages=False)
    if said in ("!refuse", "!fail"):
        status = 400 if said == "!refuse" else 500
        body = {"error": {"message": "as scripted", "type": "invalid_request_error"}}
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return [json.dumps({**name, "response": response, "error": None}).encode()]


def _anthropic_result(line: JsonObject) -> list[bytes]:
    said = _said(line["body"])
    result: JsonObject = {
        "type": "succeeded",
        "message": _answer_to(line["body"], messages=True),
    }
    if said == "!lose":
        return []
    if said == "!garble":
        result["message"] = "what?"
    elif said == "!expire":
        result = {"type": "expired"}
    elif said in ("!refuse", "!fail"):
        kind = "invalid_request_error" if said == "!refuse" else "api_error"
        error = {"type": "error", "error": {"type": kind, "message": "as scripted"}}
        result = {"type": "errored", "error": error}
    return [json.dumps({"custom_id": line["custom_id"], "result": result}).encode()]
