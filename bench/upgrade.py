"""One release beside the next on one PostgreSQL, under load: rolled forth, back, and forth again.

    make bench-upgrade BEFORE=COMMIT      (or: python -m bench.upgrade --before COMMIT
                                          [--replicas 3] [--seconds 6] [--json])

Real gateways of an earlier commit, a PostgreSQL of its own, an instant upstream, and a balancer as
small as can be: clients go round the replicas that are in service, and repeat nothing. Then
`shortstop store migrate` of the new release, and three rolls: old to new, back to old, to new
again. A roll takes one replica at a time out of service, waits as a Kubernetes preStop does, tells
it to end (SIGTERM), waits for its end, and puts the other release's in its place once it is ready.
Clients have conversations, keys with limits and budgets, streams, and stored responses that go on
from one release to the other. What is not answered as it must be is an error; so is a row that is
missing or doubled, and money that is counted otherwise than it was answered for. Takes three
minutes; needs PostgreSQL's programs on PATH and the extra [postgres].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from tests.postgres import PostgresServer
from tests.postgres import running as running_postgres

from bench.on_postgres import CONFIG
from bench.processes import PATIENCE, ROOT, free_port, key_of, listening, module, running
from bench.releases import environment, unpacked

WORK = ROOT / "var" / "upgrade"
SETTINGS = "-c listen_addresses='' -c max_connections=100"
NOTICE = 2.0
"""Seconds out of service before SIGTERM."""
KINDS = ("fresh", "conversation", "limited", "stream", "auto", "stored")
PAUSE = 0.04
Json = dict[str, Any]


@dataclass
class Replica:
    """A place for a gateway; its folder is its own, whatever release serves from it."""

    number: int
    port: int
    child: subprocess.Popen[bytes] | None = None
    release: str = ""


@dataclass
class Tally:
    asked: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    answered: dict[str, str] = field(default_factory=dict)
    """Request id -> kind."""


class Cluster:
    def __init__(self, url: str, upstream: int, sources: dict[str, Path | None]) -> None:
        self._sources = sources
        self.replicas = []
        for number in range(3):
            home, port = WORK / f"home{number}", free_port()
            home.mkdir(parents=True)
            text = CONFIG.format(port=port, url=url, upstream=upstream)
            (home / "shortstop.toml").write_text(text)
            self.replicas.append(Replica(number, port))
        self.in_service: list[Replica] = []
        self._turn = 0
        self.drained: list[float] = []

    def environment(self, replica: Replica, release: str) -> dict[str, str]:
        more = {
            "SHORTSTOP_HOME": str(WORK / f"home{replica.number}"),
            "SHORTSTOP_TRACES_KEY": "t" * 43 + "=",
            "SHORTSTOP_PRIVACY_KEY": "p" * 43,
        }
        return environment(self._sources[release], more)

    def config(self, replica: Replica) -> Path:
        return WORK / f"home{replica.number}" / "shortstop.toml"

    async def start(self, replica: Replica, release: str) -> None:
        log = WORK / f"gateway{replica.number}.log"
        replica.child, replica.release = self._child(replica, release, log), release
        await listening(replica.port, replica.child, log)
        async with aiohttp.ClientSession() as http:
            async with asyncio.timeout(PATIENCE):
                while not await _ready(http, replica.port):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
        self.in_service.append(replica)

    def _child(self, replica: Replica, release: str, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen(
                module("shortstop", "serve", "--config", str(self.config(replica))),
                cwd=WORK, env=self.environment(replica, release), stdout=out, stderr=out,
            )  # fmt: skip

    async def stop(self, replica: Replica) -> None:
        """As a rolling update does."""
        self.in_service.remove(replica)
        await asyncio.sleep(NOTICE)
        assert replica.child is not None
        began = time.monotonic()
        replica.child.terminate()
        code = await asyncio.to_thread(replica.child.wait, 60)
        self.drained.append(time.monotonic() - began)
        if code:
            raise SystemExit(f"A replica ended with {code}: see {WORK}.")

    async def roll(self, release: str) -> None:
        for replica in list(self.replicas):
            await self.stop(replica)
            await self.start(replica, release)

    def end(self) -> None:
        for replica in self.replicas:
            if replica.child is not None and replica.child.poll() is None:
                replica.child.terminate()
                replica.child.wait(60)

    def next(self) -> Replica:
        self._turn += 1
        return self.in_service[self._turn % len(self.in_service)]


async def _ready(http: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{port}/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


class Client:
    """Asks one thing after the other, each time another replica."""

    def __init__(self, kind: str, number: int, secret: str, cluster: Cluster, tally: Tally) -> None:
        self._kind, self._number, self._secret = kind, number, secret
        self._cluster, self._tally = cluster, tally
        self._previous: str | None = None
        self._kept_by = ""
        self._said: list[Json] = []
        self.stopping = False

    async def run(self, http: aiohttp.ClientSession) -> None:
        turn = 0
        while not self.stopping:
            replica = self._cluster.next()
            self._tally.asked += 1
            try:
                await self._ask(http, replica, turn)
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
                self._tally.errors[f"{self._kind} {replica.release} {type(error).__name__}"] += 1
            turn += 1
            await asyncio.sleep(PAUSE)

    async def _ask(self, http: aiohttp.ClientSession, replica: Replica, turn: int) -> None:
        path, body = self._body(turn)
        headers = {"authorization": f"Bearer {self._secret}"}
        url = f"http://127.0.0.1:{replica.port}{path}"
        async with http.post(url, json=body, headers=headers) as answer:
            data = await answer.read()
            if answer.status != 200:
                code = json.loads(data)["error"].get("code")
                since = f", kept by {self._kept_by}" if self._previous else ""
                what = f"{self._kind} {replica.release}{since}: {answer.status} {code}"
                self._tally.errors[what] += 1
                self._previous = None
                return
            self._tally.answered[answer.headers["x-request-id"]] = self._kind
        if self._kind == "stream":
            if not data.rstrip().endswith(b"[DONE]"):
                self._tally.errors[f"{self._kind} {replica.release} cut off"] += 1
        elif self._kind == "stored":
            self._previous = json.loads(data)["id"] if turn % 5 else None
            self._kept_by = replica.release

    def _body(self, turn: int) -> tuple[str, Json]:
        model = "auto" if self._kind == "auto" else "mock"
        said = f"Client {self._number} asks for the {turn}th time: what is a lighthouse for?"
        if self._kind == "stored":
            more = {} if self._previous is None else {"previous_response_id": self._previous}
            return "/v1/responses", {"model": model, "input": said, **more}
        messages = [{"role": "user", "content": said}]
        if self._kind == "conversation":
            first = f"Client {self._number}, conversation {turn // 6}."
            self._said = self._said if turn % 6 else []
            self._said += [{"role": "user", "content": said if self._said else first}]
            messages = list(self._said)
            self._said += [{"role": "assistant", "content": "It warns ships of rocks."}]
        body: Json = {"model": model, "messages": messages, "max_tokens": 20}
        return "/v1/chat/completions", body | ({"stream": True} if self._kind == "stream" else {})


async def run(before: str, seconds: float) -> Json:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    sources = {"old": unpacked(before, WORK / "before"), "new": None}
    with running_postgres(SETTINGS) as server, server.database() as url:
        upstream = free_port()
        mock = module("bench.mock_upstream", "--port", str(upstream))
        log = WORK / "mock.log"
        with running(mock, log) as model_server:
            await listening(upstream, model_server, log)
            cluster = Cluster(url, upstream, sources)
            try:
                return await _rolled(cluster, server, url, seconds)
            finally:
                cluster.end()


async def _rolled(cluster: Cluster, server: PostgresServer, url: str, seconds: float) -> Json:
    first = cluster.replicas[0]
    _migrate(cluster, "old")
    env = cluster.environment(first, "old")
    free = key_of("free", module("")[0], cluster.config(first), env)
    limited = _limited_key(cluster, first)
    for replica in cluster.replicas:
        await cluster.start(replica, "old")
    tally, steps = Tally(), []
    clients = [
        Client(kind, n, limited if kind == "limited" else free, cluster, tally)
        for n, kind in enumerate(KINDS)
    ]
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=30)
        session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        http = await stack.enter_async_context(session)
        tasks = [asyncio.create_task(client.run(http)) for client in clients]
        began = time.monotonic()
        await asyncio.sleep(seconds)
        taken = await asyncio.to_thread(_migrate, cluster, "new")
        for release in ("new", "old", "new"):
            start, errors = time.monotonic(), tally.errors.total()
            await cluster.roll(release)
            await asyncio.sleep(seconds)
            took, new = time.monotonic() - start, tally.errors.total() - errors
            steps.append({"to": release, "seconds": round(took, 1), "errors": new})
        for client in clients:
            client.stopping = True
        await asyncio.gather(*tasks)
        lasted = time.monotonic() - began
    for replica in list(cluster.in_service):
        await cluster.stop(replica)
    return {
        "seconds": round(lasted, 1),
        "schema steps": taken,
        "rolls": steps,
        "asked": tally.asked,
        "errors": dict(tally.errors),
        "longest from SIGTERM to its end, s": round(max(cluster.drained), 2),
        **_books(server, url, tally),
    }


def _migrate(cluster: Cluster, release: str) -> int:
    first = cluster.replicas[0]
    done = subprocess.run(
        module("shortstop", "store", "migrate", "--json", "--config", str(cluster.config(first))),
        env=cluster.environment(first, release), cwd=WORK, capture_output=True, check=True,
    )  # fmt: skip
    return int(json.loads(done.stdout)["steps"])


def _limited_key(cluster: Cluster, replica: Replica) -> str:
    limits = ("--rpm", "60000", "--tpm", "60000000", "--budget", "100", "--period", "total")
    done = subprocess.run(
        module("shortstop", "keys", "create", "limited", *limits, "--json", "--config",
               str(cluster.config(replica))),
        env=cluster.environment(replica, "old"), cwd=WORK, capture_output=True, check=True,
    )  # fmt: skip
    return str(json.loads(done.stdout)["secret"])


def _books(server: PostgresServer, url: str, tally: Tally) -> Json:
    """When all have ended: what was written down against what was answered."""
    name = url.partition("@/")[2].partition("?")[0]
    rows = server.sql("SELECT id, key, cost_pico FROM traces", name)
    ids = [str(id) for id, _, _ in rows]
    ((spent, held),) = server.sql("SELECT sum(spent)::bigint, sum(held)::bigint FROM purses", name)
    key = next((k for id, k, _ in rows if tally.answered.get(str(id)) == "limited"), None)
    billed = sum(int(str(cost or 0)) for _, k, cost in rows if k == key)
    ((leases, owners),) = server.sql(
        "SELECT (SELECT count(*) FROM holds) + (SELECT count(*) FROM meter_leases),"
        " (SELECT count(*) FROM owners)", name,
    )  # fmt: skip
    return {
        "rows missing": len(tally.answered.keys() - set(ids)),
        "rows doubled": len(ids) - len(set(ids)),
        "spent beyond what rows say, pico-dollars": int(str(spent)) - billed,
        "held at the end": held,
        "leases left": leases,
        "owners left": owners,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--before", metavar="COMMIT", required=True)
    parser.add_argument("--seconds", type=float, default=6.0, help="between rolls")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(run(args.before, args.seconds))
    if args.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:42} {value}")
    if result["errors"] or result["rows missing"] or result["rows doubled"]:
        raise SystemExit("The upgrade was noticed.")


if __name__ == "__main__":
    main()
