"""Texts of one more author, written and split before the rules were read.

    python -m scripts.build_dev_offices

Reads scripts/dev_offices.txt: a heading `# CLASS`, then one template a line with `@{name}` for a
value (`@{name/}` without separators). The split is by SHA-256 of the template.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.dev_offices_values import value

SOURCE = Path(__file__).with_name("dev_offices.txt")
LATER = Path(__file__).with_name("dev_offices_more.txt")
"""More of the same by the same author, written when some rules were known: all to look at."""
FOLDER = Path(__file__).parent.parent / "tests" / "privacy" / "dev_offices"
HARMLESS = "NONE"
OTHER = ("date", "time", "ipv4", "first", "last", "uuid")
"""What stands in texts about secrets and is none."""


def filled(template: str, known: dict[str, str]) -> str:
    """The template with its values, which are put into `known`."""
    draw = random.Random(template)

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name not in known:
            known[name] = value(draw, name)
        return known[name]

    text = template.replace("\\n", "\n").replace("\\t", "\t")
    return re.sub(r"@\{([^}]+)\}", put, text)


def rows(source: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """(file, row) of each template."""
    kind = ""
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines()):
        if line.startswith("# "):
            kind = line[2:]
        elif line:
            held = source == SOURCE and hashlib.sha256(line.encode()).digest()[0] % 2
            split = "held" if held else "fit" if source == SOURCE else "more"
            name = "business" if kind == HARMLESS else "sensitive"
            row: dict[str, object] = {"id": f"o{number}", "sensitive": kind != HARMLESS}
            row |= {} if kind == HARMLESS else {"cls": kind}
            known: dict[str, str] = {}
            row["text"] = filled(line, known)
            if kind == "SECRET" and split != "held":
                told = [value for key, value in known.items() if key not in OTHER]
                row |= {"shape": row["id"], "values": told}
            yield f"{split}/{name}.jsonl", row


def main() -> None:
    files: dict[str, list[str]] = {}
    for name, row in [*rows(SOURCE), *rows(LATER)]:
        files.setdefault(name, []).append(json.dumps(row, ensure_ascii=False) + "\n")
    for name, lines in files.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text("".join(lines), encoding="utf-8")
        print(f"{name}: {len(lines)} texts")


if __name__ == "__main__":
    main()
