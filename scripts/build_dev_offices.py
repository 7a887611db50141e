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
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from scripts.dev_offices_values import value

SOURCE = Path(__file__).with_name("dev_offices.txt")
LATER = Path(__file__).with_name("dev_offices_more.txt")
"""More of the same by the same author, written when some rules were known: all to look at."""
FOLDER = Path(__file__).parent.parent / "tests" / "privacy" / "dev_offices"
HARMLESS = "NONE"
OTHER = ("date", "time", "ipv4", "first", "last", "uuid")
"""What stands in texts about secrets and is none."""
Maker = Callable[[random.Random, str], str]
"""The value for the name of a place."""


def filled(template: str, known: dict[str, str], make: Maker = value) -> str:
    """The template with its values, which are put into `known`."""
    draw = random.Random(template)

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name not in known:
            known[name] = make(draw, name)
        return known[name]

    text = template.replace("\\n", "\n").replace("\\t", "\t")
    return re.sub(r"@\{([^}]+)\}", put, text)


def rows(
    source: Path, whole: str = "", letter: str = "o", make: Maker = value
) -> Iterator[tuple[str, dict[str, object]]]:
    """(file, row) of each template; all in the part `whole`, if named, else split in two."""
    kind = ""
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines()):
        if line.startswith("# "):
            kind = line[2:]
        elif line:
            held = hashlib.sha256(line.encode()).digest()[0] % 2
            split = whole or ("held" if held else "fit")
            name = "business" if kind == HARMLESS else "sensitive"
            row: dict[str, object] = {"id": f"{letter}{number}", "sensitive": kind != HARMLESS}
            row |= {} if kind == HARMLESS else {"cls": kind}
            known: dict[str, str] = {}
            row["text"] = filled(line, known, make)
            if kind == "SECRET" and split != "held":
                told = [value for key, value in known.items() if key not in OTHER]
                row |= {"shape": row["id"], "values": told}
            yield f"{split}/{name}.jsonl", row


def write(folder: Path, named: Iterable[tuple[str, dict[str, object]]]) -> None:
    """Each row into its file."""
    files: dict[str, list[str]] = {}
    for name, row in named:
        files.setdefault(name, []).append(json.dumps(row, ensure_ascii=False) + "\n")
    for name, lines in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(lines), encoding="utf-8")
        print(f"{name}: {len(lines)} texts")


def main() -> None:
    write(FOLDER, [*rows(SOURCE), *rows(LATER, whole="more")])


if __name__ == "__main__":
    main()
