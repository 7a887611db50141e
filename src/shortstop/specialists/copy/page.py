"""A text as fields read it: tokens, their features and the embedding, each made once if wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.tagger import sequence
from shortstop.specialists.copy.tokens import MAX_TOKENS, Token, features, tokens
from shortstop.specialists.words import Vector

Embed = Callable[[str], Vector]


class Page:
    """`embed` makes the unit vector of a text; None where no field asks for it."""

    def __init__(self, text: str, embed: Embed | None = None) -> None:
        self.text = text
        self._embed = embed

    @cached_property
    def tokens(self) -> list[Token]:
        return tokens(self.text)

    @cached_property
    def flat(self) -> tuple[str, list[int]]:
        """Its loose spelling, and where each character of that stands."""
        return loose(self.text)

    @property
    def readable(self) -> bool:
        """Whether it is neither empty nor too long."""
        return 0 < len(self.tokens) <= MAX_TOKENS

    @cached_property
    def seen(self) -> Any:
        """The tokens' features, as taggers take them."""
        return sequence(features(self.text, self.tokens))

    @cached_property
    def unit(self) -> Vector:
        assert self._embed is not None, "a field asks for an embedding that nobody offered"
        return self._embed(self.text)

    def piece(self, start: int, end: int) -> str:
        """The text of the tokens `start` to `end`, exclusive."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]
