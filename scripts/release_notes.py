"""Print the newest section of CHANGELOG.md, as the notes of a release."""

from __future__ import annotations

import re
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def newest(text: str) -> str:
    """What stands below the first heading of a version. Raises ValueError where there is none."""
    sections: list[str] = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    for section in map(str.strip, sections):
        if section:
            return section + "\n"
    raise ValueError("the changelog holds no version")


if __name__ == "__main__":
    print(newest(CHANGELOG.read_text(encoding="utf-8")), end="")
