"""`shortstop privacy explain` and `shortstop privacy lint`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from shortstop import config as configuration
from shortstop import dialects
from shortstop.app.bodies import body_format
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, print_json, say
from shortstop.cli.reading import Reading, read_given
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
    Reach,
    Request,
)

privacy_app = typer.Typer(help="See what privacy finds and does.", no_args_is_help=True)

What = Annotated[
    str, typer.Argument(help="A text, a request file (JSON), or - for standard input.")
]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose policy.")]
AsText = Annotated[
    bool, typer.Option("--text", help="Read WHAT as a text, even if it looks like a file's name.")
]
Task = Annotated[str | None, typer.Option("--task", help="The route that rules may name.")]

MEANING = {
    Reach.ANYWHERE: "any model may see it",
    Reach.PSEUDONYMISED: "it may leave with invented values in place of the real ones",
    Reach.LOCAL_ONLY: "only models on this machine may see it",
    Reach.REFUSED: "no model is asked",
}


@privacy_app.command("explain")
def explain_command(
    what: What,
    config: ConfigFile = None,
    tenant: Tenant = "default",
    task: Task = None,
    as_text: AsText = False,
    as_json: AsJson = False,
) -> None:
    """Tier, labels, rules and what the policy does. Values are masked.

    What cannot be read as text (another encoding than UTF-8, UTF-16 or Latin-1, a PDF, an archive,
    a folder, a name of no file) is an error: exit status 2.
    """
    loaded = configuration.load(config, os.environ)
    rule_book = _policy(Policies(loaded.privacy), tenant)
    reading = read_given(what, as_text=as_text)
    request, remark = request_in(reading)
    guard = ephemeral_guard(loaded.privacy, body_format())
    guard.warm()  # as a gateway's that runs: the verdict is the one that a request would get
    verdict = guard.clear(request, Caller(tenant=tenant, task=task)).recorded()
    verdict = _masked(verdict, request)
    decided = policy.actions(rule_book, verdict.findings, task or "*")
    if as_json:
        explained = {**msgspec.to_builtins(verdict), "actions": decided}
        explained["read"] = {"from": reading.source, "encoding": reading.encoding, "note": remark}
        print_json(explained, indented=False)
    else:
        _show(verdict, decided, Terminal())
    if remark:
        say(f"Note: {remark}", err=True)


def _policy(policies: Policies, tenant: str) -> PrivacyPolicy:
    try:
        return policies.of(tenant).acting
    except LookupError as error:
        raise ConfigError(
            f"The policy of tenant {tenant!r} does not exist.",
            hint="See `shortstop privacy lint`.",
        ) from error


def _show(verdict: Clearance, decided: Mapping[str, str], terminal: Terminal) -> None:
    tier, reach = (verdict.tier.name, "bold"), (verdict.reach.name.lower(), "bold")
    terminal.line("tier ", tier, ", reach ", reach, f": {MEANING[verdict.reach]}")
    terminal.line(f"policy {verdict.policy}; {', '.join(verdict.reasons) or 'nothing found'}")
    if not verdict.findings:
        return
    table = Grid()
    table.columns("label", "tier", "rule", "where", "action")
    for f in verdict.findings:
        where = f"{f.path} [{f.start}:{f.end}] ({'*' * min(8, f.end - f.start)})"
        table.row(f.label, f.tier.name, f.rule, where, decided[f.label])
    terminal.table(table)


@privacy_app.command("lint")
def lint_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every policy and every rule's own test vectors. Exit status 1 when something is wrong."""
    loaded = configuration.load(config, os.environ)
    problems = [*lint.problems(loaded.privacy), *rules.failures(rules.builtin())]
    if as_json:
        print_json({"problems": problems}, indented=False)
    else:
        for line in problems:
            say(line)
        counts = f"{len(rules.builtin())} rules, {len(labels.every())} labels"
        say(f"{counts}, {len(problems)} problems")
    raise typer.Exit(1 if problems else 0)


def request_in(reading: Reading) -> tuple[Request, str]:
    """What was read as a request, and what the user should know of how it was read."""
    text, remark = reading.text, reading.note
    try:
        body: Json = msgspec.json.decode(text, type=dict)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeEncodeError) as e:
        if text.lstrip().startswith("{"):
            remark = f"{remark} It is no JSON object ({e}): it was read as one text.".lstrip()
        return chat_request(text, "explained"), remark
    return _decoded(body), remark


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
