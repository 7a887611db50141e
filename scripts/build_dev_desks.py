"""Texts of another author, written and split before the rules were read.

    python -m scripts.build_dev_desks

Reads scripts/dev_desks.txt: what people and programs send at work, in the form of `dev_offices`,
where a value's shape may stand in its place (`scripts.dev_desks_values`). The split is
by SHA-256 of the template.
"""

from __future__ import annotations

from pathlib import Path

from scripts.build_dev_offices import rows, write
from scripts.dev_desks_values import value

SOURCE = Path(__file__).with_name("dev_desks.txt")
FOLDER = Path(__file__).parent.parent / "tests" / "privacy" / "dev_desks"


def main() -> None:
    write(FOLDER, rows(SOURCE, letter="d", make=value))


if __name__ == "__main__":
    main()
