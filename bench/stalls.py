"""For how long the gateway's event loop does not turn under each attack, in its own processor time.

    python -m bench.stalls [--only NAME] [--seconds 8]

What another tenant waits for by the clock depends on what else the machine does; this does not: a
timer of 2 ms asks how much time all threads of the process have used since it was last served.
Both, with what the machine's other work adds: `make bench-attacks`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.attack_table import ATTACKS
from bench.attacks import House
from bench.processes import ROOT

OUT = "SHORTSTOP_STALLS"
"""The variable that names the file for what was seen: lines of a time and milliseconds."""
EVERY, LEAST_MS, REST = 0.002, 8.0, 0.5
LIMITS_MS = (25, 50, 100)


async def _watch(path: Path) -> None:
    """In the gateway: write down each stall."""
    last = time.process_time()
    with path.open("a", buffering=1) as out:
        while True:
            await asyncio.sleep(EVERY)
            now = time.process_time()
            if (spent := (now - last) * 1000) > LEAST_MS:
                out.write(f"{time.time()} {spent}\n")
            last = time.process_time()


def serve(path: Path) -> None:
    """`shortstop` as it is, with a watch on its loop."""
    from shortstop.cli.main import main
    from shortstop.server.connections import Connections

    sweep = Connections.keep_sweeping

    async def watched(self: Connections) -> None:
        watch = asyncio.create_task(_watch(path))
        try:
            await sweep(self)
        finally:
            watch.cancel()

    Connections.keep_sweeping = watched  # type: ignore[method-assign]
    main()


def _since(began: float, seen: Path) -> list[float]:
    told = (line.split() for line in seen.read_text().splitlines())
    return [float(ms) for at, ms in told if float(at) >= began]


async def run(names: list[str], seconds: float, seen: Path) -> list[list[str]]:
    """A row for each attack: its name, the longest stall, how many were beyond each limit."""
    rows = []
    with ExitStack() as stack:
        house = House(stack, ROOT)
        house.watched(OUT, seen)
        await house.start()
        for name in names:
            began = time.time()
            await house.attack(name, seconds)
            await asyncio.sleep(REST)
            stalls = _since(began, seen)
            beyond = [str(sum(ms > limit for ms in stalls)) for limit in LIMITS_MS]
            rows.append([name, f"{max(stalls, default=0.0):.0f}", *beyond])
    return rows


def show(rows: list[list[str]]) -> None:
    table = Table(title="The event loop does not turn: ms of processor time")
    for column in ("attack", "longest", *(f"> {limit}" for limit in LIMITS_MS)):
        table.add_column(column, justify="left" if column == "attack" else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=90).print(table)


if __name__ == "__main__":
    if path := os.environ.get(OUT):
        serve(Path(path))
        sys.exit()
    parser = argparse.ArgumentParser(description="Stalls of the event loop under attack.")
    parser.add_argument("--only", action="append", default=[], choices=ATTACKS, help="repeat")
    parser.add_argument("--seconds", type=float, default=8.0)
    args = parser.parse_args()
    file = ROOT / "var" / "stalls.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    show(asyncio.run(run(args.only or [*ATTACKS], args.seconds, file)))
