"""The commands by name. Each is imported when it is called for: no command waits for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: Mapping[str, str] = {
    "init": "init.init_command",
    "demo": "demo.demo_command",
    "serve": "serve.serve_command",
    "reload": "reload.reload_command",
    "doctor": "doctor.doctor_command",
    "models": "models.models_command",
    "pull": "models.pull_command",
    "engine": "engine.engine_app",
    "report": "report.report_command",
    "backtest": "backtest.backtest_command",
    "breakeven": "breakeven.breakeven_command",
    "replay": "replay.replay_command",
    "routing": "routing.routing_app",
    "contract": "contract.contract_command",
    "backup": "backup.backup_command",
    "store": "store.store_app",
    "export": "export.export_command",
    "traces": "traces.traces_app",
    "tasks": "tasks.tasks_app",
    "learn": "learn.learn_command",
    "specialists": "specialists.specialists_app",
    "login": "login.login_command",
    "logout": "login.logout_command",
    "whoami": "login.whoami_command",
    "keys": "keys.keys_app",
    "teams": "teams.teams_app",
    "batch": "batch.batch_app",
    "config": "config.config_app",
    "privacy": "privacy.privacy_app",
    "alerts": "alerts.alerts_app",
    "audit": "audit.audit_app",
    "bench": "bench.bench_app",
}
"""In the order of `--help`: where in this package a command, or a group of commands, is."""


class Commands(Mapping[str, TyperCommand | TyperGroup]):
    """What `COMMANDS` names."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        return _loaded(name, COMMANDS[name])

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
def _loaded(name: str, place: str) -> TyperCommand | TyperGroup:
    module, _, attribute = place.rpartition(".")
    found = getattr(import_module(f"shortstop.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        group = typer.main.get_group(found)
        group.name = name
        return group
    alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
    alone.command(name)(found)
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return command
