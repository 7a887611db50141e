"""How easy the documents are to read: Flesch's reading ease and the words of a sentence.

    python -m bench.readability [FILE ...] [--json]

Prose alone counts: no code, tables, headings, pictures or addresses of links. Flesch (1948):
206.835 - 1.015 words a sentence - 84.6 syllables a word; 60 to 70 is plain English, 50 to 60 fairly
difficult, 30 to 50 for people with a degree. Syllables are counted as groups of vowels, which is
right for nine in ten English words.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.processes import ROOT

PAGES = ("README.md", "docs/tutorial.md", "docs/index.md", "docs/explained.md")
LEFT_OUT = (
    re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"^(#|\||!\[|\[!|<|    ).*$", re.MULTILINE),
)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
CODE = re.compile(r"`[^`]*`")
PARTS = re.compile(r"(?<=[.!?:;])[)\"*_]*\s+|\n\s*(?:[-*]|\d+\.)\s+|\n\s*\n")
"""Where a sentence ends: its mark, an item of a list, a paragraph."""
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
VOWELS = re.compile(r"[aeiouy]+")
A_NAME = "code"
"""What stands for a piece of code within a sentence: a word of one syllable."""


class Readability(NamedTuple):
    """`ease` is Flesch's, about 0 (hard) to 100 (easy); `longest` the words of the 95th percentile
    of all sentences."""

    words: int
    sentences: int
    words_a_sentence: float
    longest: int
    ease: float


def prose(text: str) -> str:
    """What is read as sentences."""
    for pattern in LEFT_OUT:
        text = pattern.sub("\n", text)
    return CODE.sub(A_NAME, LINK.sub(r"\1", text))


def syllables(word: str) -> int:
    """At least 1: groups of vowels, without a silent e at the end."""
    word = word.lower()
    silent = word.endswith("e") and not word.endswith(("le", "ee", "ye"))
    return max(1, len(VOWELS.findall(word)) - silent)


def measured(text: str) -> Readability:
    """Raises ValueError where there is no sentence."""
    found = [WORD.findall(part) for part in PARTS.split(prose(text))]
    lengths = sorted(len(words) for words in found if words)
    if not lengths:
        raise ValueError("no sentences")
    words = [word for sentence in found for word in sentence]
    a_sentence = len(words) / len(lengths)
    ease = 206.835 - 1.015 * a_sentence - 84.6 * sum(map(syllables, words)) / len(words)
    longest = lengths[int(0.95 * (len(lengths) - 1))]
    return Readability(len(words), len(lengths), a_sentence, longest, ease)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.readability", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=[ROOT / page for page in PAGES])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = {}
    for path in args.files:
        try:
            found[str(path.name)] = measured(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            sys.exit(f"{path} cannot be measured: {error}.")
    if args.json:
        print(json.dumps({name: one._asdict() for name, one in found.items()}, indent=1))
        return
    table = Table("page", "words", "words a sentence", "95 % have at most", "reading ease")
    for name, one in found.items():
        table.add_row(
            name,
            str(one.words),
            f"{one.words_a_sentence:.1f}",
            str(one.longest),
            f"{one.ease:.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
