"""Every privacy figure over the open data: `python -m bench.privacy [--data FILE] [--misses FILE]
[--json]`."""

from __future__ import annotations

import sys

import typer

from shortstop.cli.bench_privacy import bench_command
from shortstop.errors import ShortstopError

if __name__ == "__main__":
    try:
        typer.run(bench_command)
    except ShortstopError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
