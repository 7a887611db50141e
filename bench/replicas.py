"""From one machine to another: how long a pair takes, and what the shared database is asked for it.

    make bench-replicas      (or: python -m bench.replicas [--pairs 100] [--events 20000]
                              [--histories 0 [--only-histories]] [--json])

A PostgreSQL of its own in a temporary folder, and two real gateways of one process each over it.
One is asked with `auto`; the clock runs from the moment its answer is there until the other one
knows the request, that is takes feedback about it (asked every 5 ms). Then, in this process, what
publishing and learning cost: decisions and pairs, published in batches and learned by a router that
starts anew. With `--histories` the contract's scenarios are played as often over three machines
that are up to 50 requests behind each other. Nothing leaves the machine. Takes a minute; needs
PostgreSQL's programs on PATH and the extra [postgres].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from tests.app.machines import Machine
from tests.postgres import PostgresServer, running
from tests.server.conftest import LESSON, Gateway, running_gateway

from shortstop.evaluate.figures import binomial_upper
from shortstop.evaluate.histories import SCENARIOS, synthetic
from shortstop.evaluate.replicated import broken
from shortstop.routing import Promise, packaged
from shortstop.stores import Paths
from shortstop.stores.postgres.stores import ReplicaStores
from shortstop.stores.sqlite import SqliteStores

KEY = "SHORTSTOP_TRACES_KEY"
ASK_SECONDS = 0.005
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--histories", type=int, default=0)
    parser.add_argument("--only-histories", action="store_true", help="no gateways, no database")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ[KEY] = "one key for both machines"
    figures: Figures = {}
    if not args.only_histories:
        with running() as server, tempfile.TemporaryDirectory() as folder:
            figures |= asyncio.run(_between_gateways(server, Path(folder), args.pairs))
            figures |= _work(server, Path(folder), args.events)
    if args.histories:
        figures |= _broken(args.histories)
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:64} {value:12,.1f}")


async def _between_gateways(server: PostgresServer, folder: Path, pairs: int) -> Figures:
    homes = [folder / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    with server.database() as url:
        store = f'[store]\nurl = "{url}"\n'
        async with (
            running_gateway(homes[0], more=store) as one,
            running_gateway(homes[1], more=store) as other,
        ):
            delays = [await _delay(one, other, number) for number in range(pairs)]
        name = url.partition("@/")[2].partition("?")[0]
        ((count, size),) = server.sql(
            "SELECT (SELECT sum(published)::float FROM event_writers),"
            " (SELECT avg(length(message))::float FROM learned_events)",
            name,
        )
    delays.sort()
    assert isinstance(count, float)
    assert isinstance(size, float)
    return {
        "events of a request and its pair": count / pairs,
        "a gateway's event, bytes": size,
        "until the other machine knows, ms: median": 1e3 * statistics.median(delays),
        "until the other machine knows, ms: p99": 1e3 * delays[int(0.99 * (len(delays) - 1))],
        "until the other machine knows, ms: longest": 1e3 * delays[-1],
    }


async def _delay(one: Gateway, other: Gateway, number: int) -> float:
    """Seconds. At times that have nothing to do with who polls when."""
    await asyncio.sleep(0.037 * (number % 11))
    body = {"model": "auto", "messages": [*LESSON, {"role": "user", "content": f"!say {number}"}]}
    async with one.http.post("/v1/chat/completions", json=body) as answer:
        id = answer.headers["x-request-id"]
        await answer.read()
    began = time.perf_counter()
    while True:
        about = {"request_id": id, "score": 1.0, "target": "small"}
        async with other.http.post("/v1/feedback", json=about) as answer:
            if answer.status == 200:
                return time.perf_counter() - began
            assert answer.status == 404, await answer.text()
        assert time.perf_counter() - began < 30
        await asyncio.sleep(ASK_SECONDS)


def _work(server: PostgresServer, folder: Path, events: int) -> Figures:
    """Of decisions and pairs, half and half."""
    prior = packaged()
    with server.database() as url:
        stores = ReplicaStores(url, SqliteStores(Paths(folder, folder / "traces.db")))
        one = Machine(folder / "a", stores, prior)
        for number in range(events // 2):
            one.decide(number)
            one.pair(number)
        began = time.perf_counter()
        published = one.publish()
        publishing = time.perf_counter() - began
        began = time.perf_counter()
        other = Machine(folder / "b", stores, prior)
        learning = time.perf_counter() - began
        assert other.state.heard == one.state.heard
        began = time.perf_counter()
        snapshot = one.snapshot()
        dumping = time.perf_counter() - began
        one.close()
        other.close()
    return {
        "events": published,
        "published a second": published / publishing,
        "learned a second, at a start": published / learning,
        "a snapshot, MB": len(snapshot) / 1e6,
        "a snapshot, ms of the event loop": 1e3 * dumping,
    }


def _broken(histories: int) -> Figures:
    """Of 3,000 requests each."""
    promise, log = Promise(max_loss=0.05), synthetic(5000)
    figures = {}
    for name in SCENARIOS:
        seeds = [np.random.default_rng([1, number]) for number in range(histories)]
        count = broken(name, log, promise, seeds, 3000)
        figures[f"broken promises of {histories}: {name}"] = float(count)
        high = binomial_upper(count, histories, 0.025)
        figures[f"  % of them, upper end of its 95 % interval: {name}"] = 100 * high
    return figures


if __name__ == "__main__":
    main()
