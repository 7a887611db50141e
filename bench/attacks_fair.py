"""One tenant's floods on a real gateway with the real engine, while another tenant measures.

    python -m bench.attacks_fair [--only NAME] [--seconds 5] [--json]

The gateway and its engine on core 1; the attacker, the other tenant and the upstream share core 0.
The other tenant asks one after the other for `/health`, for a named remote model and for a short
local answer, and each has its latency; `fail` counts answers that are not 200. The attacker keeps
`width` requests under way on connections of its own and throws the answers away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from bench.processes import ROOT, free_port, key_of, listening, module, rss_mb, running

WORK = ROOT / "var" / "attacks_fair"
WARM = 1.0
"""Seconds of the attack before the other tenant begins to measure."""
CONFIG = """
[server]
port = {port}
[models.small]
source = "builtin"
threads = 1
[upstreams.mock]
base_url = "http://127.0.0.1:{mock}/v1"
[upstreams.mock.models.mock]
price = "gpt-6.1-sol"
[routing]
exploration = 0.0
shadow_rate = 0.0
"""
Json = dict[str, Any]


@dataclass(frozen=True)
class Flood:
    """`body` makes the next request; `width` of them are under way at any time."""

    width: int
    body: Callable[[], Json]


def chat(text: str, model: str, **more: Any) -> Json:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def shaped(schema: Json) -> Callable[[], Json]:
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return lambda: chat("Sort it.", "local", max_tokens=8, response_format=wanted)


def words(number: int, longest: int = 60) -> list[str]:
    chance, letters = random.Random(number), "abcdefghijklmnopqrstuvwxyz -_0123456789"
    return ["".join(chance.choices(letters, k=chance.randint(8, longest))) for _ in range(number)]


def dense(size: int) -> str:
    """Text that privacy reads slowly: keys, codes and numbers."""
    chance = random.Random(size)
    return " ".join(f"api_key={chance.randbytes(12).hex()}" for _ in range(size // 33))


DENSE = {size: dense(size) for size in (3_900, 49_000, 1_900_000)}
FLOODS: dict[str, Flood] = {
    "nothing": Flood(0, dict),
    "pinned-100": Flood(100, lambda: chat("My IBAN is DE89370400440532013000. Why?", "auto")),
    "local-100-long": Flood(100, lambda: chat("Tell a long story.", "local", max_tokens=400)),
    "in-flight-300": Flood(300, lambda: chat("Tell a long story.", "local", max_tokens=400)),
    "privacy-4-49k": Flood(4, lambda: chat(DENSE[49_000], "mock")),
    "privacy-32-4k": Flood(32, lambda: chat(DENSE[3_900], "mock")),
    "privacy-8-2m": Flood(8, lambda: chat(DENSE[1_900_000], "mock")),
    "enum-2000": Flood(4, shaped({"enum": words(2_000)})),
    "enum-20000": Flood(4, shaped({"enum": words(19_000, 40)})),
    "min-length": Flood(4, shaped({"type": "string", "minLength": 10**5})),
    "max-items": Flood(4, shaped({"type": "array", "items": {}, "maxItems": 10**7})),
    "properties": Flood(4, shaped({"properties": {word: {} for word in words(4_000)}})),
    "repetition": Flood(4, shaped({"type": "string", "pattern": "^((((a{1,99}){1,99}){1,99}))$"})),
}


async def post(port: int, key: str, body: bytes, method: str = "POST", path: str = "") -> int:
    """One request on a connection of its own; its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        head = (
            f"{method} {path or '/v1/chat/completions'} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
            f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
            f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        status = int((await reader.readline()).split(b" ")[1])
        await reader.read(-1)
        return status
    finally:
        writer.transport.abort()


async def flood(name: str, port: int, key: str) -> None:
    """Until it is cancelled."""
    attack = FLOODS[name]

    async def one() -> None:
        while True:
            with suppress(OSError, IndexError, ValueError):
                status = await post(port, key, json.dumps(attack.body()).encode())
                await asyncio.sleep(0 if status == 200 else 0.05)

    await asyncio.gather(*(one() for _ in range(attack.width)))


async def watch(ask: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Ask one after the other; quantiles in milliseconds."""
    end, spent, failures = time.perf_counter() + seconds, list[float](), 0
    while time.perf_counter() < end:
        began = time.perf_counter()
        failures += await ask() != 200
        spent.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)
    spent.sort()
    return {
        "n": len(spent),
        "p50_ms": statistics.median(spent),
        "p99_ms": spent[int(0.99 * (len(spent) - 1))],
        "failures": failures,
    }


async def victim(port: int, key: str, seconds: float) -> dict[str, Any]:
    named = json.dumps(chat("What is the weather like?", "mock")).encode()
    local = json.dumps(chat("Say yes.", "local", max_tokens=2)).encode()
    asks: dict[str, Callable[[], Any]] = {
        "health": lambda: post(port, key, b"", "GET", "/health"),
        "named": lambda: post(port, key, named),
        "local": lambda: post(port, key, local),
    }
    found = await asyncio.gather(*(watch(ask, seconds) for ask in asks.values()))
    return dict(zip(asks, found, strict=True))


class House:
    """A running gateway with its engine and upstream, and the keys of two tenants."""

    def __init__(self, stack: ExitStack, checkout: Path) -> None:
        self.port, self._mock = free_port(), free_port()
        self._stack = stack
        self._checkout = checkout
        self._python = str(checkout / ".venv" / "bin" / "python")
        WORK.mkdir(parents=True, exist_ok=True)
        self._config = WORK / "shortstop.toml"
        self._config.write_text(CONFIG.format(port=self.port, mock=self._mock))
        self._home = self._stack.enter_context(_fresh_home())
        self.pid = 0
        self.hog, self.other = self._key("hog"), self._key("other")

    async def start(self) -> None:
        command = module("bench.mock_upstream", "--port", str(self._mock))
        log = WORK / "mock.log"
        await listening(self._mock, self._stack.enter_context(running(command, log, core=0)), log)
        command = [self._python, "-m", "shortstop", "serve", "--config", str(self._config)]
        log, env = WORK / "shortstop.log", {"SHORTSTOP_HOME": str(self._home)}
        gateway = self._stack.enter_context(running(command, log, core=1, cwd=WORK, env=env))
        await listening(self.port, gateway, log)
        self.pid = gateway.pid

    def _key(self, tenant: str) -> str:
        env = {"SHORTSTOP_HOME": str(self._home)}
        return key_of(tenant, self._python, self._config, env)

    async def measure(self, name: str, seconds: float) -> dict[str, Any]:
        rest = rss_mb(self.pid)
        async with _child("flood", name, self.port, self.hog, seconds):
            await asyncio.sleep(WARM)
            async with _child("victim", name, self.port, self.other, seconds) as asking:
                peak = rest
                while asking.returncode is None:
                    peak = max(peak, rss_mb(self.pid))
                    await asyncio.sleep(0.05)
                assert asking.stdout is not None
                row: dict[str, Any] = json.loads(await asking.stdout.read())
        return {"attack": name, **row, "peak_mb": peak - rest}


@asynccontextmanager
async def _child(
    role: str, name: str, port: int, key: str, seconds: float
) -> AsyncIterator[asyncio.subprocess.Process]:
    command = module("bench.attacks_fair", "--as", role, "--only", name, "--port", str(port))
    process = await asyncio.create_subprocess_exec(
        "taskset", "-c", "0", *command, "--key", key, "--seconds", str(seconds), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _fresh_home() -> Any:
    """A data folder of its own, with the models that are installed."""
    from tempfile import TemporaryDirectory

    folder = TemporaryDirectory(prefix="attacks-fair-")
    installed = Path(os.environ.get("SHORTSTOP_HOME", Path.home() / ".local/share/shortstop"))
    (Path(folder.name) / "models").symlink_to(installed / "models")
    return folder


async def run(only: list[str], seconds: float, checkout: Path) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        house = House(stack, checkout)
        await house.start()
        await house.measure("nothing", 1.0)
        return [await house.measure(name, seconds) for name in only or FLOODS]


def show(rows: list[dict[str, Any]]) -> None:
    kinds = ("health", "named", "local")
    table = Table(title="Another tenant beside one tenant's flood: ms")
    table.add_column("attack")
    for kind in kinds:
        for column in (f"{kind} p50", "p99", "fail"):
            table.add_column(column, justify="right")
    table.add_column("peak MB", justify="right")
    for row in rows:
        cells = [row["attack"]]
        for kind in kinds:
            one = row[kind]
            cells += [f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}"]
            cells.append(f"{one['failures']}/{one['n']}")
        table.add_row(*cells, f"{row['peak_mb']:.0f}")
    Console(width=130).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Floods, and what another tenant notices.")
    parser.add_argument("--only", action="append", default=[], choices=FLOODS, help="repeat")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--as", dest="role", choices=("flood", "victim"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--key", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.role == "flood":
        uvloop.run(flood(args.only[0], args.port, args.key))
    elif args.role == "victim":
        sys.stdout.write(json.dumps(uvloop.run(victim(args.port, args.key, args.seconds))))
    else:
        found = asyncio.run(run(args.only, args.seconds, args.checkout.resolve()))
        if args.json:
            sys.stdout.write(json.dumps(found) + "\n")
        else:
            show(found)
