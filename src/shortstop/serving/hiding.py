"""What a server was shown and must not be told to others: keys do not all look like keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from types import TracebackType

from shortstop.errors import TargetError

LEAST = 8
"""Characters of a word that may be a secret: "none" and "EMPTY" are shown as keys, too."""
GIVEAWAY = 12
"""Characters of a secret that give too much of it away: vendors tell who erred by its ends."""
REMOVED = "[removed]"


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without any run of `GIVEAWAY` characters of a secret, or without a shorter one."""
    for secret in secrets:
        size = min(GIVEAWAY, len(secret))
        runs = {secret[i : i + size] for i in range(len(secret) - size + 1)}
        text = _without(text, runs, size)
    return text


def _without(text: str, runs: set[str], size: int) -> str:
    found = [i for i in range(len(text) - size + 1) if text[i : i + size] in runs]
    secret = {i for start in found for i in range(start, start + size)}
    parts = groupby(enumerate(text), lambda char: char[0] in secret)
    return "".join([REMOVED if gone else "".join(c for _, c in part) for gone, part in parts])


Shown = Callable[[], Mapping[str, str]]
"""Headers by name, and what else a server gets to know who asks."""


class Hiding:
    """Around what a server is asked: the error that comes of it holds no word of what the server
    was shown. `renewed`: what is shown with every request alone."""

    __slots__ = ("_renewed", "_shown")

    def __init__(self, shown: Mapping[str, str], renewed: Shown) -> None:
        self._shown, self._renewed = shown, renewed

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(error, TargetError):
            secrets = [word for word in self._words() if len(word) >= LEAST]
            error.message = hidden(error.message, secrets)
            error.code = error.code and hidden(error.code, secrets)
            error.param = error.param and hidden(error.param, secrets)

    def _words(self) -> Iterable[str]:
        shown = [*self._shown.values(), *self._renewed().values()]
        return {word for text in shown for word in text.split()}
