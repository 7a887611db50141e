"""Make privacy/data/first_names.txt.gz from the name table of nomquamgender (MIT).

    python -m scripts.build_first_names name_data.json lookups_folder

Kept: names that at least five of its sources list. A name that is also a stop word or in the
English model's lemma tables is marked with "*": it is believed only beside other signs.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

SOURCES = 5
TARGET = Path("src/shortstop/privacy/data/first_names.txt.gz")


def main(table: Path, words: frozenset[str]) -> None:
    names = sorted(
        name
        for name, row in json.loads(table.read_bytes()).items()
        if row[0] >= SOURCES and name.isalpha() and len(name) > 1
    )
    lines = [f"{name}*" if name in words else name for name in names]
    with gzip.GzipFile(TARGET, "wb", mtime=0) as file:
        file.write("\n".join(lines).encode())


def english(folder: Path) -> frozenset[str]:
    from spacy.lang.en.stop_words import STOP_WORDS
    from spacy.lookups import Lookups

    index = Lookups().from_disk(folder).get_table("lemma_index")
    return frozenset(STOP_WORDS).union(*(index[kind] for kind in index))


if __name__ == "__main__":
    main(Path(sys.argv[1]), english(Path(sys.argv[2])))
