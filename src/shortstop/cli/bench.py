"""`shortstop bench`: what can be measured on open or on one's own data."""

from __future__ import annotations

import typer

from shortstop.cli.bench_privacy import bench_command as bench_privacy
from shortstop.cli.bench_routing import bench_routing

bench_app = typer.Typer(help="Measure on open or on your own data.", no_args_is_help=True)
bench_app.command("routing")(bench_routing)
bench_app.command("privacy")(bench_privacy)
