"""Words of JSON Schema and of chat in general, which every vendor's wire format is built on."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


SCHEMA = words("type properties required items description additionalProperties schema strict")
SCHEMA_TYPES = words("string object array integer number boolean")
REQUEST = words("model stream temperature top_p tools tool_choice name id metadata user")
ROLES = words("user system assistant tool developer")
MODELS = words("auto local")
"""Our own names of models."""
