"""A book of names that takes little more memory than its letters: strings by their beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

BEGINNING = 3
"""Letters by which names are found; the others of all names with the same ones are one string."""
_RUN = re.compile(r"([^\n*]{3})[^\n]*(?:\n\1[^\n]*)*|[^\n]+")
"""Lines that begin alike, without a string for each of them."""
_WORD = "*"


class NameBook(Mapping[str, bool]):
    """Name -> whether it is only a name. `text` has one on each line, with a star behind each that
    is a word as well. Those that begin alike stand together."""

    def __init__(self, text: str) -> None:
        self._rests: dict[str, str] = {}
        for run in _RUN.finditer(text):
            start = run.group(1) or run.group().removesuffix(_WORD)
            rests = f"\n{run.group()}\n".replace(f"\n{start}", "\n")
            self._rests[start] = self._rests.get(start, "\n")[:-1] + rests

    def _find(self, name: str) -> bool | None:
        rests = self._rests.get(name[:BEGINNING])
        if rests is None or name.endswith(_WORD):
            return None
        rest = "\n" + name[BEGINNING:]
        if rest + "\n" in rests:
            return True
        return False if f"{rest}{_WORD}\n" in rests else None

    def __getitem__(self, name: str) -> bool:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """As a dictionary's, in half of the time that the base class takes."""
        found = self._find(name)
        return default if found is None else found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        for start, rests in self._rests.items():
            yield from (start + rest.removesuffix(_WORD) for rest in rests[1:-1].split("\n"))

    def __len__(self) -> int:
        return sum(1 for _ in self)
