"""Presidio and Shortstop on the same rows: `make bench-presidio`.

Presidio runs in `var/presidio`, with the same small English model, all its default recognisers and
its default threshold. Its LOCATION counts as an address; a town it finds is not held against it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from shortstop.cli.bench_privacy import OPEN_DATA, Results, show
from shortstop.cli.output import Terminal
from shortstop.evaluate.privacy import detection, spans

PYTHON = Path("var/presidio/bin/python")
SCRIPT = Path(__file__).parent / "peers" / "presidio_child.py"


def by_presidio(texts: Sequence[str]) -> list[list[spans.Marked]]:
    done = subprocess.run(
        [PYTHON, "-P", SCRIPT],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
    )
    return [[(label, a, b) for label, a, b in spans] for spans in json.loads(done.stdout)]


def main() -> None:
    reports = []
    for name in ("presidio_synth_v2", "meddocan_dev"):
        rows = list(detection.read_rows(OPEN_DATA / f"{name}.jsonl"))
        unseen = [r for r in rows if "template" not in r or spans.is_unseen(r)]
        for who, find in (
            ("rules alone", spans.by_rules),
            ("with names read", spans.by_all),
            ("Presidio", by_presidio),
        ):
            reports.append(spans.span_report(unseen, find, f"{name}, unseen: {who}"))
    show(Results(reports, [], []), Terminal(width=110))


if __name__ == "__main__":
    main()
