"""Every privacy figure over the open data: `python -m bench.privacy [--data FILE] [--json]`."""

from __future__ import annotations

import typer

from shortstop.cli.bench_privacy import bench_command

if __name__ == "__main__":
    typer.run(bench_command)
