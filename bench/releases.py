"""The gateway as an earlier commit has it, beside the one of now."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.processes import ROOT


def unpacked(commit: str, folder: Path) -> Path:
    """The source of a commit, below `folder`: what PYTHONPATH is to name. Raises SystemExit where
    there is no such commit."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = subprocess.Popen(["git", "archive", commit, "src"], cwd=ROOT, stdout=subprocess.PIPE)
    done = subprocess.run(["tar", "-x", "-C", folder], stdin=archive.stdout, check=False)
    if archive.wait() or done.returncode:
        raise SystemExit(f"The commit {commit} cannot be unpacked: is it in this clone?")
    return folder / "src"


def environment(source: Path | None, more: Mapping[str, str]) -> dict[str, str]:
    """Of a gateway from that source; None: from this one."""
    own = {} if source is None else {"PYTHONPATH": str(source)}
    return {**os.environ, **own, **more}
