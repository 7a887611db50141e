"""Coding agents through the gateway: each repairs a small repository whose test fails.

    python -m bench.compat.agents        (part of `make compat`)

The agent is the vendor's own program, in a home of its own and with its own telemetry off; the
frontier is scripted (`vendor.py`) and decides from the transcript it gets. The agent must end well,
the file must be repaired, every request must have its row, and nothing may have been rewritten.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server.conftest import Gateway
from tests.server.scripted import ScriptedModel

from bench.compat.vendor import KEY, Call, Script, ScriptedVendor

WORK = Path(__file__).parent.parent.parent / "var" / "compat"
CLAUDE, GPT = "claude-opus-5-5", "gpt-5.5"
CONFIG = """
[server]
port = 0
[models.small]
url = "{local}"
[upstreams.anthropic]
base_url = "{vendor}"
dialect = "anthropic"
api_key_env = "SCRIPTED_KEY"
[upstreams.anthropic.models."claude-opus-5-5"]
context = 200000
[upstreams.openai]
base_url = "{vendor}/v1"
api_key_env = "SCRIPTED_KEY"
[upstreams.openai.models."gpt-5.5"]
context = 400000
"""
CODEX = """
model_provider = "gateway"
[model_providers.gateway]
name = "gateway"
base_url = "{url}/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"
[analytics]
enabled = false
"""
ASKED = "The test fails. Mend add.py so that it passes."
BROKEN, MENDED = "    return a - b\n", "    return a + b\n"
FILES = {
    "add.py": f"def add(a, b):\n{BROKEN}",
    "test_add.py": "import unittest\n\nfrom add import add\n\n\n"
    "class Adds(unittest.TestCase):\n    def test_adds(self):\n"
    "        self.assertEqual(add(2, 2), 4)\n",
}
TEST = "python3 -m unittest -q test_add"
DONE = "Mended: the test passes."
PATIENCE = 120

Row = dict[str, Any]


# ---------------------------------------------------------------- what the frontier does


def mending(read: Call, edit: Callable[[str], Call], test: Call) -> Script:
    """Read the file, change the line that it holds, run the test, and report the outcome."""

    def script(results: list[str]) -> Call | str:
        if not results:
            return read
        if len(results) == 1:
            line = re.search(r"return a . b", results[0])
            return edit(line.group()) if line else "There is no sum in that file."
        if len(results) == 2:
            return test
        return DONE if "OK" in results[2] else "The test still fails."

    return script


def claude_script(folder: Path) -> Script:
    path = str(folder / "add.py")
    return mending(
        Call("Read", {"file_path": path}),
        lambda line: Call(
            "Edit",
            {
                "file_path": path,
                "old_string": line,
                "new_string": "return a + b",
                "replace_all": False,
            },
        ),
        Call("Bash", {"command": f"{TEST} 2>&1", "description": "Run the test"}),
    )


def _shell(command: str) -> Call:
    return Call("exec_command", {"cmd": command})


def codex_script(folder: Path) -> Script:
    """With the tool for patches, whose input is no JSON."""
    return mending(
        _shell("cat add.py"),
        lambda line: Call(
            "apply_patch",
            f"*** Begin Patch\n*** Update File: add.py\n@@\n-    {line}\n+    return a + b\n"
            "*** End Patch\n",
        ),
        _shell(f"{TEST} 2>&1"),
    )


def codex_shell_script(folder: Path) -> Script:
    return mending(
        _shell("cat add.py"),
        lambda line: _shell(f"sed -i 's/{line}/return a + b/' add.py && git diff"),
        _shell(f"{TEST} 2>&1"),
    )


# ---------------------------------------------------------------- the agents


@dataclass(frozen=True)
class Agent:
    """`command` and `settings` take the gateway's address, the home and the model."""

    name: str
    program: str
    command: Callable[[str], list[str]]
    settings: Callable[[str, Path, str], Mapping[str, str]]


def _claude_settings(url: str, home: Path, model: str) -> Mapping[str, str]:
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "unused",
        "ANTHROPIC_MODEL": model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
        "IS_SANDBOX": "1",
    }


def _codex_settings(url: str, home: Path, model: str) -> Mapping[str, str]:
    (home / "config.toml").write_text(CODEX.format(url=url))
    return {"CODEX_HOME": str(home), "GATEWAY_KEY": "unused"}


CLAUDE_CODE = Agent(
    "@anthropic-ai/claude-code",
    "claude",
    lambda model: ["-p", ASKED, "--output-format", "json", "--dangerously-skip-permissions"],
    _claude_settings,
)
CODEX_CLI = Agent(
    "@openai/codex",
    "codex",
    lambda model: ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox",
                   "--json", "-m", model, ASKED],
    _codex_settings,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`targets` may answer; `same`: the vendor speaks the agent's dialect, so that every byte of
    the agent's requests must reach it."""

    name: str
    agent: Agent
    model: str
    script: Callable[[Path], Script]
    targets: frozenset[str]
    same: bool = False


