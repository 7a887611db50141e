"""Which kinds of specialists this machine can serve."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from shortstop.registry.encoder import ENCODER, encoder_path
from shortstop.specialists.adapter.files import ADAPTER
from shortstop.specialists.kinds import KINDS
from shortstop.specialists.repeats.files import REPEATS

UNREAD = frozenset({REPEATS.name, ADAPTER.name})
"""Kinds that do without the sentence encoder."""
EXTRA = ("onnxruntime", "pycrfsuite", "tokenizers")
"""Of the extra [learn], what reads."""


def lacking(home: Path, kind: str) -> str:
    """Why the machine with the data folder `home` cannot serve a kind, in a sentence; "" where it
    can."""
    if kind in UNREAD:
        return ""
    if kind not in {known.name for known in KINDS}:
        return f"This release cannot serve specialists of the kind {kind}: it does not know it."
    if any(find_spec(module) is None for module in EXTRA):
        why = "the extra [learn] is not installed."
    elif not encoder_path(home).is_file():
        why = f"the sentence encoder is not installed. Run `shortstop pull {ENCODER}`."
    else:
        return ""
    return f"This machine cannot serve label heads and others that read by meaning: {why}"
