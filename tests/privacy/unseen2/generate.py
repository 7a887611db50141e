"""Write `sensitive.jsonl` and `business.jsonl` from the templates beside this file.

    python -m tests.privacy.unseen2.generate OUT [--seed 20261127]

A template is a line `lang | kind | text`: `⏎` breaks the line, `@{name:part}` is a value from
`identity.MAKERS` or a name, `[[a||b]]` is `a` in the first filling and `b` in the second. A text
without either is filled once.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from pathlib import Path
from random import Random

from tests.privacy.unseen2.identity import MAKERS, NAMES

HERE = Path(__file__).parent
CLASSES = ("SECRET", "FIN", "ID", "HEALTH")
LATIN = ("de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "cs")
"""Languages whose names keep their letters without marks; others' users have a stand-in's."""
SLOT = re.compile(r"@\{([a-z0-9]+)((?::[^}:]+)*)\}")
CHOICE = re.compile(r"\[\[(.*?)\|\|(.*?)\]\]")


def ascii_name(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o").replace("æ", "ae"))
    return re.sub(r"[^a-z ]", "", plain.lower())


def fill(text: str, lang: str, turn: int, rng: Random) -> str:
    """One filling; all names in it are the same person's."""
    person = rng.choice(NAMES[lang])
    parts = person.split()
    latin = ascii_name(person if person.isascii() or lang in LATIN else "Mira Tandel")
    names = {
        "name": person,
        "first": parts[0],
        "last": parts[-1],
        "mail": ".".join(latin.split()),
        "user": latin[0] + latin.split()[-1],
    }

    def value(match: re.Match[str]) -> str:
        name, rest = match[1], match[2].split(":")[1:]
        return names[name] if name in names else MAKERS[name](rng, *rest)

    chosen = CHOICE.sub(lambda match: match[turn + 1], text)
    return SLOT.sub(value, chosen).replace("⏎", "\n")


def templates(name: str) -> list[tuple[str, str, str]]:
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    rows = []
    for line in lines:
        if line and not line.startswith("#"):
            lang, kind, text = line.split(" | ", 2)
            rows.append((lang.strip(), kind.strip(), text))
    return rows


def sensitive(seed: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for cls in CLASSES:
        for number, (lang, kind, text) in enumerate(templates(cls.lower()), 1):
            rng = Random(f"{seed}/{cls}/{number}")
            turns = 2 if SLOT.search(text) or CHOICE.search(text) else 1
            for turn in range(turns):
                row = {"id": f"{cls}-{number:03d}-{turn + 1:02d}", "lang": lang}
                filled = fill(text, lang, turn, rng)
                rows.append({**row, "text": filled, "sensitive": 1, "cls": cls, "kind": kind})
    return rows


def business(seed: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, (lang, kind, text) in enumerate(templates("business"), 1):
        rng = Random(f"{seed}/business/{number}")
        filled = fill(text, lang, 0, rng)
        row = {"id": f"BUSINESS-{number:03d}", "lang": lang, "text": filled}
        rows.append({**row, "sensitive": 0, "kind": kind})
    return rows


def write(path: Path, rows: list[dict[str, object]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the second set of unseen texts.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=20261127)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / "sensitive.jsonl", sensitive(args.seed))
    write(args.out / "business.jsonl", business(args.seed))


if __name__ == "__main__":
    main()
