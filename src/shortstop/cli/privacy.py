"""`shortstop privacy explain` and `shortstop privacy lint`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from shortstop import config as configuration
from shortstop.app.street import rebuild
from shortstop.privacy import Sentinel, examine, policy, rules
from shortstop.types import Caller, Finding, Json, Request

privacy_app = typer.Typer(help="See what privacy finds and does.", no_args_is_help=True)

What = Annotated[
    str, typer.Argument(help="A text, a request file (JSON), or - for standard input.")
]
File = Annotated[Path | None, typer.Option("--config", "-c", help="The shortstop.toml to use.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose policy.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON, for machines.")]


@privacy_app.command("explain")
def explain_command(
    what: What, config: File = None, tenant: Tenant = "default", as_json: AsJson = False
) -> None:
    """Tier, labels, rules and what the policy does. Values are masked."""
    loaded = configuration.load(config, os.environ)
    guard = Sentinel(loaded.privacy, rebuild)
    request = _request(what)
    verdict = guard.clear(request, Caller(tenant=tenant))
    if as_json:
        typer.echo(msgspec.json.encode(verdict).decode())
        return
    console = Console()
    console.print(f"tier [bold]{verdict.tier.name}[/], reach [bold]{verdict.reach.name.lower()}[/]")
    console.print(f"policy {verdict.policy}; {', '.join(verdict.reasons) or 'nothing found'}")
    if not verdict.findings:
        return
    _, rule_book = policy.chosen(loaded.privacy, tenant)
    decided = policy.actions(rule_book, verdict.findings)
    table = Table("label", "tier", "rule", "where", "action")
    for finding in verdict.findings:
        where = f"{finding.path} {_masked(finding)}"
        table.add_row(finding.label, finding.tier.name, finding.rule, where, decided[finding.label])
    console.print(table)


@privacy_app.command("lint")
def lint_command(config: File = None, as_json: AsJson = False) -> None:
    """Every policy and every rule's own test vectors. Exit status 1 when something is wrong."""
    loaded = configuration.load(config, os.environ)
    wrong = [*policy.lint(loaded.privacy), *rules.failures(rules.builtin())]
    if as_json:
        typer.echo(msgspec.json.encode({"problems": wrong}).decode())
    else:
        for line in wrong:
            typer.echo(line)
        typer.echo(
            f"{len(rules.builtin())} rules, {len(policy.labels())} labels, {len(wrong)} problems"
        )
    raise typer.Exit(1 if wrong else 0)


def _request(what: str) -> Request:
    text = sys.stdin.read() if what == "-" else what
    if what != "-" and len(what) < 4096 and Path(what).is_file():
        text = Path(what).read_text(encoding="utf-8")
    try:
        body: Json = msgspec.json.decode(text, type=dict)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return examine.request(text)
    return rebuild(msgspec.structs.replace(examine.request(""), body=body), body)


def _masked(finding: Finding) -> str:
    return f"[{finding.start}:{finding.end}] ({'*' * min(8, finding.end - finding.start)})"
