"""What an operator does about a model that a configuration names and this machine lacks."""

from __future__ import annotations

from difflib import get_close_matches

from shortstop.registry.catalogue import catalogue


def can_be_fetched(source: str) -> bool:
    """Whether `shortstop pull` knows where it comes from."""
    return source == "builtin" or source in catalogue() or source.startswith("hf:")


def remedy(source: str) -> str:
    """What to do next, in a sentence or two."""
    if can_be_fetched(source):
        return f"Fetch it: `shortstop pull {source}`, or `shortstop serve --fetch`."
    if source.endswith(".gguf"):
        return "There is no such file: check the path."
    near = get_close_matches(source, catalogue(), n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return f"{meant}`shortstop models` lists the names that there are."
