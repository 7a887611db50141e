"""How long a fresh clone takes to be ready, and how much it downloads. Standard library only.

    make bench-setup

Clones this repository into a temporary folder, runs `make model` there with an empty home and an
empty pip cache, and adds up the wheels that were fetched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "shortstop"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        env = {
            **os.environ,
            "SHORTSTOP_HOME": str(Path(folder) / "home"),
            "PIP_CACHE_DIR": str(Path(folder) / "cache"),
            "PIP_QUIET": "0",
        }
        started = time.monotonic()
        done = subprocess.run(
            ["make", "model", "PIP=.venv/bin/python -m pip install --progress-bar off -v"],
            cwd=clone,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - started
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        wheels = _megabytes(done.stdout)
        venv = _size(clone / ".venv")
        sys.stdout.write(
            f"set-up {took:.0f} s; wheels {wheels:.0f} MB, model 93 MB as a wheel; "
            f"environment {venv:.0f} MB on disk\n"
        )


def _megabytes(output: str) -> float:
    sizes = re.findall(r"Downloading .*?\(([\d.]+) (kB|MB)\)", output)
    return sum(float(n) / (1000 if unit == "kB" else 1) for n, unit in sizes)


def _size(folder: Path) -> float:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


if __name__ == "__main__":
    main()
