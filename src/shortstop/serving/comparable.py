"""An answer as it is compared with another one."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from shortstop.specialists.invocation import called, spelled
from shortstop.specialists.json_object import completed
from shortstop.types import Choice, Text


def comparable(choice: Choice) -> str:
    """Its text; or its calls as JSON, in one spelling for all that mean the same."""
    calls = called(choice)
    return spelled(calls) if calls else choice.text


def completed_by(choice: Choice, missing: Collection[str], other: Choice) -> Choice | None:
    """A JSON answer with the `missing` fields as the `other` one has them; None where it has not
    all of them."""
    text = completed(choice.text, missing, other.text)
    return None if text is None else replace(choice, parts=(Text(text),))
