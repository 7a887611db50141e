"""The commands by name. Each is imported when it is called for: no command waits for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

PANELS: Mapping[str, Mapping[str, str]] = {
    "Begin": {
        "init": "init.init_command",
        "serve": "serve.serve_command",
        "demo": "demo.demo_command",
        "doctor": "doctor.doctor_command",
        "config": "config.config_app",
    },
    "Local models": {
        "models": "models.models_command",
        "pull": "models.pull_command",
        "engine": "engine.engine_app",
    },
    "Before you adopt it: your own log": {
        "backtest": "backtest.backtest_command",
        "replay": "replay.replay_command",
        "breakeven": "breakeven.breakeven_command",
    },
    "What happened, and why": {
        "report": "report.report_command",
        "tasks": "tasks.tasks_app",
        "traces": "traces.traces_app",
        "routing": "routing.routing_app",
        "contract": "contract.contract_command",
        "privacy": "privacy.privacy_app",
        "audit": "audit.audit_app",
    },
    "Learning": {
        "learn": "learn.learn_command",
        "specialists": "specialists.specialists_app",
    },
    "Keys and people": {
        "keys": "keys.keys_app",
        "teams": "teams.teams_app",
        "login": "login.login_command",
        "logout": "login.logout_command",
        "whoami": "login.whoami_command",
    },
    "Operating": {
        "reload": "reload.reload_command",
        "backup": "backup.backup_command",
        "export": "export.export_command",
        "batch": "batch.batch_app",
        "store": "store.store_app",
        "alerts": "alerts.alerts_app",
        "bench": "bench.bench_app",
    },
}
"""In the order of `--help`, under its headings: where in this package a command, or a group of
commands, is."""

COMMANDS: Mapping[str, tuple[str, str]] = {
    name: (place, panel) for panel, places in PANELS.items() for name, place in places.items()
}
"""Where a command is, and its heading."""


class Commands(Mapping[str, TyperCommand | TyperGroup]):
    """What `COMMANDS` names."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        return _loaded(name, *COMMANDS[name])

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class LazyGroup(TyperGroup):
    """The group at the top."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands()  # type: ignore[assignment]  # nobody adds to it


@cache
def _loaded(name: str, place: str, panel: str) -> TyperCommand | TyperGroup:
    module, _, attribute = place.rpartition(".")
    found = getattr(import_module(f"shortstop.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        group = typer.main.get_group(found)
        group.name, group.rich_help_panel = name, panel
        return group
    alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
    alone.command(name, rich_help_panel=panel)(found)
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return command
