"""The embedded engine: a real child process with the real model."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shortstop import dialects
from shortstop.errors import EngineBusy, ModelFileError
from shortstop.registry import ModelRecord
from shortstop.serving import verify
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.embedded import Backoff, EmbeddedServer, EngineOptions
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from shortstop.types import Format, Message, Request, Sampling, Text
from tests.registry.samples import gguf

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAIN = Format()
OPTIONS = EngineOptions(threads=1, context=4096, slots=2, cache_mib=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(model: ModelRecord) -> AsyncIterator[EmbeddedServer]:
    running = EmbeddedServer(model.path, OPTIONS)
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(server: EmbeddedServer) -> AsyncIterator[LocalBackend]:
    client = LocalClient(f"{server.url}/v1", api_key=server.api_key)
    yield LocalBackend(
        model="small",
        dialect=dialects.get("openai.chat"),
        client=lambda: client,
        slots=Slots(2, 1),
    )
    await client.close()


def asked(text: str, most: int = 12, format: Format = PLAIN, stream: bool = False) -> Request:
    return Request(
        id="req_1",
        dialect="openai.chat",
        body={},
        model="small",
        messages=(Message("user", (Text(text),)),),
        sampling=Sampling(max_tokens=most),
        format=format,
        stream=stream,
    )


async def test_answers_with_logprobs_and_usage(backend: LocalBackend) -> None:
    reply = await backend.answer(asked("Say hello."))
    assert reply.text.strip()
    assert reply.usage is not None
    assert 1 <= reply.usage.completion <= 12
    signals = verify.signals(reply.choices[0])
    assert signals.logprob_p50 is not None
    assert signals.logprob_p50 <= 0
    assert signals.entropy is not None


async def test_the_shared_prefix_is_kept_warm(backend: LocalBackend) -> None:
    prefix = "You sort letters into trays. " * 12
    await backend.answer(asked(prefix + "Letter: a bill.", 2))
    warm = await backend.answer(asked(prefix + "Letter: a card.", 2))
    assert warm.usage is not None
    assert warm.usage.cache_read > 0.7 * warm.usage.prompt


async def test_a_schema_is_obeyed(backend: LocalBackend) -> None:
    schema = {
        "type": "object",
        "properties": {"tray": {"enum": ["bills", "cards"]}},
        "required": ["tray"],
        "additionalProperties": False,
    }
    request = asked("Sort: a birthday card.", 24, Format("json_schema", schema, strict=True))
    reply = await backend.answer(request)
    found = {c.name: c.passed for c in verify.checks(request, reply.choices[0])}
    assert found["format"]


async def test_streams_and_ends(backend: LocalBackend) -> None:
    chunks = [c async for c in backend.stream(asked("Count to five.", 8, stream=True))]
    assert chunks[-1].usage is not None or chunks[-1].finish is not None
    assert any(c.logprobs for c in chunks)
    assert len([c for c in chunks if c.text]) > 2


async def test_leaving_frees_the_slot_within_a_second(backend: LocalBackend) -> None:
    stream = backend.stream(asked("Tell a very long story.", 400, stream=True))
    await anext(stream)
    assert backend.slots.running == 1
    await stream.aclose()
    assert backend.slots.running == 0
    async with asyncio.timeout(3):
        # Two short answers at once need both of the engine's slots.
        await asyncio.gather(*(backend.answer(asked("Hi.", 1)) for _ in range(2)))


async def test_a_full_queue_refuses_at_once(backend: LocalBackend) -> None:
    running = [asyncio.create_task(backend.answer(asked("Tell a story.", 60))) for _ in range(3)]
    while backend.slots.waiting < 1:
        await asyncio.sleep(0)
    with pytest.raises(EngineBusy) as caught:
        await backend.answer(asked("Hi."))
    assert caught.value.status == 503
    assert caught.value.retry_after
    await asyncio.gather(*running)


async def test_strangers_on_this_machine_are_turned_away(server: EmbeddedServer) -> None:
    client = LocalClient(f"{server.url}/v1")
    assert (await client.post("/chat/completions", b"{}")).status == 401
    await client.close()


async def test_a_dead_engine_is_started_again(model: ModelRecord) -> None:
    server = EmbeddedServer(model.path, OPTIONS)
    await server.start()
    first = server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(20):
        await server.until("restarting")
        await server.until("ready")
    assert server.pid != first
    assert server.url is not None
    await server.stop()
    assert server.state == "stopped"


async def test_kill_nine_of_the_parent_leaves_no_orphan(model: ModelRecord) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from shortstop.serving.engines.embedded import EmbeddedServer, EngineOptions\n"
        "async def main():\n"
        "    s = EmbeddedServer(Path(sys.argv[1]), EngineOptions(1, 512, 1, cache_mib=0))\n"
        "    await s.start(); print(s.pid, flush=True); await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(model.path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(2):
        while _alive(child):
            await asyncio.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


async def test_the_group_s_signals_are_left_to_the_parent(server: EmbeddedServer) -> None:
    """Ctrl-C reaches the whole group; the gateway drains before its engine goes."""
    assert server.pid is not None
    ignored = int(_status(server.pid, "SigIgn"), 16)
    assert ignored & 1 << (signal.SIGINT - 1)
    assert ignored & 1 << (signal.SIGTERM - 1)


async def test_no_secret_reaches_the_child(
    model: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-vendor")
    server = EmbeddedServer(model.path, OPTIONS)
    await server.start()
    child = Path(f"/proc/{server.pid}")
    assert b"sk-vendor" not in (child / "environ").read_bytes()
    told = (child / "environ").read_bytes() + (child / "cmdline").read_bytes()
    assert server.api_key.encode() not in told
    await server.stop()


async def test_another_child_can_be_the_engine(model: ModelRecord) -> None:
    """The command is an argument: what it must do stands at the head of embedded.py."""
    program = (
        "import json, os, sys\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "options = json.loads(sys.stdin.readline())\n"
        "class Chat(BaseHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "    def do_POST(self):\n"
        "        self.rfile.read(int(self.headers['content-length']))\n"
        "        known = self.headers['authorization'] == 'Bearer ' + options['api_key']\n"
        "        self.send_response(200 if known else 401)\n"
        "        self.send_header('content-length', '2'); self.end_headers()\n"
        "        self.wfile.write(b'{}')\n"
        "    def log_message(self, *args): pass\n"
        "server = HTTPServer(('127.0.0.1', 0), Chat)\n"
        "url = f'http://127.0.0.1:{server.server_port}'\n"
        "print(json.dumps({'ready': url, 'slots': options['slots']}), flush=True)\n"
        "server.serve_forever()\n"
    )
    server = EmbeddedServer(model.path, OPTIONS, command=(sys.executable, "-c", program))
    await server.start()
    assert server.state == "ready"
    client = LocalClient(f"{server.url}/v1", api_key=server.api_key)
    assert (await client.post("/chat/completions", b"{}")).status == 200
    await client.close()
    await server.stop()


async def test_a_child_that_says_nothing_is_told_from_its_stderr(model: ModelRecord) -> None:
    program = "import sys; sys.stderr.write('0.1 E first error: no GPU\\nerror: 2\\n'); sys.exit(3)"
    server = EmbeddedServer(model.path, OPTIONS, command=(sys.executable, "-c", program))
    with pytest.raises(ModelFileError, match=r"could not load .*: first error: no GPU"):
        await server.start()
    assert (server.state, server.pid, server.url) == ("failed", None, None)


async def test_a_wait_for_a_change_ends_with_it(model: ModelRecord) -> None:
    server = EmbeddedServer(model.path, OPTIONS)
    change = asyncio.create_task(server.changed())
    await server.start()
    async with asyncio.timeout(5):
        await change
    await server.stop()


async def test_an_engine_that_cannot_start_rests_and_recovers(
    model: ModelRecord, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.gguf"
    path.symlink_to(model.path)
    quick = Backoff(first=0.01, longest=0.01, quick=2, rest=0.1)
    server = EmbeddedServer(path, OPTIONS, backoff=quick)
    await server.start()
    assert server.pid is not None
    path.unlink()
    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        await server.until("failed")
        assert server.url is None
        assert "does not stay up" in caplog.text
        path.symlink_to(model.path)
        await server.until("ready")
    assert server.url is not None
    await server.stop()


async def test_stopping_an_engine_that_waits_for_its_next_try(model: ModelRecord) -> None:
    server = EmbeddedServer(model.path, OPTIONS, backoff=Backoff(first=1000, longest=1000))
    await server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        await server.until("restarting")
        await server.stop()
    assert (server.state, server.pid) == ("stopped", None)


async def test_waits_grow_and_then_it_rests() -> None:
    backoff, chance = Backoff(), random.Random(1)
    for deaths, full in ((1, 0.5), (2, 1), (3, 2), (5, 8), (6, 60), (99, 60)):
        pauses = {backoff.pause(deaths, chance) for _ in range(50)}
        assert full / 2 <= min(pauses) < max(pauses) <= full
        assert backoff.failed(deaths) == (deaths > 5)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"PK zip", "does not begin with GGUF"),
        (gguf()[:-800], "cut short"),
        (gguf(), "could not load"),
        (gguf(keys={"general.architecture": "from-the-future"}), "from-the-future"),
    ],
)
async def test_a_file_that_is_no_model_is_refused_in_words(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    server = EmbeddedServer(path, OPTIONS)
    with pytest.raises(ModelFileError, match=says) as caught:
        await server.start()
    assert "broken.gguf" in caught.value.message
    assert caught.value.hint
    assert (server.state, server.pid) == ("failed", None)


async def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no model file"):
        await EmbeddedServer(tmp_path / "absent.gguf", OPTIONS).start()


async def test_a_truncated_model_is_refused_before_it_is_loaded(
    model: ModelRecord, tmp_path: Path
) -> None:
    path = tmp_path / "half.gguf"
    with model.path.open("rb") as whole:
        path.write_bytes(whole.read(model.bytes // 2))
    with pytest.raises(ModelFileError, match="cut short"):
        await EmbeddedServer(path, OPTIONS).start()


async def test_other_bytes_than_the_registry_s_are_refused(model: ModelRecord) -> None:
    with pytest.raises(ModelFileError, match="sha256"):
        await EmbeddedServer(model.path, OPTIONS, sha256="0" * 64).start()


def _status(pid: int, key: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{key}:"))
