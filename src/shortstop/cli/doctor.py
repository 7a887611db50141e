"""`shortstop doctor`: which models this machine can run, how fast, and what would help."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from shortstop import registry
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, print_json
from shortstop.config import ModelConfig, load
from shortstop.errors import ShortstopError
from shortstop.stores import Paths
from shortstop.traces.keyfile import describe_key

Quick = Annotated[bool, typer.Option("--quick", help="Skip the speed measurement.")]

SIMD = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd")
USABLE = 0.8
"""Share of the memory that a model may take."""
COMFORTABLE = 5.0
"""Tokens a second below which waiting for a model is no fun."""
PROMPT_WORDS = 180
"""Length of the prompt that measures prefill."""


class MachineSummary(Struct, frozen=True):
    """The machine as the system describes it. Memory and disk in bytes; `cores` are those that this
    process may use."""

    system: str
    processor: str
    cores: int
    cores_total: int
    ram: int
    ram_limit: int | None
    disk_free: int
    simd: tuple[str, ...]
    gpus: tuple[str, ...]

    @property
    def memory(self) -> int:
        """Bytes that this process may have at most."""
        return min(self.ram, self.ram_limit or self.ram)


class Speed(Struct, frozen=True):
    """Tokens a second of the installed default model, as measured now."""

    model: str
    threads: int
    prefill: float
    decode: float


class Fit(Struct, frozen=True):
    """One model of the catalogue on this machine: bytes it needs, and tokens a second, scaled from
    the measured model; None where nothing was measured."""

    name: str
    quantisation: str
    fits: bool
    needs: int
    prefill: float | None
    decode: float | None


def doctor_command(
    as_json: AsJson = False, quick: Quick = False, config: ConfigFile = None
) -> None:
    """Inspect memory, cores, SIMD and GPU; measure the small model; say which models fit."""
    loaded = load(config, os.environ)
    home = registry.home(loaded.data_dir, os.environ)
    key = describe_key(loaded.traces, os.environ, Paths.of(home, loaded).content_key)
    machine = inspect_machine(home)
    speed, problem = (None, "") if quick else _try_measuring(home)
    fits = fitting(machine, speed)
    advice = [*advise(machine, speed), *([problem] if problem else [])]
    if as_json:
        tree = {"machine": machine, "speed": speed, "models": fits, "advice": advice}
        print_json({**tree, "content_key": key})
        return
    _show(machine, speed, fits, [*advice, key], Terminal())


def inspect_machine(home: Path) -> MachineSummary:
    """Ask the system; what it does not report is left empty. `home` is the data folder."""
    flags = _cpuinfo("flags") or _cpuinfo("Features")
    affinity = getattr(os, "sched_getaffinity", None)
    return MachineSummary(
        system=f"{platform.system()} {platform.release()}",
        processor=_cpuinfo("model name") or platform.processor() or platform.machine(),
        cores=len(affinity(0)) if affinity else os.cpu_count() or 1,
        cores_total=os.cpu_count() or 1,
        ram=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        ram_limit=_cgroup_limit(),
        disk_free=shutil.disk_usage(home).free,
        simd=tuple(name for name in SIMD if name in flags.split()),
        gpus=_gpus(),
    )


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def _cgroup_limit() -> int | None:
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(limit) if limit.isdigit() else None


def _gpus() -> tuple[str, ...]:
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return ("Apple GPU (Metal)",)
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip())


# ---------------------------------------------------------------- measuring


def _try_measuring(home: Path) -> tuple[Speed | None, str]:
    try:
        return asyncio.run(measure(home)), ""
    except ShortstopError as error:
        return None, f"The speed could not be measured: {error}"


async def measure(home: Path) -> Speed | None:
    """Run the default model for a few seconds, by the engine's own timers. None: not installed.

    Raises ModelFileError or EngineDown when it cannot run.
    """
    from shortstop.dialects.openai.describe import PATH
    from shortstop.serving.engines.embedded import EmbeddedServer, EngineOptions
    from shortstop.serving.http import LocalClient

    record = registry.open(home).find("builtin")
    if record is None:
        return None
    options = EngineOptions.choose(ModelConfig(source="builtin"), record.gguf())
    server = EmbeddedServer(record.path, options)
    await server.start()
    client = LocalClient(f"{server.url}/v1", api_key=server.api_key)
    try:
        prompt = " ".join(f"{time.monotonic_ns() % 997 + i}" for i in range(PROMPT_WORDS))
        body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 64}
        reply = await client.post(PATH, msgspec.json.encode(body))
        timings = msgspec.json.decode(reply.body)["timings"]
    finally:
        await client.close()
        await server.stop()
    return Speed(
        record.name,
        options.threads,
        float(timings["prompt_per_second"]),
        float(timings["predicted_per_second"]),
    )


def fitting(machine: MachineSummary, speed: Speed | None) -> list[Fit]:
    """For every model of the catalogue: does it fit, and how fast would it be.

    Speed is taken to be inversely proportional to the bytes of the weights.
    """
    catalogue = registry.catalogue()
    measured = catalogue.get(speed.model) if speed else None
    fits = []
    for name, entry in catalogue.items():
        scale = measured.bytes / entry.bytes if measured else None
        fits.append(
            Fit(
                name,
                entry.quantisation,
                entry.ram_bytes <= machine.memory * USABLE,
                entry.ram_bytes,
                speed.prefill * scale if speed and scale else None,
                speed.decode * scale if speed and scale else None,
            )
        )
    return fits


def advise(machine: MachineSummary, speed: Speed | None) -> list[str]:
    """What would help, most useful first, one sentence or two each."""
    advice: list[str] = []
    fits = [f for f in fitting(machine, speed) if f.fits]
    good = [f for f in fits if f.decode is None or f.decode >= COMFORTABLE]
    if speed is None:
        advice.append("Fetch the default model with `shortstop pull`, then run this again.")
    if good:
        best = good[-1].name
        advice.append(f"Largest model that suits this machine: {best} (`shortstop pull {best}`).")
    if machine.gpus:
        advice.append(
            "There is a GPU, but the engine's wheel is a CPU build: run vLLM, Ollama or "
            "llama-server next to Shortstop and name it with `url` under [models.NAME]."
        )
    if any(name.startswith("avx512") for name in machine.simd):
        advice.append(
            "This processor has AVX-512, which the engine's wheel does not use: a native "
            "llama-server named with `url` will be faster."
        )
    if "avx2" not in machine.simd and "asimd" not in machine.simd:
        advice.append("No AVX2 or NEON: expect a fraction of the usual speed.")
    if machine.cores < machine.cores_total:
        advice.append(f"Only {machine.cores} of {machine.cores_total} cores may be used here.")
    return advice


def _show(
    machine: MachineSummary,
    speed: Speed | None,
    fits: list[Fit],
    advice: list[str],
    terminal: Terminal,
) -> None:
    about = Grid("This machine", header=False)
    about.row("system", machine.system)
    about.row("processor", f"{machine.processor}, {machine.cores} cores usable")
    about.row("memory", f"{machine.memory / 1e9:.1f} GB usable of {machine.ram / 1e9:.1f} GB")
    about.row("disk free", f"{machine.disk_free / 1e9:.0f} GB")
    about.row("SIMD", " ".join(machine.simd) or "none known")
    about.row("GPU", ", ".join(machine.gpus) or "none")
    if speed is not None:
        measured = f"{speed.prefill:.0f} tokens/s in, {speed.decode:.0f} tokens/s out"
        about.row(f"{speed.model}, {speed.threads} threads", measured)
    table = Grid("Models (speeds scaled by size from the measured one)")
    table.columns("name", "quantisation")
    numbers = ("memory", "fits", "in, tokens/s", "out, tokens/s")
    table.columns(*numbers, right=numbers)
    for f in fits:
        table.row(
            f.name,
            f.quantisation,
            f"{f.needs / 1e9:.1f} GB",
            ("yes", "green") if f.fits else ("no", "red"),
            _rate(f.prefill),
            _rate(f.decode),
        )
    terminal.table(about)
    terminal.table(table)
    for line in advice:
        terminal.line(f"- {line}")


def _rate(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"
