"""`python -m bench.learning [SUBJECT ...] [--data DIR] [--seeds N] [--json FILE]`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from bench.learning import faq, fields, labels, novelty
from bench.learning.figures import Figure, show
from bench.learning.rows import OPEN_DATA

Run = Callable[[Path, Sequence[int]], list[Figure]]

SUBJECTS: Mapping[str, Run] = {
    "labels": labels.run,
    "faq": faq.run,
    "fields": fields.run,
    "novelty": novelty.run,
}
"""(folder of task data, seeds) -> figures, by name."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.learning", description=__doc__)
    parser.add_argument("subjects", nargs="*", help=f"of {', '.join(SUBJECTS)}; all without one")
    parser.add_argument("--data", type=Path, default=OPEN_DATA, help="task data, the same columns")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    asked = parser.parse_args()
    unknown = [name for name in asked.subjects if name not in SUBJECTS]
    if unknown:
        parser.error(f"No such subject: {', '.join(unknown)}.")
    if not asked.data.is_dir():
        parser.error(f"There is no folder {asked.data}.")
    figures: list[Figure] = []
    for name in asked.subjects or SUBJECTS:
        found = SUBJECTS[name](asked.data, range(asked.seeds))
        show(found)
        figures += found
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))


if __name__ == "__main__":
    main()
