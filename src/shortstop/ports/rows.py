"""Where the writer of traces puts finished rows. What all stores promise: `ports.stores`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from shortstop.types import Tier
from shortstop.types.rows import GradeRow, Row

SealDocument = Callable[[bytes], tuple[bytes, str]]
"""A row's JSON as an earlier version wrote it -> the same sealed, and its digest."""
SealGrade = Callable[[GradeRow], GradeRow]
"""A grade with an open correction -> the same with a sealed one."""


class RowStore(Protocol):
    """Where the writer of traces puts finished rows and grades. Its thread alone calls all but
    `forget` and `tier`."""

    @property
    def batch(self) -> int:
        """How many rows it takes best at once."""

    def open(self) -> None:
        """Connect and bring the store to the newest schema; the other calls do it where needed."""

    def insert(self, rows: Sequence[Row], grades: Sequence[GradeRow] = ()) -> int:
        """Write all rows, then all grades, in their order; how many of both were refused.

        A row is refused when its id is taken (where days are kept apart, by a row of its day), or
        when the store cannot hold it; the others are
        written all the same. A grade takes the place of the one with the same trace, tenant,
        source, target and grader, unless that is more recent; a provisional one, unless that is
        as recent.
        """

    def delete_before(self, at: float, limit: int) -> int:
        """Delete at most `limit` of the oldest rows whose time is before `at`, with their grades,
        and when there are fewer, grades from before `at`; how many rows and grades of their own."""

    def expire(self, at: float, limit: int) -> int:
        """Delete what has had its time at `at`: as `delete_before`, or whole days of any size,
        where days are kept apart, and nothing of the day of `at`. 0: no more can be deleted now."""

    def forget(self, tenant: str, conversation: str, at: float) -> int:
        """Take the content out of every row of a conversation, and the corrections out of its
        grades, and off the disk; how many rows there are. From any thread.

        Rows and grades of until `at` that are written later, by whichever process, come without.
        """

    def erased(self, rows: Sequence[Row]) -> dict[tuple[str, str], float]:
        """The tenants and conversations of these rows that were erased after they were asked, each
        with the time of its erasure."""

    def erasures(self, since: float) -> dict[tuple[str, str], float]:
        """The tenants and conversations that were erased since then, each with the time of that.
        From any thread."""

    def days(self, tenant: str, conversation: str) -> set[int]:
        """On which days (UTC, counted from 1970) a conversation has rows, erased ones too. From any
        thread."""

    def seal_earlier(self, document: SealDocument, grade: SealGrade, limit: int) -> int:
        """Pass rows and corrections that were written before content was sealed through these, at
        most `limit`; how many. 0: none is left, and what they were before is off the disk.

        Both may be called again with the same, where a transaction is tried again.
        """

    def tier(self, id: str) -> Tier | None:
        """The tier of a row, from any thread and without waiting for a lock; None where it is not
        there or cannot be read at once. Never raises."""

    def close(self) -> None: ...
