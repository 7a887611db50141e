"""A book of batches over a real database, a scripted way to the models, and no waiting."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.batches import (
    Batch,
    Batches,
    BatchJob,
    BatchLine,
    BatchRequest,
    Files,
    Holder,
    LineAnswer,
    Means,
    StoredFile,
    line_gate,
)
from shortstop.config import Config
from shortstop.ports.forwarding import VendorBatches
from shortstop.stores import Paths, open_stores
from shortstop.traces.seal import Seal
from shortstop.types.batches import LinePlace
from tests.conftest import FakeClock

ME = Holder("key-1", "acme")
ENDPOINT = "/v1/chat/completions"
SEAL = Seal("a secret")


def line(name: str, model: str = "auto", **changes: Any) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": f"about {name}"}]}
    whole = {"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body, **changes}
    return json.dumps(whole).encode()


def asked(file: str, **changes: Any) -> BatchRequest:
    body = {"input_file_id": file, "endpoint": ENDPOINT, "completion_window": "24h", **changes}
    return msgspec.convert(body, BatchRequest)


class ScriptedAsk:
    """Answers with what `script` makes of a line's name and of how often it was asked before."""

    def __init__(self, script: Callable[[str, int], LineAnswer] | None = None) -> None:
        self.script = script or (lambda name, times: answer(name))
        self.asked: Counter[str] = Counter()
        self.models = {"auto"}
        self.vendors: dict[str, VendorBatches] = {}
        self.under_way = self.most = 0
        self.wait: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)

    async def __call__(self, batch: Batch, line: BatchLine, place: LinePlace) -> LineAnswer:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.wait()
            times = self.asked[line.custom_id]
            self.asked[line.custom_id] += 1
            return self.script(line.custom_id, times)
        finally:
            self.under_way -= 1

    def vendor(self, target: str) -> VendorBatches | None:
        return self.vendors.get(target)

    def knows(self, batch: Batch, model: str) -> bool:
        return model in self.models


def answer(said: str, status: int = 200, **changes: Any) -> LineAnswer:
    return LineAnswer(status, f"req_{said}", json.dumps({"said": said}).encode(), **changes)


class World:
    """One gateway's files and batches; `opened` gives another process's sight of the same."""

    def __init__(self, home: Path, clock: FakeClock, seal: Seal = SEAL) -> None:
        self.home, self.clock = home, clock
        self.config = Config()
        self.stores = open_stores(Paths(home, home / "traces.db"))
        self.file_store, self.batch_store = self.stores.files(), self.stores.batches()
        self.files = Files(self.file_store, seal, clock, lambda: self.config)
        self.book = Batches(self.batch_store, self.files, seal, clock, lambda: self.config)
        self.counted: list[bool] = []
        self.pauses: list[float] = []
        self.threads = ThreadPoolExecutor(3)

    def limit(self, **limits: Any) -> None:
        self.config = replace(self.config, batches=replace(self.config.batches, **limits))

    def close(self) -> None:
        self.threads.shutdown()
        self.file_store.close()
        self.batch_store.close()

    def upload(self, content: bytes, holder: Holder = ME) -> StoredFile:
        upload = self.files.begin(holder)
        upload.write(content)
        return self.files.finish(upload, holder, "in.jsonl", None)

    def begin(self, lines: Iterable[bytes], holder: Holder = ME, **changes: Any) -> Batch:
        file = self.upload(b"\n".join(lines), holder)
        self.book.create(holder, None, asked(file.row.id, **changes), {})
        batch = self.book.claim()
        assert batch is not None
        return batch

    def means(self, ask: ScriptedAsk, pause: Callable[[float], Any] | None = None) -> Means:
        gate = line_gate()
        gate.places = self.config.batches.concurrency
        return Means(
            self.book, ask, gate, self.clock, lambda: self.config, self.counted.append,
            pause or self.pause, self.threads,
        )  # fmt: skip

    async def pause(self, seconds: float) -> None:
        """Time passes at once."""
        self.pauses.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    async def work(self, batch: Batch, ask: ScriptedAsk, **means: Any) -> Batch:
        await BatchJob(batch, self.means(ask, **means)).work()
        return self.now(batch)

    def now(self, batch: Batch) -> Batch:
        return self.book.find(batch.row.holder, batch.id)

    def read(self, id: str) -> list[dict[str, Any]]:
        """The lines of a file of answers."""
        return [json.loads(data) for _, data in self.files.lines(id) if data]


@contextmanager
def opened_world(home: Path, clock: FakeClock) -> Iterator[World]:
    with closing(World(home, clock)) as opened:
        yield opened
