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
from pathlib import Path

from scripts.dev_offices_values import value

SOURCE = Path(__file__).with_name("dev_offices.txt")
FOLDER = Path(__file__).parent.parent / "tests" / "privacy" / "dev_offices"
HARMLESS = "NONE"


def filled(template: str) -> str:
    draw = random.Random(template)
    known: dict[str, str] = {}

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name not in known:
            known[name] = value(draw, name)
        return known[name]

    text = template.replace("\\n", "\n").replace("\\t", "\t")
    return re.sub(r"@\{([^}]+)\}", put, text)


def main() -> None:
    rows: dict[str, list[str]] = {}
    kind = ""
    for number, line in enumerate(SOURCE.read_text(encoding="utf-8").splitlines()):
        if line.startswith("# "):
            kind = line[2:]
        elif line:
            split = "held" if hashlib.sha256(line.encode()).digest()[0] % 2 else "fit"
            name = "business" if kind == HARMLESS else "sensitive"
            row: dict[str, object] = {"id": f"o{number}", "sensitive": kind != HARMLESS}
            row |= {} if kind == HARMLESS else {"cls": kind}
            line = json.dumps({**row, "text": filled(line)}, ensure_ascii=False) + "\n"
            rows.setdefault(f"{split}/{name}.jsonl", []).append(line)
    for name, found in rows.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text("".join(found), encoding="utf-8")
        print(f"{name}: {len(found)} texts")


if __name__ == "__main__":
    main()
