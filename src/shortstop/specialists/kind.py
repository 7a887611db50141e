"""A kind of specialist: its name, and how files become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shortstop.specialists.encoder import Encoder
from shortstop.specialists.opinion import Specialist

Files = Mapping[str, bytes]
"""What an artefact's folder holds beside its manifest, by name."""
GetEncoder = Callable[[], Encoder]
"""The sentence encoder, opened when it is first wanted. Raises StoreError where there is none."""


class SpecialistKind(NamedTuple):
    """`load` makes a specialist of its files. Raises StoreError."""

    name: str
    load: Callable[[Files, GetEncoder], Specialist]
