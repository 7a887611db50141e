"""The console over a million rows: how long each page takes, and what the street notices.

    make bench-console            # ROWS=1000000 ROUNDS=30
    python -m bench.console --street   # also: the street's p99 while ten pages reload without end

The rows are made in SQLite itself, ninety days of them, and kept in var/bench/console.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bench.load import load
from bench.processes import ROOT, cpu_seconds, free_port, listening, module, running
from shortstop.stores.sql import rollups
from shortstop.stores.sqlite.connect import SQLITE
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.types.rows import COLUMNS

HOME = ROOT / "var" / "bench" / "console"
DAYS = 90
PAGES = {
    "Today": "today",
    "Today, 30 days": "today?days=30",
    "Today, a year": "today?days=365",
    "Live tail": "tail",
    "Traces": "traces",
    "Traces of a task": "traces?task=task-3",
    "Traces, escalated": "traces?kept=escalated",
    "Traces, a rare target": "traces?target=rare",
    "Traces, a search": "traces?search=task-11",
    "Tasks": "tasks",
    "A task": "task?name=task-3",
    "Specialists": "specialists",
    "Books, a year by day": "books?days=365",
    "Books, a year by task": "books?days=365&by=task",
    "Privacy": "privacy",
    "Settings": "settings",
}
COLUMN_SQL: Mapping[str, str] = {
    "id": "'req-' || i",
    "tenant": "CASE i % 5 WHEN 0 THEN 'acme' WHEN 1 THEN 'globex' ELSE 'default' END",
    "key": "'key_' || (i % 40)",
    "conversation": "'c' || (i / 3)",
    "dialect": "'openai.chat'",
    "model": "'auto'",
    "outcome": "CASE WHEN i % 211 = 0 THEN 'error' WHEN i % 50 = 7 THEN 'shadow' ELSE 'ok' END",
    "status": "200",
    "stream": "i % 2 = 0",
    "task": "'task-' || (i * 7919 % 12)",
    "target": "CASE WHEN i % 4001 = 0 THEN 'rare' WHEN i % 3 > 0 THEN 'small' ELSE 'big' END",
    "local": "i % 3 > 0",
    "tier": "CASE WHEN i % 17 = 0 THEN 2 ELSE 0 END",
    "reach": "CASE WHEN i % 17 = 0 THEN 2 ELSE 0 END",
    "attempts": "1",
    "escalated": "i % 23 = 0",
    "explored": "false",
    "seconds": "0.1 + (i * 7919 % 1000) / 500.0",
    "first_byte": "0.1",
    "prompt_tokens": "400 + i % 300",
    "completion_tokens": "100",
    "tokens_estimated": "false",
    "cost_pico": "CASE WHEN i % 3 > 0 THEN 20000000 ELSE 6000000000 END",
    "cost_local_pico": "20000000",
    "counterfactual_pico": "6000000000",
    "baseline": "'big'",
    "unpriced": "false",
    "prices": "'bench'",
    "joules": "4.0", "joules_low": "3.0", "joules_high": "6.0", "joules_basis": "'modelled'",
    "counterfactual_joules": "700.0", "counterfactual_joules_low": "400.0",
    "counterfactual_joules_high": "1200.0",
    "gco2": "0.1", "gco2_low": "0.1", "gco2_high": "0.2",
}  # fmt: skip
"""What row number `i` holds, in words that both databases understand."""
STREET_SECONDS = 5.0
STREET_ROUNDS = 4
RELOADING = 10


def document(padding: int) -> str:
    """What is kept of a request beside its row, with so many characters that say nothing."""
    findings = [{"label": "EMAIL", "rule": "email", "tier": 2}] * 2
    return json.dumps({"clearance": {"findings": findings}, "padding": "x" * padding})


def made(rows: int) -> None:
    """The data folder with so many rows, made where it is not there."""
    path = HOME / "traces.db"
    if path.exists():
        with sqlite3.connect(path) as db:
            (there,) = db.execute("SELECT count(*) FROM traces WHERE seq <= ?", (rows,)).fetchone()
        if there == rows:
            return
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
    HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = SqliteRows(path)
    store.open()
    store.close()
    began = time.monotonic()
    values = {
        **COLUMN_SQL,
        "at": f"unixepoch('now') - {DAYS} * 86400.0 * ({rows} - i) / {rows}",
        "digest": "''",
    }
    columns = ", ".join(values)
    assert set(values) <= set(COLUMNS)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous = OFF")
        count = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        db.execute(
            f"{count} INSERT INTO traces (seq, {columns})"
            f" SELECT i, {', '.join(values.values())} FROM n"
        )
        db.execute(f"{count} INSERT INTO bodies SELECT i, ? FROM n", (document(700),))
        rollups.add(db, SQLITE, 0)
    print(f"{rows:,} rows made in {time.monotonic() - began:.0f} s", flush=True)


async def measured(rows: int, rounds: int, *, street: bool) -> dict[str, object]:
    made(rows)
    port, upstream = free_port(), free_port()
    config = HOME / "shortstop.toml"
    config.write_text(
        f'[server]\nport = {port}\n[models.small]\nurl = "http://127.0.0.1:{upstream}/v1"\n'
        f'[upstreams.mock]\nbase_url = "http://127.0.0.1:{upstream}/v1"\n'
        '[upstreams.mock.models.mock]\nprice = "gpt-6.1-sol"\n[routing]\nshadow_rate = 0.0\n'
    )
    log, env = HOME / "log.txt", {"SHORTSTOP_HOME": str(HOME)}
    mock = module("bench.mock_upstream", "--port", str(upstream))
    with (
        running(mock, HOME / "upstream.txt") as up,
        running(module("shortstop", "serve", "--config", str(config)), log, env=env) as gateway,
    ):
        await listening(upstream, up, HOME / "upstream.txt")
        await listening(port, gateway, log)
        url = f"http://127.0.0.1:{port}"
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(session(url))
            await login(client)
            pages = {
                name: await timed(client, path, rounds, gateway.pid) for name, path in PAGES.items()
            }
            beside = await watched(url, client) if street else None
    return {"rows": rows, "rounds": rounds, "pages": pages, "street": beside}


def session(url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"sec-fetch-site": "same-origin"}
    )


async def login(client: aiohttp.ClientSession) -> None:
    token = (HOME / "admin.token").read_text().strip()
    async with client.post("/console/login", data={"key": token}) as r:
        assert r.status == 200, await r.text()


async def timed(
    client: aiohttp.ClientSession, path: str, rounds: int, pid: int
) -> dict[str, float]:
    """Milliseconds from the request to the last byte of a page, one after the other; and of the
    gateway's processor, which what else this machine does changes little."""
    spent, size, before = [], 0, cpu_seconds(pid)
    for _ in range(rounds + 2):
        began = time.perf_counter()
        async with client.get(f"/console/{path}") as r:
            assert r.status == 200, f"{path}: {r.status}"
            size = len(await r.read())
        spent.append((time.perf_counter() - began) * 1000)
    ordered = sorted(spent[2:])
    return {
        "p50": ordered[len(ordered) // 2],
        "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        "cpu": (cpu_seconds(pid) - before) * 1000 / (rounds + 2),
        "bytes": size,
    }


async def watched(url: str, client: aiohttp.ClientSession) -> list[dict[str, float]]:
    """The street's latency without and with reloading pages, by turns."""
    results = []
    for _ in range(STREET_ROUNDS):
        alone = await street_p99(url)
        stop = asyncio.Event()
        reloading = [
            asyncio.create_task(reload(client, list(PAGES.values())[i], stop))
            for i in range(RELOADING)
        ]
        beside = await street_p99(url)
        stop.set()
        loads = sum(await asyncio.gather(*reloading))
        results.append({"alone": alone, "beside": beside, "pages": float(loads)})
    return results


async def reload(client: aiohttp.ClientSession, path: str, stop: asyncio.Event) -> int:
    count = 0
    while not stop.is_set():
        async with client.get(f"/console/{path}") as r:
            await r.read()
        count += 1
        await asyncio.sleep(1)
    return count


async def street_p99(url: str) -> float:
    """Milliseconds, two clients one after the other each."""
    found = await load(f"{url}/v1/chat/completions", 2, STREET_SECONDS)
    return found["p99_ms"]


def show(result: dict[str, object]) -> None:
    pages = result["pages"]
    assert isinstance(pages, dict)
    print(f"{result['rows']:,} rows, {result['rounds']} rounds, milliseconds")
    print(f"{'page':<26}{'p50':>8}{'p95':>8}{'cpu':>8}{'kB':>8}")
    for name, one in pages.items():
        figures = "".join(f"{one[column]:>8.1f}" for column in ("p50", "p95", "cpu"))
        print(f"{name:<26}{figures}{one['bytes'] / 1000:>8.1f}")
    for one in result["street"] or ():  # type: ignore[attr-defined]
        print(f"street p99 {one['alone']:.2f} ms alone, {one['beside']:.2f} ms beside"
              f" {one['pages']:.0f} pages")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--street", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = asyncio.run(measured(args.rows, args.rounds, street=args.street))
    show(result)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
