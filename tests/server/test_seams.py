"""Whatever breaks inside, the client gets its answer: every collaborator is broken in turn.

The seams are found, not listed: what the constructors of the pipeline's parts ask for, every method
of it, and every function of ours that their modules use. A new collaborator is broken here without
a word.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType, ModuleType, UnionType
from typing import Any, NamedTuple, Protocol, Union, get_args, get_origin, get_type_hints

import pytest
import pytest_asyncio

from shortstop.app.gateway import Shortstop
from shortstop.pipeline import chat, clearing, record
from shortstop.pipeline.chat import Pipeline
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.record import Bookkeeping
from shortstop.server import exchange
from shortstop.server.asgi import Dispatcher
from shortstop.serving import cascade, models, spent, verify
from shortstop.serving.cascade import Cascade
from shortstop.serving.models import Models
from tests.app.parts import Home
from tests.odd import ODD
from tests.server.scripted import ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")


class PanicException(BaseException):
    """As native code raises it: no Exception at all."""


ERRORS: list[Callable[[], BaseException]] = [
    lambda: RuntimeError("boom: the text was AKIA..."),
    lambda: OverflowError("cannot convert float infinity to integer"),
    RecursionError,
    MemoryError,
    lambda: OSError(28, "No space left on device"),
    PanicException,
]
PARTS = (Pipeline, Clearing, Cascade, Models, Bookkeeping)
MODULES = (chat, clearing, record, cascade, models, exchange, spent, verify)
ASKED = [(model, stream) for model in ("local", "small", "big", "auto") for stream in (False, True)]
THE_MODEL_ITSELF = {"backends", "upstreams", "cascade"}
"""Where only this can answer, its failure is the answer."""
NO_SEAMS = {"clock", "outcome_of", "cleared_for"} | {
    "counted",
    "estimated",
    "unanswered",
    "usage_of_stream",
}
"""Too simple to fail, or made of nothing but calls that are seams."""


class Seam(NamedTuple):
    """`part` is a class with the attribute `name`, or a module with the function `name`."""

    part: type | ModuleType
    name: str
    method: str = "__call__"

    def __str__(self) -> str:
        return f"{self.part.__name__.rpartition('.')[2]}.{self.name}.{self.method}"


def methods_of(kind: Any) -> list[str]:
    if get_origin(kind) in (Union, UnionType):
        return methods_of(next(k for k in get_args(kind) if k is not type(None)))
    if get_origin(kind) in (Mapping, Sequence):
        return methods_of(get_args(kind)[-1])
    if get_origin(kind) is not None or kind in (int, float, str, bool, dict):
        return ["__call__"] if get_origin(kind) in (Callable, type(Callable)) else []
    if issubclass(kind, Protocol) and "__call__" in vars(kind):  # type: ignore[arg-type]
        return ["__call__"]
    return [n for n, f in inspect.getmembers(kind, inspect.isfunction) if not n.startswith("_")]


def found() -> Iterator[Seam]:
    for part in PARTS:
        for name, kind in get_type_hints(part.__init__).items():
            if kind not in PARTS and name not in {"return", "targets", *NO_SEAMS}:
                yield from (Seam(part, name, method) for method in methods_of(kind))
    for module in MODULES:
        for name, thing in vars(module).items():
            ours = isinstance(thing, FunctionType) and thing.__module__.startswith("shortstop.")
            if ours and not name.startswith("_") and name not in NO_SEAMS:
                yield Seam(module, name)


SEAMS = list(found())


class Broken:
    """What it stands for, but for one method."""

    def __init__(self, whole: Any, method: str, error: Callable[[], BaseException]) -> None:
        self.whole, self.method, self.error = whole, method, error
        self.met = 0

    def __getattr__(self, name: str) -> Any:
        return self.fail if name == self.method else getattr(self.whole, name)

    def __call__(self, *args: Any, **more: Any) -> Any:
        return self.fail() if self.method == "__call__" else self.whole(*args, **more)

    def __enter__(self) -> Any:
        return self.whole.__enter__()

    def __exit__(self, *what: Any) -> Any:
        return type(self.whole).__exit__(self, *what)

    def fail(self, *_: Any, **__: Any) -> Any:
        self.met += 1
        raise self.error()


class Stage:
    """A gateway in this process, without a socket before it."""

    def __init__(self, gateway: Shortstop, local: ScriptedModel) -> None:
        self.gateway = gateway
        self.local = local
        self.app = Dispatcher(gateway)
        pipeline = gateway._runtime.pipelines.chat
        self.parts: dict[type, Any] = {
            Pipeline: pipeline,
            Clearing: pipeline._clearing,
            Cascade: pipeline._cascade,
            Models: gateway._runtime.models,
            Bookkeeping: pipeline._books,
        }
        embedding = gateway._runtime.pipelines.embedding
        self.embedding = {Clearing: embedding._clearing, Bookkeeping: embedding._books}

    @contextmanager
    def broken(self, seam: Seam, error: Callable[[], BaseException]) -> Iterator[list[Broken]]:
        holder = seam.part if isinstance(seam.part, ModuleType) else self.parts[seam.part]
        name = seam.name if hasattr(holder, seam.name) else f"_{seam.name}"
        whole = getattr(holder, name)
        fakes: list[Broken] = []

        def breaking(one: Any) -> Broken:
            fakes.append(Broken(one, seam.method, error))
            return fakes[-1]

        fake: Any
        if isinstance(whole, Mapping):
            fake = {key: breaking(value) for key, value in whole.items()}
        elif isinstance(whole, Sequence):
            fake = tuple(map(breaking, whole))
        else:
            fake = breaking(whole)
        object.__setattr__(holder, name, fake) if not isinstance(holder, ModuleType) else setattr(
            holder, name, fake
        )
        try:
            yield fakes
        finally:
            if isinstance(holder, ModuleType):
                setattr(holder, name, whole)
            else:
                object.__setattr__(holder, name, whole)

    async def post(
        self, body: dict[str, Any], path: str = "/v1/chat/completions"
    ) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers, as a server would write them. An answer ends once."""
        sent: list[dict[str, Any]] = []
        given = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not given.is_set():
                given.set()
                return {"type": "http.request", "body": json.dumps(body).encode()}
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json"), (b"host", b"127.0.0.1:8484")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": headers,
            "query_string": b"",
            "client": ("127.0.0.1", 5),
        }
        async with asyncio.timeout(20):
            await self.app(scope, receive, send)
        assert [m["type"] for m in sent].count("http.response.start") == 1
        assert [m.get("more_body") for m in sent[1:]].count(False) == 1
        told = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        return sent[0]["status"], b"".join(m["body"] for m in sent[1:]).decode(), told

    def rows(self, id: str) -> list[str]:
        traces = self.gateway._resources.traces
        assert traces.flush(timeout=30)
        with traces._store._database.reading() as db:  # type: ignore[attr-defined]
            found = db.execute("SELECT outcome FROM traces WHERE id = ?", (id,)).fetchall()
        return [outcome for (outcome,) in found]

    async def idle(self) -> None:
        """No request is left in flight and no slot held, once learning has had its turn."""
        assert all(route._in_flight.held.total == 0 for route in self.app.hot.values())
        engines = self.gateway._runtime.engines.values()
        async with asyncio.timeout(10):
            while sum(e.slots.running + e.slots.waiting for e in engines):
                await asyncio.sleep(0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    home = Home(tmp_path_factory.mktemp("seams"))
    async with ScriptedModel("small").running() as local, ScriptedModel("big").running() as far:
        home.configure(
            f'[models.small]\nurl = "{local.url}"\nabilities = ["json", "tools"]\n'
            f'[upstreams.vendor]\nbase_url = "{far.url}"\napi_key_env = "VENDOR_KEY"\nretries = 0\n'
            'breaker_failures = 1000\n[upstreams.vendor.models.big]\nprice = "gpt-6.1-sol"\n'
        )
        gateway = Shortstop(home.config, home.source)
        async with gateway.running():
            yield Stage(gateway, local)


def question(model: str, stream: bool) -> dict[str, Any]:
    said = [{"role": "user", "content": "!say a good answer"}]
    return {"model": model, "messages": said, "stream": stream}


def said(body: str, stream: bool) -> str:
    """What the client reads: nothing of a stream that does not say that it is whole."""
    if not stream:
        text: str = json.loads(body)["choices"][0]["message"]["content"]
        return text
    *frames, last = [line[6:] for line in body.splitlines() if line.startswith("data: ")]
    deltas = [json.loads(frame)["choices"][0]["delta"] for frame in frames]
    whole = "".join(delta.get("content") or "" for delta in deltas)
    return whole.strip() if last == "[DONE]" else ""


async def test_the_seams_are_found() -> None:
    names = set(map(str, SEAMS))
    assert {
        "Pipeline.router.decide",
        "Cascade.check.accept",
        "Models.guard.restore",
        "Bookkeeping.recorder.append",
        "Bookkeeping.observers.__call__",
        "Cascade.complete.__call__",
        "spent.estimated_usage.__call__",
        "verify.signals.__call__",
        "exchange.explained.__call__",
    } <= names
    assert len(names) > 40


@pytest.mark.parametrize("seam", SEAMS, ids=str)
async def test_no_failure_inside_is_an_error_to_the_client(
    stage: Stage, seam: Seam, caplog: pytest.LogCaptureFixture
) -> None:
    for number, (model, stream) in enumerate(ASKED):
        if seam.name in THE_MODEL_ITSELF and model != "auto":
            continue
        caplog.clear()
        error = ERRORS[number % len(ERRORS)]
        with stage.broken(seam, error) as fakes, caplog.at_level(logging.ERROR):
            status, body, told = await stage.post(question(model, stream))
            met = sum(fake.met for fake in fakes)
        where = f"{model}, {'streamed' if stream else 'whole'}: {body[:300]}"
        assert status == 200 or (status == 403 and "privacy_refused" in body), where
        assert status == 403 or said(body, stream) == "a good answer", where
        logged = [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert bool(logged) or not met, where
        assert "AKIA" not in caplog.text
        rows = stage.rows(told["x-request-id"])
        assert len(rows) == 1 or (met and rows == []), rows
        await stage.idle()


@pytest.mark.parametrize("seam", [s for s in SEAMS if s.part in (Clearing, Bookkeeping)], ids=str)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error()).__name__)
async def test_vectors_are_given_whatever_breaks(
    stage: Stage, seam: Seam, error: Callable[[], BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "parts", stage.embedding)
    with stage.broken(seam, error):
        asked = {"model": "auto", "input": "a text"}
        status, body, _ = await stage.post(asked, "/v1/embeddings")
    assert status == 200, body
    assert json.loads(body)["data"][0]["embedding"]
    await stage.idle()


WRITABLE = [text for text in ODD if "\ud800" not in text]
WANTED: list[dict[str, Any]] = [
    {},
    {"response_format": {"type": "json_object"}},
    {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {"type": "object", "minimum": 10**30}},
        }
    },
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"const": 10**400}}}]},
]


@pytest.mark.parametrize("text", WRITABLE, ids=lambda text: repr(text[:12]))
async def test_whatever_the_local_model_says_is_an_answer(stage: Stage, text: str) -> None:
    stage.local.secret = text
    for wanted in WANTED:
        for stream in (False, True):
            body = question("local", stream) | wanted
            body["messages"] = [{"role": "user", "content": "!tell"}]
            status, answer, told = await stage.post(body)
            assert status == 200, answer[:300]
            assert said(answer, stream).split() == text.split()
            assert stage.rows(told["x-request-id"]) == ["ok"]
            await stage.idle()
