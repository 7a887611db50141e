"""`shortstop audit verify` and `shortstop audit export`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from shortstop import __version__
from shortstop import config as configuration
from shortstop.cli.options import ConfigFile
from shortstop.config import Config
from shortstop.errors import ConfigError
from shortstop.privacy import audit
from shortstop.privacy.guard import audit_key

audit_app = typer.Typer(help="The tamper-evident log of privacy decisions.", no_args_is_help=True)

Log = Annotated[Path | None, typer.Option("--log", help="The log; by default [privacy] audit.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="Where to write; by default to the screen.")
]


@audit_app.command("verify")
def verify_command(config: ConfigFile = None, log: Log = None) -> None:
    """Find the first altered, dropped or reordered record. Exit status 1 when there is one."""
    path, key, _ = _given(config, log)
    found = audit.verify(path, key)
    if found is None:
        typer.echo(f"{path}: {sum(1 for _ in audit.records(path))} records, intact")
        return
    typer.echo(f"{path}: record {found.n}: {found.what}")
    raise typer.Exit(1)


@audit_app.command("export")
def export_command(config: ConfigFile = None, log: Log = None, out: Out = None) -> None:
    """The evidence bundle as JSON: decisions, policy versions, providers, retention."""
    path, key, loaded = _given(config, log)
    facts = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_by": f"shortstop {__version__}",
        "providers": [
            {"name": n, "region": u.region, "baa": u.baa} for n, u in loaded.upstreams.items()
        ],
        "retention_days": loaded.traces.retention_days,
        "warnings": configuration.warnings(loaded),
        "policy_texts": loaded.privacy.policies,
        "policy_of_tenants": loaded.privacy.tenants,
        "airgap": loaded.privacy.airgap,
    }
    bundle = msgspec.json.format(msgspec.json.encode(audit.export(path, key, facts)))
    if out is None:
        typer.echo(bundle.decode())
    else:
        out.write_bytes(bundle)


def _given(config: Path | None, log: Path | None) -> tuple[Path, bytes, Config]:
    loaded = configuration.load(config, os.environ)
    key = audit_key(loaded.privacy, os.environ)
    where = log or (Path(loaded.privacy.audit) if loaded.privacy.audit else None)
    if where is None or not audit.files(where):
        raise ConfigError("There is no audit log.", hint="Set `audit` under [privacy], or --log.")
    return where, key, loaded
