"""What requests wait while the database that gateways share is slow, away or silent.

    make bench-slow-database        (or: python -m bench.slow_database [--seconds 20]
                                    [--before COMMIT] [--json])

One real gateway, an instant upstream, and a PostgreSQL of its own behind a TCP proxy that in turn
passes everything on, is half a second late, takes no connection, and takes them without a word.
Meanwhile clients ask, some 20 times a second each: for a named remote model at the beginning of a
conversation, in the middle of one, with a key that has limits and a budget, and `auto` in the
middle of one; and `/health` every 10 ms, which waits for nothing but the event loop. `--before`
measures the gateway of another commit. Takes two minutes; needs PostgreSQL's programs on PATH and
the extra [postgres].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.postgres import PostgresServer
from tests.postgres import running as running_postgres

from bench import on_postgres
from bench.database_proxy import DatabaseProxy
from bench.processes import ROOT, free_port, listening, module, running
from bench.releases import unpacked
from bench.statements import EXTENSION, counted, reset

WORK = ROOT / "var" / "slow_database"
DELAY = 0.5
PAUSE, PROBE = 0.05, 0.01
CONFIG = (
    on_postgres.CONFIG
    + """\
[routing]
exploration = 0.0
shadow_rate = 0.0
"""
)
Json = dict[str, Any]
KINDS = {"fresh": "mock", "continued": "mock", "limited": "mock", "auto": "auto"}
"""What is asked, and of which model."""


class Clients:
    def __init__(self, port: int, secrets: dict[str, str]) -> None:
        self._port, self._secrets = port, secrets
        self.phase = ""
        self.waits: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.codes: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._ways: dict[Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def ask(self, kind: str, number: int) -> None:
        """For ever, one after the other. Each conversation has three turns."""
        turn = 0
        while True:
            body = _body(kind, number, turn)
            await self._sent(kind, "POST /v1/chat/completions", body)
            turn += 1
            await asyncio.sleep(PAUSE)

    async def probe(self) -> None:
        while True:
            await self._sent("/health", "GET /health", None)
            await asyncio.sleep(PROBE)

    async def _sent(self, kind: str, what: str, body: Json | None) -> None:
        phase, began = self.phase, time.perf_counter()
        status = 0
        with suppress(OSError, asyncio.IncompleteReadError):
            status = await self._one(kind, what, body)
        if phase == self.phase:
            self.waits[phase, kind].append(time.perf_counter() - began)
            self.codes[phase, kind][status] += 1

    async def _one(self, kind: str, what: str, body: Json | None) -> int:
        reader, writer = await self._way(kind)
        data = b"" if body is None else json.dumps(body).encode()
        secret = self._secrets["limited" if kind == "limited" else "free"]
        writer.write(
            f"{what} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {secret}\r\ncontent-length: {len(data)}\r\n\r\n".encode()
            + data
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
        finally:
            self._ways[asyncio.current_task()] = reader, writer
        return int(head.split()[1])

    async def _way(self, kind: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        way = self._ways.pop(asyncio.current_task(), None)
        return way or await asyncio.open_connection("127.0.0.1", self._port)


def _body(kind: str, number: int, turn: int) -> Json:
    first = f"Client {number} of {kind} asks for the {turn // 3}th time: what is a lighthouse for?"
    said = [{"role": "user", "content": first}]
    if kind in ("continued", "auto"):
        said += [
            {"role": "assistant", "content": "It warns ships of rocks."},
            {"role": "user", "content": f"And by day, {turn}?"},
        ]
    return {"model": KINDS[kind], "messages": said, "max_tokens": 20}


async def _key(home: Path, env: dict[str, str], *more: str) -> str:
    child = await asyncio.create_subprocess_exec(
        *module("shortstop"), "keys", "create", "one", *more, "--json", "--config",
        str(home / "shortstop.toml"), env=env, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await child.communicate()
    return str(json.loads(out)["secret"])


async def run(seconds: float, before: str | None) -> Json:
    shutil.rmtree(WORK, ignore_errors=True)
    home = WORK / "home"
    home.mkdir(parents=True)
    env = {"SHORTSTOP_HOME": str(home), "SHORTSTOP_TRACES_KEY": "t" * 43 + "=",
           "SHORTSTOP_PRIVACY_KEY": "p" * 43}  # fmt: skip
    if before is not None:
        env["PYTHONPATH"] = str(unpacked(before, WORK / "before"))
    with running_postgres(EXTENSION) as server, server.database() as url:
        name = url.partition("@/")[2].partition("?")[0]
        proxy, port, upstream = DatabaseProxy(server.folder), free_port(), free_port()
        async with proxy.running():
            through = f"postgresql://shortstop@127.0.0.1:{proxy.port}/{name}?sslmode=disable"
            text = CONFIG.format(port=port, url=through, upstream=upstream)
            (home / "shortstop.toml").write_text(text)
            mock = module("bench.mock_upstream", "--port", str(upstream))
            serve = module("shortstop", "serve", "--config", str(home / "shortstop.toml"))
            logs = WORK / "mock.log", WORK / "gateway.log"
            with (
                running(mock, logs[0]) as model_server,
                running(serve, logs[1], env=env) as gateway,
            ):
                await listening(upstream, model_server, logs[0])
                await listening(port, gateway, logs[1])
                return await _measured(server, url, proxy, port, await _keys(home, env), seconds)


async def _keys(home: Path, env: dict[str, str]) -> dict[str, str]:
    whole = {**os.environ, **env}
    limits = ("--rpm", "100000", "--tpm", "100000000", "--budget", "1000", "--period", "total")
    return {"free": await _key(home, whole), "limited": await _key(home, whole, *limits)}


async def _measured(
    server: PostgresServer,
    url: str,
    proxy: DatabaseProxy,
    port: int,
    secrets: dict[str, str],
    seconds: float,
) -> Json:
    clients = Clients(port, secrets)
    tasks = [
        asyncio.create_task(clients.ask(kind, number)) for kind in KINDS for number in range(2)
    ]
    tasks.append(asyncio.create_task(clients.probe()))
    troubles = {"slow": lambda: setattr(proxy, "delay", DELAY), "away": proxy.refuse,
                "silent": proxy.hang}  # fmt: skip
    try:
        await asyncio.sleep(3)
        name = reset(server, url)
        clients.phase = "rest"
        await asyncio.sleep(seconds)
        statements = counted(server, name)
        for phase, begin in troubles.items():
            clients.phase = phase
            begin()
            await asyncio.sleep(seconds)
            clients.phase = f"after {phase}"
            proxy.well()
            await asyncio.sleep(6)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    asked = sum(len(clients.waits["rest", kind]) for kind in KINDS)
    return {
        "waits": {f"{p} {k}": _figures(w) for (p, k), w in clients.waits.items() if p},
        "codes": {f"{p} {k}": dict(c) for (p, k), c in clients.codes.items() if p},
        "statements of 100 requests at rest": {
            kind: round(100 * calls / asked, 1) for kind, calls in statements.items()
        },
    }


def _figures(waits: list[float]) -> dict[str, float]:
    ordered = sorted(waits)
    return {
        "n": len(ordered),
        "p50_ms": 1e3 * ordered[len(ordered) // 2],
        "p99_ms": 1e3 * ordered[int(0.99 * (len(ordered) - 1))],
        "max_ms": 1e3 * ordered[-1],
    }


def show(result: Json) -> None:
    table = Table("phase, request", "n", "p50 ms", "p99 ms", "most ms", "added p99 ms", "codes")
    for name, row in result["waits"].items():
        rest = result["waits"][f"rest {name.split()[-1]}"]["p99_ms"]
        figures = (row["p50_ms"], row["p99_ms"], row["max_ms"], row["p99_ms"] - rest)
        codes = str(result["codes"][name])
        table.add_row(name, str(row["n"]), *(f"{one:.1f}" for one in figures), codes)
    console = Console(width=120)
    console.print(table)
    per = result["statements of 100 requests at rest"]
    console.print("statements of 100 requests at rest:", per)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each phase")
    parser.add_argument("--before", metavar="COMMIT", help="the gateway of that commit")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(run(args.seconds, args.before))
    if args.json:
        print(json.dumps(result))
    else:
        show(result)


if __name__ == "__main__":
    main()
