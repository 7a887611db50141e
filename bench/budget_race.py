"""A budget and a rate limit raced by three gateways on one PostgreSQL, while things go wrong.

    make bench-budget-race          (or: python -m bench.budget_race [--stall 60] [--json])

Real gateway processes with clocks five seconds apart, a scripted upstream that counts what it
bills, 200 clients. In turn: all is well; the database answers 500 ms late; it stands still
(SIGSTOP); one gateway is killed (kill -9) and started again; all go on until the budget is used up.
Embeddings are asked for: of a chat's conversation a gateway asks the database itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.postgres import PostgresServer, running

from bench.processes import ROOT, free_port, listening, module

WORK = ROOT / "var" / "budget_race"
SETTINGS = (
    "-c listen_addresses='' -c max_connections=100 -c shared_buffers=128MB"
    " -c shared_preload_libraries=pg_stat_statements"
)
COST_PICO = 100 * 10**6
"""Of one request: 100 tokens at $1 a million."""
ANSWER_SECONDS = 0.4
CLIENTS, FREE_EVERY = 200, 10
"""Every so manieth client has a key without limits: what it waits is the gateways' own."""
LIMIT = 1200
"""Requests a minute of the key that is raced for its rate limit."""
CONFIG = """
[server]
port = {port}
[store]
url = "{url}"
[models.small]
url = "http://127.0.0.1:{upstream}/v1"
[upstreams.far]
base_url = "http://127.0.0.1:{upstream}/v1"
connections = 512
[upstreams.far.models.embed]
price = "race"
abilities = ["embeddings"]
[prices.race]
input = 1.0
output = 0.0
"""
SKEWED = """
import sys, time
real, ahead = time.time, float(sys.argv.pop(1))
time.time = lambda: real() + ahead

from shortstop.cli import main
main()
"""
LEASES = r"\b(purses|holds|meters)\b"
"""What statements of budgets and limits name."""
EXCHANGE = r"^\s*WITH ended AS \(DELETE FROM holds"
"""What each transaction of leases writes by, once; BEGIN, its settings, its turn and COMMIT come
with it."""


class Upstream:
    """Answers after a while, and remembers what it has billed."""

    def __init__(self) -> None:
        self.billed = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = json.dumps({
            "object": "list", "model": "embed",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
            "usage": {"prompt_tokens": 100, "total_tokens": 100},
        }).encode()  # fmt: skip
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}"
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                asked, _ = await _body(reader)
                if asked.startswith(b"POST"):
                    self.billed += 1
                    await asyncio.sleep(ANSWER_SECONDS)
                writer.write(f"{head}\r\n\r\n".encode() + answer)
                await writer.drain()
        writer.close()


