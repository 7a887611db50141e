"""Where the files of a lake lie: what a folder and a bucket have in common."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol


class LakeFiles(Protocol):
    """Files by name: `day=YYYY-MM-DD/part-WRITER-NUMBER.parquet`. What is put is there whole or not
    at all, and outlives a power cut. Thread-safe.

    What cannot be done now raises OSError, a file that is not there FileNotFoundError.
    """

    def add(self, name: str, data: bytes) -> None:
        """A new file."""

    def replace(self, name: str, data: bytes) -> None:
        """In the place of one, by whoever is `alone`."""

    def delete(self, name: str) -> None:
        """By whoever is `alone`. It may be gone already."""

    def delete_before(self, day: str) -> None:
        """Every day before that one, `day=YYYY-MM-DD`, with all that lies there."""

    def of_day(self, day: str) -> list[str]:
        """The names of its files, by whoever is `alone`."""

    def alone(self) -> AbstractContextManager[None]:
        """As far as others can be kept out; where they cannot, `Lake.erase` says why it does."""

    def all(self) -> Iterator[str]:
        """The names of all files, a day after the other."""

    def read(self, name: str) -> bytes:
        """As it is now."""

    def version(self, name: str) -> Hashable:
        """Another one when what somebody still reads of the file may be another."""

    def open(self, name: str) -> Any:
        """For pyarrow to read from."""

    def check(self) -> None:
        """Whether files could be put here."""
