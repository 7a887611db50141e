"""One gateway against three on the same PostgreSQL: requests a second, and what one costs.

    make bench-scale-out        (or: python -m bench.scale_out [--rounds 3] [--seconds 8]
                                [--continued] [--json])

A named remote model at an instant upstream, with a key that has limits and a budget; requests begin
conversations or, with `--continued`, are second turns. One gateway
takes all load, then three take a third each, in turn, in one run. Everything is on one machine:
where it has fewer cores than processes, requests a second say what the machine gives, and only the
CPU of a request says what three machines would. Of the database the statements are counted, and
its CPU. Needs PostgreSQL's programs on PATH and the extra [postgres].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.postgres import PostgresServer
from tests.postgres import running as running_postgres

from bench.on_postgres import CONFIG
from bench.processes import ROOT, children, cpu_seconds, free_port, listening, module, running
from bench.statements import EXTENSION, counted, reset

WORK = ROOT / "var" / "scale_out"
GATEWAYS, CONNECTIONS = 3, 24
LIMITS = ("--rpm", "10000000", "--tpm", "10000000000", "--budget", "100000", "--period", "total")
Json = dict[str, Any]


async def run(rounds: int, seconds: float, *more: str) -> Json:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    with running_postgres(EXTENSION) as server, server.database() as url, ExitStack() as stack:
        upstream, ports = free_port(), [free_port() for _ in range(GATEWAYS)]
        log = WORK / "mock.log"
        mock = module("bench.mock_upstream", "--port", str(upstream))
        await listening(upstream, stack.enter_context(running(mock, log)), log)
        gateways = []
        for number, port in enumerate(ports):
            config, env = _home(number, CONFIG.format(port=port, url=url, upstream=upstream))
            log, serve = WORK / f"gateway{number}.log", module("shortstop", "serve", "--config")
            gateways.append(stack.enter_context(running([*serve, str(config)], log, env=env)))
            await listening(port, gateways[-1], log)
        secret = _key(config, env)
        name = reset(server, url)
        pids = [gateway.pid for gateway in gateways]
        one, three = [], []
        for _ in range(rounds):
            one.append(await _measured(server, pids, ports[:1], secret, seconds, more))
            three.append(await _measured(server, pids, ports, secret, seconds, more))
        requests = sum(turn.pop("sent") for turn in (*one, *three))
        per = {k: round(100 * n / requests, 2) for k, n in counted(server, name).items()}
    return {"one": _medians(one), "three": _medians(three), "cores": os.cpu_count(),
            "statements of 100 requests": per}  # fmt: skip


def _home(number: int, text: str) -> tuple[Path, dict[str, str]]:
    home = WORK / f"home{number}"
    home.mkdir()
    (home / "shortstop.toml").write_text(text)
    return home / "shortstop.toml", {
        "SHORTSTOP_HOME": str(home), "SHORTSTOP_TRACES_KEY": "t" * 43 + "=",
        "SHORTSTOP_PRIVACY_KEY": "p" * 43,
    }  # fmt: skip


def _key(config: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        module("shortstop", "keys", "create", "one", *LIMITS, "--json", "--config", str(config)),
        env={**os.environ, **env}, capture_output=True, check=True,
    )  # fmt: skip
    return str(json.loads(done.stdout)["secret"])


async def _measured(
    server: PostgresServer,
    pids: list[int],
    ports: list[int],
    secret: str,
    seconds: float,
    more: Sequence[str],
) -> Json:
    """Both gateways' and database's CPU are of all of them: those that rest are paid for too."""
    before, database = sum(map(cpu_seconds, pids)), _database_cpu(server)
    share = str(CONNECTIONS // len(ports))
    loads = await asyncio.gather(*(_load(port, secret, share, seconds, *more) for port in ports))
    rate = sum(load["requests_per_second"] for load in loads)
    requests = rate * seconds
    return {
        "requests": requests,
        "sent": sum(load["sent"] for load in loads),
        "a second": rate,
        "p99, ms": max(load["p99_ms"] for load in loads),
        "CPU of a request, ms": 1e3 * (sum(map(cpu_seconds, pids)) - before) / requests,
        "CPU of the database, ms": 1e3 * (_database_cpu(server) - database) / requests,
    }


async def _load(
    port: int, secret: str, connections: str, seconds: float, *more: str
) -> dict[str, float]:
    command = module(
        "bench.load", f"http://127.0.0.1:{port}/v1/chat/completions", "--connections", connections,
        "--seconds", str(seconds), "--header", f"authorization: Bearer {secret}", *more,
    )  # fmt: skip
    child = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await child.communicate()
    if child.returncode:
        raise SystemExit(f"The load generator failed: {err.decode().strip().splitlines()[-1]}")
    figures: dict[str, float] = json.loads(out)
    return figures


def _database_cpu(server: PostgresServer) -> float:
    """Of the server's processes that live now."""
    postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    return sum(map(cpu_seconds, (postmaster, *children(postmaster))))


def _medians(turns: list[Json]) -> Json:
    return {name: round(statistics.median(turn[name] for turn in turns), 2) for name in turns[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--continued", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(
        run(args.rounds, args.seconds, *(["--continued"] if args.continued else []))
    )
    if args.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:28} {value}")
    ratio = result["three"]["a second"] / result["one"]["a second"]
    cost = result["three"]["CPU of a request, ms"] / result["one"]["CPU of a request, ms"]
    print(f"three against one: {ratio:.2f} times the requests, {cost:.2f} times the CPU of each")


if __name__ == "__main__":
    main()