class LateProxy:
    """Between gateways and database: what the database says arrives `delay` seconds later."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self.delay = 0.0
        self._target = str(server.folder / ".s.PGSQL.5432")
        self.path = str(folder / ".s.PGSQL.5432")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_unix_connection(self._target)
        await asyncio.gather(self._pass(reader, out, 0.0), self._pass(there, writer, 1.0))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, share: float
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if share and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        writer.close()


async def _body(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one message."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head, await reader.readexactly(length)


class Clients:
    """200 that ask again and again, each one gateway after the other."""

    def __init__(self, ports: list[int], secrets: dict[str, str]) -> None:
        self._ports, self._secrets = ports, secrets
        self.phase = "warm"
        self.acknowledged: dict[str, set[str]] = defaultdict(set)
        self.added: dict[tuple[str, str, int], list[float]] = defaultdict(list)
        """(phase, key, status) -> seconds beyond the upstream's."""
        self.codes: dict[str, Counter[str]] = defaultdict(Counter)
        self.stopping = False

    async def run(self, number: int, name: str) -> None:
        at, ways = number % len(self._ports), {}
        while not self.stopping:
            at = (at + 1) % len(self._ports)
            try:
                if at not in ways:
                    ways[at] = await asyncio.open_connection("127.0.0.1", self._ports[at])
                status = await self._ask(name, *ways[at], number)
            except (OSError, asyncio.IncompleteReadError, ConnectionError):
                ways.pop(at, None)
                status = 0
            if status != 200:
                await asyncio.sleep(0.2)
        for _, writer in ways.values():
            writer.close()

    async def _ask(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> int:
        body = json.dumps({"model": "embed", "input": f"client {number} says hello " * 12}).encode()
        head = (
            "POST /v1/embeddings HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self._secrets[name]}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        phase, began = self.phase, time.perf_counter()
        writer.write(head.encode() + body)
        head_, body_ = await _body(reader)
        seconds, status = time.perf_counter() - began, int(head_.split()[1])
        if status == 200:
            seconds -= ANSWER_SECONDS
            id = head_.lower().split(b"x-request-id: ")[1].split(b"\r\n")[0].decode()
            self.acknowledged[name].add(id)
        else:
            self.codes[phase][f"{name} {status} {json.loads(body_)['error'].get('code')}"] += 1
        if phase == self.phase:
            self.added[phase, name, status].append(seconds)
        return status


class Race:
    def __init__(self, server: PostgresServer, url: str, proxy: LateProxy, upstream: int) -> None:
        self.server, self.proxy = server, proxy
        self.name = url.partition("@/")[2].partition("?")[0]
        self.ports = [free_port() for _ in range(3)]
        self._gateways: list[subprocess.Popen[bytes] | None] = [None] * 3
        through = f"postgresql://shortstop@/{self.name}?host={Path(proxy.path).parent}"
        for n, port in enumerate(self.ports):
            home = WORK / f"home{n}"
            home.mkdir(parents=True)
            text = CONFIG.format(port=port, url=through, upstream=upstream)
            (home / "shortstop.toml").write_text(text)
        self._env = {
            **os.environ, "SHORTSTOP_TRACES_KEY": "t" * 43 + "=", "SHORTSTOP_PRIVACY_KEY": "p" * 43,
        }  # fmt: skip

    def _environment(self, n: int) -> dict[str, str]:
        return {**self._env, "SHORTSTOP_HOME": str(WORK / f"home{n}")}

    async def start(self, n: int) -> None:
        log = WORK / f"gateway{n}.log"
        config = str(WORK / f"home{n}" / "shortstop.toml")
        child = self._gateways[n] = self._child(n, log, config)
        await listening(self.ports[n], child, log)

    def _child(self, n: int, log: Path, config: str) -> subprocess.Popen[bytes]:
        command = [*module("shortstop")[:1], "-c", SKEWED, str(5.0 * n - 5.0)]
        with log.open("ab") as out:
            return subprocess.Popen(
                [*command, "serve", "--config", config],
                cwd=WORK, env=self._environment(n), stdout=out, stderr=out,
            )  # fmt: skip

    def kill(self, n: int) -> None:
        child = self._gateways[n]
        assert child is not None
        child.send_signal(signal.SIGKILL)
        child.wait()

    async def stop(self) -> None:
        for child in self._gateways:
            if child is not None:
                child.terminate()
        for child in self._gateways:
            if child is not None:
                await asyncio.to_thread(child.wait, 60)

    async def key(self, name: str, *options: str) -> str:
        config = str(WORK / "home0" / "shortstop.toml")
        child = await asyncio.create_subprocess_exec(
            *module("shortstop", "keys", "create", name, "--json", "--config", config, *options),
            env=self._environment(0), cwd=WORK, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await child.communicate()
        made: dict[str, Any] = json.loads(out)
        self.ids = {**getattr(self, "ids", {}), name: str(made["id"])}
        return str(made["secret"])

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self.server.sql(statement, self.name)

    def statements(self) -> dict[str, int]:
        """How many the database has carried out since the last reset."""
        own = f"dbid = (SELECT oid FROM pg_database WHERE datname = '{self.name}')"
        rows = self.sql(f"SELECT query, calls::bigint FROM pg_stat_statements WHERE {own}")

        def of(pattern: str) -> int:
            return sum(int(n) for query, n in rows if re.search(pattern, query))

        exchanges = of(EXCHANGE)
        return {
            "exchanges of leases": exchanges,
            "of leases": of(LEASES) + 4 * exchanges,
            "whether keys have changed, signs of life": of("keys_version|owners"),
            "all": of(""),
        }


@contextmanager
def _paused(server: PostgresServer) -> Iterator[None]:
    with server.silent():
        yield


async def _phases(race: Race, clients: Clients, stall: float) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    await asyncio.sleep(8)
    clients.phase = "well"
    race.sql("SELECT pg_stat_statements_reset()")
    before = sum(map(len, clients.acknowledged.values()))
    await asyncio.sleep(15)
    figures["statements"] = race.statements()
    figures["requests"] = sum(map(len, clients.acknowledged.values())) - before
    clients.phase = "late"
    race.proxy.delay = 0.5
    await asyncio.sleep(min(stall, 20))
    race.proxy.delay = 0.0
    clients.phase = "between"
    await asyncio.sleep(5)
    clients.phase = "killed"
    race.kill(1)
    await asyncio.sleep(5)
    clients.phase = "stalled"
    with _paused(race.server):
        await asyncio.sleep(stall)
    clients.phase = "after"
    await race.start(1)
    return figures


async def _until_used_up(clients: Clients, most: float = 180.0) -> None:
    """Until nobody was served on the budget for some seconds."""
    began = time.monotonic()
    while time.monotonic() - began < most:
        before = len(clients.acknowledged["budget"])
        await asyncio.sleep(10)
        if len(clients.acknowledged["budget"]) == before:
            return


async def _until_written(race: Race, acknowledged: set[str]) -> None:
    """Until every acknowledged row is there, or for a minute none has come out of a journal."""
    written, came = -1, time.monotonic()
    while written < len(acknowledged) and time.monotonic() - came < 60:
        now = race.sql("SELECT count(*) FROM traces WHERE outcome = 'ok'")[0][0]
        if now != written:
            written, came = now, time.monotonic()
        await asyncio.sleep(2)


@asynccontextmanager
async def _served(upstream: Upstream, proxy: LateProxy) -> AsyncIterator[None]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", upstream.port, backlog=1024)
    between = await asyncio.start_unix_server(proxy.serve, proxy.path)
    async with server, between:
        yield


async def run(stall: float, requests: int) -> dict[str, Any]:
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "proxy").mkdir(parents=True)
    with running(SETTINGS) as server, server.database() as url:
        server.sql("CREATE EXTENSION pg_stat_statements", url.partition("@/")[2].split("?")[0])
        upstream, proxy = Upstream(), LateProxy(WORK / "proxy", server)
        upstream.port = free_port()
        async with _served(upstream, proxy):
            race = Race(server, url, proxy, upstream.port)
            budget = requests * COST_PICO
            usd = f"{budget / 10**12:.6f}"
            secrets = {
                "budget": await race.key(
                    "budget", "--budget", usd, "--period", "total", "--rpm", "600000"
                ),
                "limited": await race.key("limited", "--rpm", str(LIMIT)),
                "free": await race.key("free"),
            }
            for n in range(3):
                await race.start(n)
            clients = Clients(race.ports, secrets)
            began = time.monotonic()
            try:
                names = ["free" if n % FREE_EVERY == 0 else "limited" if n % FREE_EVERY == 1
                         else "budget" for n in range(CLIENTS)]  # fmt: skip
                tasks = [asyncio.create_task(clients.run(n, name)) for n, name in enumerate(names)]
                figures = await _phases(race, clients, stall)
                await _until_used_up(clients)
                seconds = time.monotonic() - began
                clients.stopping = True
                await asyncio.gather(*tasks)
                await _until_written(race, set().union(*clients.acknowledged.values()))
            finally:
                await race.stop()
            return {**figures, **_outcome(race, clients, upstream, budget, seconds)}


def _outcome(
    race: Race, clients: Clients, upstream: Upstream, budget: int, seconds: float
) -> dict[str, Any]:
    rows = race.sql(
        f"SELECT id, cost_pico FROM traces WHERE key = '{race.ids['budget']}' AND outcome = 'ok'"
    )
    every = [row[0] for row in race.sql("SELECT id FROM traces")]
    acknowledged = set().union(*clients.acknowledged.values())
    purse = race.sql(f"SELECT spent, held FROM purses WHERE key = '{race.ids['budget']}'")
    if not purse:
        raise SystemExit(f"Nobody was served on the budget: {dict(clients.codes)}")
    spent, held = purse[0]
    most = LIMIT * (1 + (seconds + 10) / 60)
    return {
        "seconds": seconds,
        "budget": budget,
        "billed": sum(cost for _, cost in rows),
        "spent": spent,
        "held": held,
        "overshoot": max(0, spent + held - budget, sum(cost for _, cost in rows) - budget),
        "answered by upstream": upstream.billed,
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - set(every)),
        "doubled": len(every) - len(set(every)),
        "admitted on the limit": len(clients.acknowledged["limited"]),
        "limit allows": int(most),
        "waits": {
            f"{phase} {name} {status}": _wait(waits)
            for (phase, name, status), waits in sorted(clients.added.items())
        },
        "codes": {phase: dict(codes) for phase, codes in clients.codes.items()},
    }


def _wait(waits: list[float]) -> dict[str, float]:
    ordered = sorted(waits)
    return {
        "n": len(ordered),
        "p50_ms": statistics.median(ordered) * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000 if len(ordered) > 1 else 0.0,
        "max_ms": ordered[-1] * 1000,
    }


def show(result: dict[str, Any]) -> None:
    console = Console()
    table = Table("phase, key, status", "requests", "p50 ms", "p99 ms", "most ms")
    for name, wait in result["waits"].items():
        table.add_row(
            name, str(wait["n"]), *(f"{wait[one]:.1f}" for one in ("p50_ms", "p99_ms", "max_ms"))
        )
    console.print(table)
    for name in result:
        if name not in ("waits",):
            console.print(f"{name}: {result[name]}")
    per = 100 / max(1, result["requests"])
    rates = {name: round(n * per, 2) for name, n in result["statements"].items()}
    console.print("per 100 requests:", rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stall", type=float, default=60.0, help="seconds of each trouble")
    parser.add_argument("--requests", type=int, default=20_000, help="what the budget covers")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(run(args.stall, args.requests))
    if args.json:
        print(json.dumps(result))
    else:
        show(result)
    if result["overshoot"] or result["lost"] or result["doubled"]:
        raise SystemExit("The race was lost.")


if __name__ == "__main__":
    main()
