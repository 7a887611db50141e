"""`shortstop audit verify` and `shortstop audit export`: of the operator's log or, without one, of
the log of changes in the data folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from shortstop import __version__
from shortstop import config as configuration
from shortstop.app.acts import changes_key
from shortstop.app.places import data_paths
from shortstop.cli.options import ConfigFile
from shortstop.cli.output import print_json, say, write_page
from shortstop.config import Config
from shortstop.errors import ConfigError
from shortstop.privacy import audit
from shortstop.privacy.keys import audit_key

audit_app = typer.Typer(
    help="The tamper-evident log of privacy decisions and administrative acts.",
    no_args_is_help=True,
)

Log = Annotated[
    Path | None,
    typer.Option(
        "--log", help="The log; by default privacy.audit, else changes.log in the data folder."
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Where to write; by default to the screen.")
]


@audit_app.command("verify")
def verify_command(config: ConfigFile = None, log: Log = None) -> None:
    """Find the first altered, dropped or reordered record. Exit status 1 when there is one."""
    path, key, _ = _opened(config, log)
    broken = audit.verify(path, key)
    if broken is None:
        say(f"{path}: {sum(1 for _ in audit.records(path))} records, intact")
        return
    say(f"{path}: record {broken.n}: {broken.what}")
    raise typer.Exit(1)


@audit_app.command("export")
def export_command(config: ConfigFile = None, log: Log = None, out: Out = None) -> None:
    """The evidence bundle as JSON: decisions, policy versions, providers, retention."""
    path, key, loaded = _opened(config, log)
    bundle = audit.export(path, key, _facts(loaded))
    if out is None:
        print_json(bundle)
    else:
        write_page(out, msgspec.json.format(msgspec.json.encode(bundle)))


def _facts(config: Config) -> dict[str, Any]:
    """What the log itself cannot say about the gateway that wrote it."""
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_by": f"shortstop {__version__}",
        "providers": [
            {"name": name, "region": upstream.region, "baa": upstream.baa}
            for name, upstream in config.upstreams.items()
        ],
        "retention_days": config.traces.retention_days,
        "warnings": configuration.warnings(config),
        "policy_texts": config.privacy.policies,
        "policy_of_tenants": config.privacy.tenants,
        "airgap": config.privacy.airgap,
    }


def _opened(config: Path | None, log: Path | None) -> tuple[Path, bytes, Config]:
    """The log, the key that proves it, and the configuration. Raises ConfigError."""
    loaded = configuration.load(config, os.environ)
    paths = data_paths(loaded, os.environ)
    own = None if loaded.privacy.audit is None else Path(loaded.privacy.audit)
    path = log or own or paths.changes
    changes = path != own and path.name == paths.changes.name  # also a copy of it
    key = None if changes else audit_key(loaded.privacy, os.environ)
    if not audit.files(path):
        raise ConfigError("There is no audit log.", hint="Set `audit` under [privacy], or --log.")
    return path, key or changes_key(loaded, os.environ, paths), loaded
