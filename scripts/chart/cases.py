"""What the chart is rendered with, and where that is kept.

The templates are Helm's, so Helm renders them (`scripts/chart/render.py`). What it made is kept in
the repository beside a digest of everything that it was made from: whoever changes the chart and
does not render it again is told so by a test that needs no Helm.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "shortstop"
PLAIN = ROOT / "deploy" / "kubernetes"
GOLDEN = ROOT / "tests" / "deploy" / "chart"
DIGEST = GOLDEN / "rendered.sha256"
NOT_RENDERED = {"README.md"}
"""Files of the chart that no manifest is made of."""


class Case(NamedTuple):
    """Values, and the file that all manifests made with them stand in."""

    values: Path
    golden: Path


SMALL = Case(ROOT / "deploy" / "helm" / "small.values.yaml", PLAIN / "shortstop.yaml")
"""The plain manifests, for clusters without Helm."""
CASES = (
    SMALL,
    *(
        Case(path, path.with_name(path.name.replace(".values.", ".")))
        for path in sorted(GOLDEN.glob("*.values.yaml"))
    ),
)


def digest() -> str:
    """Of the chart's files and of all values, by their names and bytes."""
    files = [path for path in CHART.rglob("*") if path.is_file() and path.name not in NOT_RENDERED]
    total = hashlib.sha256()
    for path in sorted([*files, *(case.values for case in CASES)]):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(ROOT).as_posix()} {content}\n".encode())
    return total.hexdigest()
