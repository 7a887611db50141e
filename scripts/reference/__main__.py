"""`python -m scripts.reference` writes docs/reference; `make reference` calls it.

Nothing in there is written by hand: tests/scripts/test_reference.py fails when a page is not what
the code says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.reference import commands, configuration, errors, metrics

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration.page,
    "commands.md": commands.page,
    "errors.md": errors.page,
    "metrics.md": metrics.page,
}
"""File name -> what makes it."""
NOTE = "<!-- Made by `make reference` from the code. Change the code instead. -->\n\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(NOTE + page(), encoding="utf-8")


if __name__ == "__main__":
    main()
