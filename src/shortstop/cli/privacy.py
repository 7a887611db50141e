"""`shortstop privacy explain` and `shortstop privacy lint`; `shortstop bench privacy`."""

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
Data = Annotated[
    Path | None, typer.Option("--data", help="JSON lines with the columns of gateway_dev.jsonl.")
]
OPEN_DATA = Path("../shared/data/privacy")


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


def bench_command(data: Data = None, as_json: AsJson = False) -> None:
    """Recall by class, false pins and times, with 95% intervals."""
    reports = _reports(data)
    if as_json:
        typer.echo(msgspec.json.encode(reports).decode())
        return
    console = Console()
    for report in reports:
        table = Table("figure", "n", "hits", "share", "95% interval", title=report.part)
        for f in report.figures:
            interval = f"{f.low:.2%} - {f.high:.2%}"
            table.add_row(f.name, str(f.n), str(f.hits), f"{f.share:.2%}", interval)
        console.print(table)
        for t in report.timings:
            console.print(f"  {t.name}: p50 {t.p50:.3f} ms, p99 {t.p99:.3f} ms (n {t.n})")


def _reports(data: Path | None) -> list[examine.Report]:
    if data is not None:
        return [examine.gateway(examine.rows(data), data.name)]
    if not OPEN_DATA.is_dir():
        raise typer.BadParameter(f"{OPEN_DATA} is absent: give --data FILE.")
    gateway = list(examine.rows(OPEN_DATA / "gateway_dev.jsonl"))
    clinc = list(examine.rows(OPEN_DATA / "ordinary_clinc.jsonl"))
    unseen = [r for r in gateway if examine.held_back(r["id"])]
    return [
        examine.gateway(unseen, "gateway_dev, held-back half"),
        examine.ordinary(clinc, "ordinary_clinc"),
    ]


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
