"""An answer as it is compared with another one."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.json_object import completed
from shortstop.types import Choice, Text, ToolCall


def comparable(choice: Choice) -> str:
    """Its text; or its calls as JSON, in one spelling for all that mean the same."""
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    if not calls:
        return choice.text
    return spelled([Invocation(call.name, call.arguments) for call in calls])


def completed_by(choice: Choice, missing: Collection[str], other: Choice) -> Choice | None:
    """A JSON answer with the `missing` fields as the `other` one has them; None where it has not
    all of them."""
    text = completed(choice.text, missing, other.text)
    return None if text is None else replace(choice, parts=(Text(text),))
