"""Traces at volume over PostgreSQL: rows a second by COPY, report and console over millions.

    make bench-volume               (or: python -m bench.volume [--rows 1000000] [--copied 50000])

Rows are copied as the writer of a gateway does it, with journal and reading left out. Those that
reports and pages are timed over are made in the server itself, ninety days of them, 5 % of them
steps of agents' runs, with documents of 200 bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace
from tests.postgres import PostgresServer, running
from tests.stores.contract.world import row
from tests.traces.example import trace

from bench.console import COLUMN_SQL, PAGES, document, session, timed
from bench.processes import ROOT, cpu_seconds, free_port, listening, module
from bench.processes import running as started
from shortstop.stores.postgres.connect import connect
from shortstop.stores.postgres.database import PostgresSession
from shortstop.stores.postgres.partitions import DayPartitions
from shortstop.stores.postgres.rows import PostgresRows
from shortstop.stores.postgres.variant import POSTGRES
from shortstop.stores.sql import rollups
from shortstop.types.rows import COLUMNS, Row

HOME = ROOT / "var" / "bench" / "volume"
SETTINGS = (
    "-c listen_addresses='' -c max_connections=60 -c shared_buffers=1GB -c max_wal_size=8GB"
    " -c max_locks_per_transaction=256"
)
DAYS, DAY = 90, 86_400
DOCUMENT = document(80)
VALUES: Mapping[str, str] = {
    **COLUMN_SQL,
    "at": "{first} + (i - {before} - 1) * 86400.0 / {count}",
    "digest": "md5(i::text)",
    "run": "CASE WHEN i % 20 = 0 THEN 'run-' || (i / 160) END",
}
assert set(VALUES) <= set(COLUMNS)


# ---------------------------------------------------------------- rows a second


def copied(url: str, rows: int) -> dict[str, float]:
    """Rows of one writer: per second, and per second of processor of both sides."""
    store = PostgresRows(url)
    now = time.time()
    with closing(store):
        store.open()
        store.insert([row(trace("first", at=now))])
        made = [_row(i, now) for i in range(rows)]
        size = sum(len(one.document) for one in made) / rows
        backends = _backends(url)
        began, own = time.perf_counter(), time.process_time()
        served = sum(map(cpu_seconds, backends))
        for start in range(0, rows, store.batch):
            assert store.insert(made[start : start + store.batch]) == 0
        wall, own = time.perf_counter() - began, time.process_time() - own
        served = sum(map(cpu_seconds, backends)) - served
        assert store.insert(made[: store.batch]) == store.batch, "each once"
    return {
        "rows": rows, "document": size, "a second": rows / wall,
        "a second of both processors": rows / (own + served),
        "client us": own / rows * 1e6, "server us": served / rows * 1e6,
    }  # fmt: skip


def _row(number: int, now: float) -> Row:
    """Its content left out, as `traces.content = "digest"` does."""
    whole = trace(f"req_{number:08}", at=now + number / 1e4, conversation=f"c{number // 3}")
    return row(replace(whole, request=None, response=None))


def _backends(url: str) -> list[int]:
    with connect(url) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in found]


# ---------------------------------------------------------------- millions of them


def filled(url: str, rows: int) -> float:
    """Seconds until the database has so many rows."""
    began = time.monotonic()
    with closing(PostgresRows(url)) as store:
        store.open()
    today = int(time.time() // DAY)
    count = rows // DAYS
    names = ", ".join(("seq", *VALUES))
    with connect(url) as connection:
        db, days = PostgresSession(connection), DayPartitions()
        for number in range(DAYS):
            day, before = today - DAYS + 1 + number, number * count
            values = ", ".join(VALUES.values()).format(
                first=float(day * DAY), before=before, count=count
            )
            with connection.transaction():
                days.make(db, [day], today)
                some = f"generate_series({before + 1}::bigint, {before + count}) AS i"
                connection.execute(
                    f"INSERT INTO traces ({names}) SELECT i, {values} FROM {some}".encode()
                )
                connection.execute(
                    "INSERT INTO bodies SELECT seq, at, %s FROM traces WHERE at >= %s AND at < %s",
                    (DOCUMENT, day * DAY, (day + 1) * DAY),
                )
                rollups.recount(db, POSTGRES, day)
            if number % 10 == 9:
                print(f"{(number + 1) * count:,} rows", flush=True)
        connection.execute("VACUUM ANALYZE")
    return time.monotonic() - began


def reported(config: Path, rounds: int) -> dict[str, float]:
    """Seconds of the command, its start included."""
    env = {**os.environ, "SHORTSTOP_HOME": str(HOME)}
    found: dict[str, float] = {}
    for name, more in (("report", []), ("report --by key", ["--by", "key"])):
        spent = []
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "shortstop", "report", "--config", str(config), *more],
                env=env, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            spent.append(time.perf_counter() - began)
        found[name] = statistics.median(spent)
    return found


async def paged(config: Path, port: int, rounds: int) -> dict[str, dict[str, float]]:
    log, env = HOME / "log.txt", {"SHORTSTOP_HOME": str(HOME)}
    with started(module("shortstop", "serve", "--config", str(config)), log, env=env) as gateway:
        await listening(port, gateway, log)
        async with session(f"http://127.0.0.1:{port}") as client:
            token = (HOME / "admin.token").read_text().strip()
            async with client.post("/console/login", data={"key": token}) as answer:
                assert answer.status == 200, await answer.text()
            return {
                name: await timed(client, path, rounds, gateway.pid) for name, path in PAGES.items()
            }


def configured(url: str, port: int) -> Path:
    HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = HOME / "shortstop.toml"
    path.write_text(
        f'[server]\nport = {port}\n[store]\nurl = "{url}"\n'
        f'[models.small]\nurl = "http://127.0.0.1:{free_port()}/v1"\n'
        "[routing]\nshadow_rate = 0.0\n"
    )
    return path


def measured(server: PostgresServer, args: argparse.Namespace) -> dict[str, object]:
    for name in ("copied", "volume"):
        server.sql(f"CREATE DATABASE {name}")
    rows = copied(server.url("copied"), args.copied)
    url, port = server.url("volume"), free_port()
    seconds = filled(url, args.rows)
    size = server.sql("SELECT pg_database_size('volume')")[0][0]
    config = configured(url, port)
    return {
        "copied": rows,
        "rows": args.rows,
        "filled s": seconds,
        "bytes": size,
        "report s": reported(config, args.rounds),
        "pages": asyncio.run(paged(config, port, args.rounds)),
        "load": os.getloadavg(),
    }


def show(result: dict[str, object]) -> None:
    print(json.dumps({k: v for k, v in result.items() if k != "pages"}, indent=1, default=str))
    pages = result["pages"]
    assert isinstance(pages, dict)
    print(f"{'page, milliseconds':<26}{'p50':>8}{'p95':>8}{'cpu':>8}")
    for name, one in pages.items():
        print(f"{name:<26}" + "".join(f"{one[column]:>8.1f}" for column in ("p50", "p95", "cpu")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--copied", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with running(SETTINGS) as server:
        result = measured(server, args)
    show(result)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1, default=str))


if __name__ == "__main__":
    main()
