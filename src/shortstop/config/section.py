"""What every table of shortstop.toml is made of: values with bounds, each with a lifetime."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeVar

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(gt=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]
NonNegative = Annotated[float, Meta(ge=0)]
Variable = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="the name of an environment variable; the secret stands in that, never here",
    ),
]

Lifetime = Literal["process", "runtime", "state"]
"""How long the value of a setting holds.

"process": read once at the start, for something that is made once; a change needs a restart.
"runtime": a reload applies a change.
"state": fixed when the router's saved state was first made, and stored in it; neither applies it.
"""


class Lasts(Struct, frozen=True):
    """Marks the type of one key with its lifetime."""

    lifetime: Lifetime


T = TypeVar("T")
Process = Annotated[T, Lasts("process")]
Runtime = Annotated[T, Lasts("runtime")]
Stored = Annotated[T, Lasts("state")]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every table in the file.

    `lifetime` holds for all keys of the table. It is None where they differ: each key then states
    its own, as `Process[...]`, `Runtime[...]` or `Stored[...]`.
    """

    lifetime: ClassVar[Lifetime | None] = None