CASES = (
    Case("mends a file; Anthropic", CLAUDE_CODE, CLAUDE, claude_script, frozenset([CLAUDE]), True),
    Case("mends a file; OpenAI", CLAUDE_CODE, GPT, claude_script, frozenset([GPT])),
    Case("mends a file; auto", CLAUDE_CODE, "auto", claude_script, frozenset([CLAUDE, GPT])),
    Case("mends a file; OpenAI", CODEX_CLI, GPT, codex_script, frozenset([GPT])),
    Case("mends a file; Anthropic", CODEX_CLI, CLAUDE, codex_shell_script, frozenset([CLAUDE])),
    Case("mends a file; auto", CODEX_CLI, "auto", codex_shell_script, frozenset([CLAUDE, GPT])),
)


# ---------------------------------------------------------------- trying one


class Tap:
    """Between an agent and the gateway: passes every byte on and keeps what the agent sent."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._sent: list[bytearray] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    @property
    def bodies(self) -> list[bytes]:
        """Of every POST."""
        return [body for sent in self._sent for body in _bodies(bytes(sent))]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = bytearray()
        self._sent.append(sent)
        there, back = await asyncio.open_connection(*self._to)
        await asyncio.gather(_pass(reader, back, sent), _pass(there, writer, bytearray()))


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    try:
        while data := await reader.read(65536):
            kept += data
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def _bodies(sent: bytes) -> list[bytes]:
    bodies = []
    while sent:
        head, _, sent = sent.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length.group(1)) if length else 0
        if head.startswith(b"POST "):
            bodies.append(sent[:size])
        sent = sent[size:]
    return bodies


@dataclass(frozen=True)
class Ended:
    code: int
    output: str


async def run(agent: Agent, url: str, model: str, folder: Path, home: Path) -> Ended:
    settings = agent.settings(url, home, model)
    child = await asyncio.create_subprocess_exec(
        str(WORK / "node_modules" / ".bin" / agent.program),
        *agent.command(model),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(child.communicate(), PATIENCE)
    except TimeoutError:
        child.kill()
        await child.wait()
        return Ended(-1, f"did not end within {PATIENCE} seconds")
    return Ended(child.returncode or 0, out.decode(errors="replace"))


def repository(folder: Path) -> None:
    """A clean work tree with one commit."""
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    who = ["-c", "user.name=compat", "-c", "user.email=compat@example.org"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "A sum"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def faults(
    case: Case,
    ended: Ended,
    folder: Path,
    vendor: ScriptedVendor,
    tap: Tap,
    rows: list[tuple[str, str]],
) -> list[str]:
    """What went wrong, one phrase each."""
    wrong = list(vendor.faults)
    if ended.code or DONE not in ended.output:
        messages = re.findall(r'"(?:result|message)": ?"((?:[^"\\]|\\.)*)"', ended.output)
        wrong.append(f"exit {ended.code}: {messages[-1] if messages else ended.output[-120:]}")
    if (folder / "add.py").read_text() != FILES["add.py"].replace(BROKEN, MENDED):
        wrong.append("add.py is not repaired")
    if len(rows) != len(tap.bodies):
        wrong.append(f"{len(tap.bodies)} requests, {len(rows)} rows")
    wrong += sorted({f"row {r}" for r in rows if r[0] != "ok" or r[1] not in case.targets})
    if case.same and tap.bodies != vendor.received:
        wrong.append("the vendor did not get the agent's bytes")
    return wrong


async def tried(case: Case, gateway: Gateway, vendor: ScriptedVendor) -> Row:
    package = WORK / "node_modules" / case.agent.name / "package.json"
    row = {"client": f"{case.agent.name} (npm)", "case": case.name,
           "version": json.loads(package.read_text())["version"]}  # fmt: skip
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    tap, before = Tap(host, int(port)), len(gateway.rows())
    with tempfile.TemporaryDirectory() as where:
        folder, home = Path(where) / "sum", Path(where) / "home"
        home.mkdir()
        repository(folder)
        vendor.begin(case.script(folder))
        async with tap.running() as url:
            ended = await run(case.agent, url, case.model, folder, home)
        rows = (await _rows(gateway, before + len(tap.bodies)))[before:]
        wrong = faults(case, ended, folder, vendor, tap, rows)
    note = f"{len(tap.bodies)} requests" + (", byte for byte" if case.same else "")
    return {**row, "ok": not wrong, "note": "; ".join(wrong) or note}


async def _rows(gateway: Gateway, count: int) -> list[tuple[str, str]]:
    """The rows are written in batches, a moment after the answer."""
    for _ in range(100):
        if len(rows := gateway.rows()) >= count:
            break
        await asyncio.sleep(0.05)
    return rows


async def main() -> list[Row]:
    if not shutil.which("node"):
        return []
    os.environ["SCRIPTED_KEY"] = KEY
    vendor = ScriptedVendor()
    with tempfile.TemporaryDirectory() as home:
        async with vendor.running(), ScriptedModel("small").running() as local:
            gateway = Gateway(Path(home), local, local)
            config = CONFIG.format(local=local.url, vendor=vendor.url)
            gateway.config_file.write_text(config)
            await gateway.start()
            try:
                return [await tried(case, gateway, vendor) for case in CASES]
            finally:
                await gateway.stop()


if __name__ == "__main__":
    outcome = asyncio.run(main())
    for case_row in outcome:
        sys.stdout.write(json.dumps(case_row) + "\n")
    raise SystemExit(0 if all(case_row["ok"] for case_row in outcome) else 1)
