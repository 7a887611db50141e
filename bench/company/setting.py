"""The company's gateway: configuration, keys, and the two processes that run all the time."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.company.apps import App
from bench.processes import ROOT, free_port, listening, module, running
from shortstop import registry

FRONTIER, MINI = "claude-opus-5-5", "claude-haiku-5-5"
"""Rows of the price sheet: what the company buys today, and the mini model beside it."""
JUDGE = "claude-sonnet-5-5"
"""Who judges where a specialist and the frontier differ."""
LOCAL = "small"
TENANT = "company"
ENV = {"RECORDED_FRONTIER_KEY": "recorded-frontier-key"}

CONFIG = """
data_dir = "{home}"

[server]
port = {port}

[models.{local}]
source = "builtin"
threads = 1

[upstreams.vendor]
base_url = "http://127.0.0.1:{frontier}{path}"
dialect = "{dialect}"
api_key_env = "RECORDED_FRONTIER_KEY"
teacher = true
[upstreams.vendor.models."{model}"]
price = "{model}"

[upstreams.other]
base_url = "http://127.0.0.1:{frontier}{path}"
dialect = "{dialect}"
api_key_env = "RECORDED_FRONTIER_KEY"
[upstreams.other.models."{judge}"]
price = "{judge}"

[judge]
target = "{judge}"
rate = 0.0
[learning]
usd = {usd}

[routing]
frontier = "{model}"
landmarks = 512

[privacy]
# The clients, the frontier and the workshop share this machine's cores with the gateway.
timeout = 10

[privacy.policies.default]
# Documents of vendors show addresses and telephone numbers of companies, which are public.
rules = [{rules}]
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where everything of one run lies."""

    work: Path
    port: int
    frontier: int

    @property
    def home(self) -> Path:
        return self.work / "home"

    @property
    def config(self) -> Path:
        return self.work / "shortstop.toml"

    @property
    def records(self) -> Path:
        return self.work / "records.jsonl"

    @property
    def calls(self) -> Path:
        return self.work / "calls.jsonl"

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def prepared(work: Path, apps: Sequence[App], dialect: str, usd: float = 1.0) -> Setting:
    """A new folder with the configuration; `usd` is what a night's judge may cost. Models and
    encoders are the installation's own."""
    setting = Setting(work, free_port(), free_port())
    setting.home.mkdir(parents=True)
    installed = registry.home(None, os.environ)
    for name in ("models", "encoders"):
        if (installed / name).is_dir():
            (setting.home / name).symlink_to(installed / name)
    documents = [app.task for app in apps if app.kind == "extract" and app.task]
    rules = ", ".join(f'{{ tier = "S2", action = "allow", route = "{t}" }}' for t in documents)
    text = CONFIG.format(
        home=setting.home,
        port=setting.port,
        frontier=setting.frontier,
        path="" if dialect == "anthropic" else "/v1",
        local=LOCAL,
        model=FRONTIER,
        judge=JUDGE,
        usd=usd,
        dialect=dialect,
        rules=rules,
    )
    setting.config.write_text(text, encoding="utf-8")
    setting.records.touch()
    setting.calls.touch()
    return setting


def shortstop(
    setting: Setting, *command: str, env: Mapping[str, str] | None = None
) -> tuple[int, Any, str]:
    """Exit status, JSON of stdout (None where it is none) and stderr of a command."""
    done = subprocess.run(
        [*module("shortstop", *command), "--config", str(setting.config), "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **ENV, **(env or {})},
    )
    try:
        return done.returncode, json.loads(done.stdout), done.stderr
    except ValueError:
        return done.returncode, None, done.stderr


def key(setting: Setting, name: str, role: str) -> str:
    """The secret of a new key of the company. Raises SystemExit."""
    command = ("keys", "create", name, "--tenant", TENANT, "--role", role)
    status, made, error = shortstop(setting, *command)
    if status or made is None:
        raise SystemExit(f"No key could be made: {error.strip()}")
    return str(made["secret"])


@asynccontextmanager
async def open_for_business(setting: Setting, scale: float) -> AsyncIterator[int]:
    """The frontier and the gateway, until the block ends; gives the gateway's process id."""
    far_log, near_log = setting.work / "frontier.log", setting.work / "gateway.log"
    far = module(
        "bench.company.frontier", "--records", str(setting.records), "--calls",
        str(setting.calls), "--port", str(setting.frontier), "--scale", str(scale),
    )  # fmt: skip
    near = module("shortstop", "serve", "--config", str(setting.config))
    with running(far, far_log) as frontier, running(near, near_log, env=ENV) as gateway:
        await listening(setting.frontier, frontier, far_log)
        await listening(setting.port, gateway, near_log)
        yield gateway.pid
