"""`shortstop privacy explain` and `shortstop privacy lint`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shortstop import config as configuration
from shortstop import dialects
from shortstop.app.bodies import body_format
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_document
from shortstop.config import PrivacyPolicy
from shortstop.errors import ConfigError, ShortstopError
from shortstop.evaluate.privacy.detection import chat_request
from shortstop.privacy import ephemeral_guard, labels, lint, policy
from shortstop.privacy.detect import rules
from shortstop.privacy.leaves import is_key, strings
from shortstop.privacy.policy import Policies
from shortstop.types import (
    Caller,
    Clearance,
    Finding,
    Json,
    Opaque,
    Request,
)

privacy_app = typer.Typer(help="See what privacy finds and does.", no_args_is_help=True)

What = Annotated[
    str, typer.Argument(help="A text, a request file (JSON), or - for standard input.")
]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose policy.")]
Task = Annotated[str | None, typer.Option("--task", help="The route that rules may name.")]


@privacy_app.command("explain")
def explain_command(
    what: What,
    config: ConfigFile = None,
    tenant: Tenant = "default",
    task: Task = None,
    as_json: AsJson = False,
) -> None:
    """Tier, labels, rules and what the policy does. Values are masked."""
    loaded = configuration.load(config, os.environ)
    rule_book = _policy(Policies(loaded.privacy), tenant)
    request = _request(what)
    guard = ephemeral_guard(loaded.privacy, body_format())
    verdict = guard.clear(request, Caller(tenant=tenant, task=task)).recorded()
    verdict = _masked(verdict, request)
    decided = policy.actions(rule_book, verdict.findings, task or "*")
    if as_json:
        explained = {**msgspec.to_builtins(verdict), "actions": decided}
        print_document(msgspec.json.encode(explained))
    else:
        _show(verdict, decided, Console())


def _policy(policies: Policies, tenant: str) -> PrivacyPolicy:
    try:
        return policies.of(tenant).acting
    except LookupError as error:
        raise ConfigError(
            f"The policy of tenant {tenant!r} does not exist.",
            hint="See `shortstop privacy lint`.",
        ) from error


def _show(verdict: Clearance, decided: Mapping[str, str], console: Console) -> None:
    console.print(f"tier [bold]{verdict.tier.name}[/], reach [bold]{verdict.reach.name.lower()}[/]")
    console.print(f"policy {verdict.policy}; {', '.join(verdict.reasons) or 'nothing found'}")
    if not verdict.findings:
        return
    table = Table("label", "tier", "rule", "where", "action")
    for f in verdict.findings:
        where = f"{f.path} [{f.start}:{f.end}] ({'*' * min(8, f.end - f.start)})"
        table.add_row(f.label, f.tier.name, f.rule, escape(where), decided[f.label])
    console.print(table)


@privacy_app.command("lint")
def lint_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every policy and every rule's own test vectors. Exit status 1 when something is wrong."""
    loaded = configuration.load(config, os.environ)
    problems = [*lint.problems(loaded.privacy), *rules.failures(rules.builtin())]
    if as_json:
        print_document(msgspec.json.encode({"problems": problems}))
    else:
        for line in problems:
            typer.echo(line)
        counts = f"{len(rules.builtin())} rules, {len(labels.every())} labels"
        typer.echo(f"{counts}, {len(problems)} problems")
    raise typer.Exit(1 if problems else 0)


def _request(what: str) -> Request:
    text = sys.stdin.read() if what == "-" else _read(what)
    try:
        body: Json = msgspec.json.decode(text, type=dict)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return chat_request(text, "explained")
    return _decoded(body)


def _read(what: str) -> str:
    """The content of the file of that name; the text itself where there is none."""
    try:
        return Path(what).read_text(encoding="utf-8") if Path(what).is_file() else what
    except (OSError, ValueError):
        return what


def _decoded(body: Json) -> Request:
    """In the first dialect that knows all of its parts. JSON that is no request at all is still
    read."""
    complete = {"model": "auto", **body}
    for dialect in dialects.every():
        try:
            request = dialect.decode_request(complete, "explained")
        except ShortstopError:
            continue
        if not any(isinstance(part, Opaque) for m in request.messages for part in m.parts):
            return msgspec.structs.replace(request, body=body)
    return Request("explained", "openai.chat", body, "auto", ())


def _masked(verdict: Clearance, request: Request) -> Clearance:
    """Without the object keys in which something was found: the paths of findings quote them."""
    if not verdict.findings:
        return verdict
    paths = {f.path for f in verdict.findings}
    texts = strings(request.body)
    keys = [texts[path] for path in paths if path in texts and is_key(path)]
    return msgspec.structs.replace(
        verdict, findings=tuple(_without(f, keys) for f in verdict.findings)
    )


def _without(finding: Finding, keys: Sequence[str]) -> Finding:
    path = finding.path
    for key in keys:
        path = path.replace(key, "*" * min(8, len(key)))
    return msgspec.structs.replace(finding, path=path)
