"""Try real clients against a real gateway and write the matrix into docs/compatibility.md.

    make compat                (or: python -m bench.compat [--json])

The gateway is a real process; behind it a scripted model stands for the frontier. Clients live in
var/compat, outside the product's dependencies, at the versions that this folder pins.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.server.conftest import running_gateway
from tests.server.fuzzing import cases_in, fuzz

from bench.compat import agents, generated
from bench.processes import ROOT, free_port, listening, module, running

HERE = Path(__file__).parent
WORK = ROOT / "var" / "compat"
DOC = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- matrix: written by `make compat` -->", "<!-- end of the matrix -->"
PYTHON_CLIENTS = (
    "openai",
    "anthropic",
    "langchain-openai",
    "langchain-anthropic",
    "pydantic-ai-slim",
    "instructor",
    "llm",
)
NODE_CLIENTS = ("openai", "@ai-sdk/openai-compatible", "@ai-sdk/anthropic")
PATIENCE = 180
FUZZ_SEEDS = (1, 2, 3)
FUZZ_EXAMPLES = 150

Row = dict[str, Any]


def install() -> None:
    """Make all environments, once. Raises SystemExit with the reason when that fails."""
    WORK.mkdir(parents=True, exist_ok=True)
    for folder, wanted in (("v", "requirements.txt"), ("g", "generators.txt")):
        done = WORK / folder / ".installed"
        if not done.exists():
            _run(sys.executable, "-m", "venv", folder)
            _run(f"{folder}/bin/python", "-m", "pip", "install", "-q", "-r", str(HERE / wanted))
            done.touch()
    packages, installed = (HERE / "package.json").read_text(), WORK / "package.json"
    if shutil.which("npm") and not (installed.exists() and installed.read_text() == packages):
        installed.write_text(packages)
        try:
            _run("npm", "install", "--no-audit", "--no-fund")
        except SystemExit:
            installed.unlink()
            raise


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=WORK, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise SystemExit(f"{' '.join(command[:3])} failed: {lines[-1] if lines else '?'}")


async def tried(url: str) -> list[Row]:
    rows: list[Row] = []
    for name in PYTHON_CLIENTS:
        command = ["v/bin/python", str(HERE / "clients.py"), url, name]
        rows += await asyncio.to_thread(_cases, f"{name} (Python)", command)
    if shutil.which("node"):
        for name in NODE_CLIENTS:
            command = ["node", str(HERE / "clients.mjs"), url, name]
            rows += await asyncio.to_thread(_cases, f"{name} (npm)", command)
    return rows


async def canary() -> list[Row]:
    """compatcanary asks for tools and JSON in its own words: it gets the real embedded model."""
    if not shutil.which("node"):
        return []
    port = free_port()
    command, log = module("shortstop", "serve", "--port", str(port)), WORK / "log.txt"
    (WORK / "shortstop.toml").write_text('[models.small]\nsource = "builtin"\n[upstreams]\n')
    with running(command, log, core=0, cwd=WORK) as gateway:
        await listening(port, gateway, log)
        return await asyncio.to_thread(_canary, f"http://127.0.0.1:{port}")


def _cases(client: str, command: list[str]) -> list[Row]:
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=WORK, timeout=PATIENCE, check=False
    )
    rows = [
        {"client": client, **json.loads(line)}
        for line in done.stdout.splitlines()
        if line.startswith("{")
    ]
    if not rows:
        reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        rows = [{"client": client, "case": "start", "ok": False, "note": reason[:200]}]
    return rows


def _canary(url: str) -> list[Row]:
    """compatcanary's own seven probes."""
    package = WORK / "node_modules" / "compatcanary"
    about = json.loads((package / "package.json").read_text())
    program = str(package / next(iter(about["bin"].values())))
    command = ["node", program, "scan", "--base-url", f"{url}/v1", "--model", "local"]
    done = subprocess.run(
        [*command, "--api-key", "unused", "--format", "json", "--fail-on", "never"],
        capture_output=True,
        text=True,
        cwd=WORK,
        timeout=PATIENCE,
        check=False,
    )
    row = {"client": "compatcanary (npm)", "version": about["version"]}
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return [{**row, "case": "scan", "ok": False, "note": done.stderr[-200:]}]
    return [
        {**row, "case": str(p.get("id") or p.get("name")), "ok": p.get("status") == "pass",
         "note": str(p.get("message") or p.get("summary") or "")[:200]}
        for p in report.get("probes") or report.get("results") or report.get("checks") or []
    ]  # fmt: skip


# ---------------------------------------------------------------- showing


def matrix(rows: list[Row]) -> str:
    lines = ["| client | version | case | | note |", "|---|---|---|---|---|"]
    for row in rows:
        mark = "pass" if row["ok"] else "**fail**"
        note = str(row.get("note", "")).replace("|", "/").replace("\n", " ")
        lines.append(
            f"| {row['client']} | {row.get('version', '?')} | {row['case']} | {mark} | {note} |"
        )
    passed = sum(row["ok"] for row in rows)
    day = time.strftime("%Y-%m-%d")
    return "\n".join([f"{passed} of {len(rows)} cases pass ({day}).", "", *lines])


def write(rows: list[Row]) -> None:
    text = DOC.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    DOC.write_text(f"{before}{BEGIN}\n{matrix(rows)}\n{END}{after}", encoding="utf-8")


def show(rows: list[Row]) -> Iterator[Table]:
    table = Table(title="Real clients")
    for column in ("client", "version", "case", "", "note"):
        table.add_column(column, overflow="fold")
    for row in rows:
        mark = "[green]pass[/]" if row["ok"] else "[red]fail[/]"
        table.add_row(
            row["client"], row.get("version", "?"), row["case"], mark, row.get("note", "")
        )
    yield table


async def main() -> list[Row]:
    install()
    with tempfile.TemporaryDirectory() as home:
        async with running_gateway(Path(home)) as gateway:
            rows = [*await tried(gateway.url), *await canary()]
            rows += await asyncio.to_thread(generated.tried, gateway.url, WORK)
    with tempfile.TemporaryDirectory() as home:
        async with running_gateway(Path(home), server='auth = "off"') as gateway:
            return [*rows, *await fuzzed(gateway.url), *await agents.main()]


async def fuzzed(url: str) -> list[Row]:
    """schemathesis with the gateway's own OpenAPI document, from several seeds."""
    row = {"client": "schemathesis", "version": version("schemathesis")}
    rows: list[Row] = []
    for seed in FUZZ_SEEDS:
        passed, log = await fuzz(url, FUZZ_EXAMPLES, seed)
        note = f"{cases_in(log)} cases"
        rows.append({**row, "case": f"seed {seed}", "ok": passed, "note": note})
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Real clients against a real gateway.")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows_ = asyncio.run(main())
    write(rows_)
    if args.json:
        sys.stdout.write(json.dumps(rows_) + "\n")
    else:
        for table_ in show(rows_):
            Console().print(table_)
    raise SystemExit(0 if all(row["ok"] for row in rows_) else 1)
