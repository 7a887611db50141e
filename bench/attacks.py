"""Each attack on a real gateway while another tenant measures: latency, refusals, memory.

    make bench-attacks         (or: python -m bench.attacks [--only NAME] [--seconds 5] [--json])
    python -m bench.attacks --checkout ../before       another checkout, with its own .venv

The gateway on core 1; the attacker, the other tenant and the upstreams share core 0, so an attack
that costs its sender much slows the measuring too: compare with the row "nothing". Memory is the
gateway's resident memory above its rest: the most during the attack, and 10 seconds after it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.attack_table import ATTACKS
from bench.processes import ROOT, free_port, key_of, listening, module, rss_mb, running

WORK = ROOT / "var" / "attacks"
NOTHING = "nothing"
WARM = 0.5
"""Seconds of the attack before the other tenant begins to measure."""
BACK_WITHIN = 10.0
BACK_MB = 30.0
"""Above rest, what counts as back."""
AHEAD = ["nice", "-n", "-5"] if os.geteuid() == 0 else []
"""The gateway and the other tenant go before what else the machine does, where that is allowed."""
MOST_MS, MOST_MB = 100.0, 300.0
CONFIG = """
[server]
port = {port}
[models.small]
url = "http://127.0.0.1:{mock}/v1"
abilities = ["json"]
[upstreams.mock]
base_url = "http://127.0.0.1:{mock}/v1"
[upstreams.mock.models.mock]
price = "gpt-6.1-sol"
[upstreams.hostile]
base_url = "http://127.0.0.1:{hostile}/v1"
retries = 0
breaker_failures = 1000000
{models}
[routing]
exploration = 0.0
shadow_rate = 0.0
"""


class House:
    """A running gateway with its upstreams, and the keys of two tenants."""

    def __init__(self, stack: ExitStack, checkout: Path) -> None:
        self.port, self._mock, self._hostile = free_port(), free_port(), free_port()
        self._stack = stack
        self._python = str(checkout / ".venv" / "bin" / "python")
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        self._config = WORK / "shortstop.toml"
        names = [name.removeprefix("upstream-") for name in ATTACKS if name.startswith("upstream-")]
        models = "\n".join(f"[upstreams.hostile.models.{name}]" for name in names)
        self._config.write_text(
            CONFIG.format(port=self.port, mock=self._mock, hostile=self._hostile, models=models)
        )
        self._env = {"SHORTSTOP_HOME": str(WORK)}
        self._module = "shortstop"
        self.pid = 0
        self.attacker, self.other = "", ""

    async def start(self) -> None:
        for name, port in (("mock_upstream", self._mock), ("hostile_upstream", self._hostile)):
            log = WORK / f"{name}.log"
            command = module(f"bench.{name}", "--port", str(port))
            await listening(port, self._stack.enter_context(running(command, log, core=0)), log)
        self.attacker, self.other = self._key("attacker"), self._key("other")
        command = [*AHEAD, self._python, "-m", self._module, "serve"]
        command += ["--config", str(self._config)]
        log = WORK / "shortstop.log"
        gateway = self._stack.enter_context(running(command, log, core=1, cwd=WORK, env=self._env))
        await listening(self.port, gateway, log)
        self.pid = gateway.pid

    def watched(self, variable: str, file: Path) -> None:
        """Start the gateway under `bench.stalls`, which writes to `file`."""
        self._module = "bench.stalls"
        self._env |= {"PYTHONPATH": str(ROOT), variable: str(file)}

    async def attack(self, name: str, seconds: float) -> None:
        """One attack, and nobody who measures."""
        attack = await self._child("attack_table", name, self.attacker, seconds)
        await attack.communicate()

    def _key(self, tenant: str) -> str:
        return key_of(tenant, self._python, self._config, self._env)

    async def measure(self, name: str, seconds: float) -> dict[str, Any]:
        """One row: the other tenant's latency under one attack, and memory."""
        rest, peak = rss_mb(self.pid), 0.0
        attack = None
        if name != NOTHING:
            attack = await self._child("attack_table", name, self.attacker, seconds + WARM + 1)
            await asyncio.sleep(WARM)
        victim = await self._child("victim", None, self.other, seconds)
        while victim.returncode is None:
            peak = max(peak, rss_mb(self.pid))
            await asyncio.sleep(0.02)
        assert victim.stdout is not None
        row: dict[str, Any] = json.loads(await victim.stdout.read())
        while attack is not None and attack.returncode is None:
            peak = max(peak, rss_mb(self.pid))
            await asyncio.sleep(0.02)
        told = ""
        if attack is not None and attack.stdout is not None:
            told = (await attack.stdout.read()).decode().strip()
        ended = time.monotonic()
        while (left := rss_mb(self.pid)) > rest + BACK_MB:
            if time.monotonic() - ended > BACK_WITHIN:
                break
            await asyncio.sleep(0.1)
        memory = {"rest_mb": rest, "peak_mb": peak - rest, "left_mb": left - rest}
        return {"attack": name, "told": told, **row, **memory, "back_s": time.monotonic() - ended}

    async def _child(
        self, what: str, name: str | None, key: str, seconds: float
    ) -> asyncio.subprocess.Process:
        command = module(f"bench.{what}", *([name] if name else []))
        command += ["--port", str(self.port), "--key", key, "--seconds", str(seconds)]
        # The attacker's own work must not keep the other tenant from measuring.
        patient = ["nice", "-n", "15"] if name else AHEAD
        return await asyncio.create_subprocess_exec(
            *patient, "taskset", "-c", "0", *command, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )


async def run(only: list[str], seconds: float, checkout: Path, quiet: bool) -> list[dict[str, Any]]:
    names = [NOTHING, *(only or ATTACKS), *([] if only else [NOTHING])]
    rows = []
    with ExitStack() as stack, Progress(console=Console(stderr=True), disable=quiet) as bar:
        house = House(stack, checkout)
        await house.start()
        await house.measure(NOTHING, 1.0)
        task = bar.add_task("attacking", total=len(names))
        for name in names:
            rows.append(await house.measure(name, seconds))
            bar.advance(task)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    table = Table(title="Another tenant under attack: ms; MB above rest")
    for column in ("attack", "health p50", "p99", "failed", "named p50", "p99", "failed",
                   "peak MB", "left MB", "back s", "attacker was told"):  # fmt: skip
        table.add_column(column, justify="left" if column == "attack" else "right")
    for row in rows:
        cells = [row["attack"]]
        for kind in ("health", "named"):
            one = row[kind]
            bad = one["p99_ms"] > MOST_MS
            cells += [f"{one['p50_ms']:.1f}", f"{'*' if bad else ''}{one['p99_ms']:.1f}"]
            cells.append(f"{one['failures']}/{one['n']}")
        bad = row["peak_mb"] > MOST_MB
        cells += [f"{'*' if bad else ''}{row['peak_mb']:.0f}", f"{row['left_mb']:.0f}"]
        cells += [f"{'*' if row['left_mb'] > BACK_MB else ''}{row['back_s']:.1f}", row["told"]]
        table.add_row(*cells)
    Console(width=150).print(table)
    sys.stdout.write(f"* beyond the bar: p99 {MOST_MS:.0f} ms, {MOST_MB:.0f} MB, back in 10 s\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Attacks, and what another tenant notices.")
    parser.add_argument("--only", action="append", default=[], choices=ATTACKS, help="repeat")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(run(args.only, args.seconds, args.checkout.resolve(), args.json))
    if args.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)
