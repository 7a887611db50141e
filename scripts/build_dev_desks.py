"""Texts of further authors, written before they read a rule.

    python -m scripts.build_dev_desks [desks|counters|rounds]

Reads scripts/dev_desks.txt, dev_counters.txt and dev_rounds.txt: what people and programs send at
work, in the form of `dev_offices`, where a value's shape may stand in its place
(`scripts.dev_desks_values`). Desks are split by SHA-256 of the template; counters are all there to
look at, rounds are all held.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.build_dev_offices import rows, write
from scripts.dev_desks_values import value

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests" / "privacy"
WHOLE = {"desks": "", "counters": "fit", "rounds": "held"}
"""The part in which all texts of an author are; "" for two by template."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Build frozen texts from their templates.")
    parser.add_argument("author", nargs="?", choices=tuple(WHOLE))
    only = parser.parse_args().author
    for author, whole in WHOLE.items() if only is None else [(only, WHOLE[only])]:
        source = HERE / f"dev_{author}.txt"
        write(TESTS / f"dev_{author}", rows(source, whole, letter=author[0], make=value))


if __name__ == "__main__":
    main()
