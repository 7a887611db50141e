"""CPU a request of several checkouts of Shortstop, in turn: for machines that do other work, too.

    python -m bench.cpu CHECKOUT [CHECKOUT ...] [--rounds 6] [--requests 400] [--connections 16]

Each checkout, with its own `.venv`, runs one gateway on core 1 for the whole time; load and an
instant upstream are on core 0. A round sends each of them as many requests, a third as many
streams, the order reversed every other round. CPU is that of all of a gateway's threads
(`schedstat`), in microseconds a request: least and median of the rounds, and the median of each
round's ratio to the first checkout.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from bench.load import LoadConnection, request_bytes
from bench.overhead import CONFIG
from bench.processes import ROOT, free_port, listening, module, running

WORK = ROOT / "var" / "cpu"
LOADS = {"stream": ("mock", True), "auto": ("auto", False), "named": ("mock", False)}
REST = 0.15
"""Seconds after a run in which a gateway ends what it does beside it."""


@dataclass
class Tree:
    """The gateway of one checkout; CPU a request in us, by load."""

    name: str
    url: str
    pid: int
    spent: dict[str, list[float]] = field(default_factory=dict)


class Counted(LoadConnection):
    """Stops when all connections together were answered `left` times."""

    left = 0

    def on_message_complete(self) -> None:
        Counted.left -= 1
        self.stopping = Counted.left < 0
        super().on_message_complete()


def cpu_us(pid: int) -> float:
    """Of all threads of a process that live, in microseconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e3


async def ask(url: str, load: str, requests: int, connections: int) -> int:
    """How many were answered. Raises RuntimeError where one was not."""
    model, stream = LOADS[load]
    request, parts = request_bytes(url, model, stream, ()), urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    spent, errors = list[float](), list[int]()
    loop = asyncio.get_running_loop()
    Counted.left = requests

    def new() -> Counted:
        return Counted(request, spent, errors)

    opened = [(await loop.create_connection(new, host, port))[1] for _ in range(connections)]
    await asyncio.wait([one.done for one in opened])
    if errors:
        raise RuntimeError(f"not answered: {errors[:5]}")
    return len(spent)


async def start(stack: ExitStack, number: int, checkout: Path, upstream: int) -> Tree:
    folder, port = WORK / str(number), free_port()
    folder.mkdir(parents=True)
    (folder / "shortstop.toml").write_text(CONFIG.format(port=port, upstream=upstream))
    command = [str(checkout / ".venv" / "bin" / "python"), "-m", "shortstop", "serve"]
    env = {"SHORTSTOP_HOME": str(folder), "MOCK_KEY": "key-of-the-mock-upstream"}
    log = folder / "log.txt"
    command += ["--config", "shortstop.toml"]
    child = stack.enter_context(running(command, log, core=1, cwd=folder, env=env))
    await listening(port, child, log)
    return Tree(checkout.name, f"http://127.0.0.1:{port}/v1/chat/completions", child.pid)


async def run(checkouts: list[Path], rounds: int, requests: int, connections: int) -> list[Tree]:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    os.sched_setaffinity(0, {0})
    upstream, log = free_port(), WORK / "upstream.txt"
    with ExitStack() as stack:
        mock = module("bench.mock_upstream", "--port", str(upstream))
        await listening(upstream, stack.enter_context(running(mock, log, core=0)), log)
        trees = [await start(stack, i, path, upstream) for i, path in enumerate(checkouts)]
        for number in range(-1, rounds):
            for load in LOADS:
                for tree in trees if number % 2 else trees[::-1]:
                    before = cpu_us(tree.pid)
                    wanted = requests // 3 if load == "stream" else requests
                    answered = await ask(tree.url, load, wanted, connections)
                    await asyncio.sleep(REST)
                    if number >= 0:  # the first round warms up
                        spent = (cpu_us(tree.pid) - before) / answered
                        tree.spent.setdefault(load, []).append(spent)
    return trees


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--connections", type=int, default=16)
    args = parser.parse_args()
    checkouts = [path.resolve() for path in args.checkouts]
    trees = uvloop.run(run(checkouts, args.rounds, args.requests, args.connections))
    for load in LOADS:
        for tree in trees:
            spent, first = tree.spent[load], trees[0].spent[load]
            ratio = statistics.median(own / one for own, one in zip(spent, first, strict=True))
            sys.stdout.write(
                f"{load:7} {tree.name:12} {min(spent):7.0f} / {statistics.median(spent):7.0f} us"
                f"   ratio {ratio:.2f}\n"
            )


if __name__ == "__main__":
    main()
