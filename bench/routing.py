"""`python -m bench.routing`: the same as `shortstop bench routing`."""

from __future__ import annotations

import typer

from shortstop.cli.bench_routing import bench_routing

if __name__ == "__main__":
    typer.run(bench_routing)
