"""What request bodies are made of: enough for privacy to tell a value from the form around it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

NONE: frozenset[str] = frozenset()


class InlineData(Struct, frozen=True):
    """How a dialect puts a file's bytes into a body: an object with base64 text under `data` and
    a MIME type under `mime`, which also holds every (field, value) of `marks`."""

    data: str
    mime: str
    marks: tuple[tuple[str, str], ...] = ()


class WireWords(Struct, frozen=True, kw_only=True):
    """The vocabulary of one dialect, or of several together (`a | b`).

    Everything that is not listed here is read as a value, so an empty vocabulary is safe, only
    noisier. JSON paths are written `$.messages[0].content`.
    """

    names: frozenset[str] = NONE
    """Names of fields that say nothing about their value."""
    constants: Mapping[str, frozenset[str]] = {}
    """By field: values that are part of the form, such as the roles."""
    spoken: frozenset[str] = NONE
    """Top-level fields that hold what people say; the others are settings and tools."""
    speech: frozenset[str] = NONE
    """How the path of a text ends that is part of the conversation."""
    tokens: frozenset[str] = NONE
    """Top-level fields in which text may stand as numbers of a model's vocabulary."""
    verbatim: frozenset[str] = NONE
    """Fields whose values are identifiers, never prose: no name of a person is looked for there."""
    own: frozenset[str] = NONE
    """Top-level fields in which a program tells the vendor of itself: its session, its settings."""
    call_names: frozenset[str] = NONE
    """How the path of a called function's name ends."""
    calls: frozenset[str] = NONE
    """Types of blocks that call a function: their `name` must stay as it is."""
    json_texts: frozenset[str] = NONE
    """Fields that hold JSON as a string."""
    reasoning: frozenset[str] = NONE
    """Fields of an answer that hold reasoning, which vendors sign: they stay as they came."""
    seals: frozenset[tuple[str, str]] = frozenset()
    """What a vendor encrypted for itself, as (type of the block, field)."""
    turns: frozenset[tuple[str, int]] = frozenset()
    """Where blocks of a turn may be: how their path begins, and the depth of their fields."""
    inline: frozenset[InlineData] = frozenset()
    """How images are written into a body, other than as `data:` URLs."""

    def __or__(self, other: WireWords) -> WireWords:
        """Both vocabularies."""
        sets = {
            field: getattr(self, field) | getattr(other, field)
            for field in self.__struct_fields__
            if field != "constants"
        }
        constants = {
            field: self.constants.get(field, NONE) | other.constants.get(field, NONE)
            for field in {**self.constants, **other.constants}
        }
        return WireWords(constants=constants, **sets)
