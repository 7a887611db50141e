"""How vendors take batches of requests: the same few steps, each vendor's in its own folder.

Steps are generators that do no I/O: they yield calls, are sent the JSON that the vendor answers,
and return what came out. What the vendor refuses is raised inside them.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from shortstop import bounded
from shortstop.errors import UpstreamFailed
from shortstop.types import Json
from shortstop.types.batches import VendorResult

T = TypeVar("T")
JSON = "application/json"
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class BatchCall:
    """One request of the vendor's. `holds`: its body holds the lines."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    body: bytes = b""
    media_type: str = JSON
    holds: bool = False


Steps = Generator[BatchCall, Json, T]


@dataclass(frozen=True, slots=True)
class BatchState:
    """`results` are the paths of the files of results, there once it is `over`."""

    over: bool
    results: tuple[str, ...] = ()


class BatchApi(Protocol):
    """A vendor's API for batches. Lines are request bodies by names that come back with results.
    Reading raises UpstreamFailed for what is no answer of such a vendor."""

    @property
    def most_lines(self) -> int: ...

    @property
    def most_bytes(self) -> int: ...

    def submit(self, name: str, lines: Mapping[str, bytes]) -> Steps[str]:
        """Begin a batch; its id."""

    def find(self, name: str, lines: int, since: float) -> Steps[list[str]]:
        """The ids of those that may be the batch of that name, begun after `since`."""

    def state(self, id: str) -> Steps[BatchState]: ...

    @property
    def named(self) -> bool:
        """Whether what is found has the name; else only its results tell."""

    def result(self, line: bytes) -> tuple[str, VendorResult]:
        """A line of a file of results: its name, and what came of it. Raises ValueError."""

    def cancel(self, id: str) -> Steps[None]: ...

    def delete(self, id: str) -> Steps[None]: ...


def id_in(tree: Any, field: str = "id") -> str:
    """An id that may stand in a path. Raises UpstreamFailed."""
    id = tree.get(field) if isinstance(tree, dict) else None
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise UpstreamFailed("The vendor's answer names no batch.")
    return id


def told_line(line: bytes) -> tuple[str, Json]:
    """A line of results and the name that it is of. Raises ValueError."""
    tree = bounded.decode(line)
    name = tree.get("custom_id") if isinstance(tree, dict) else None
    if not isinstance(name, str):
        raise ValueError("no result of a line")  # noqa: TRY004 - of JSON
    return name, tree
