"""What stores ask of a database: single statements, transactions, and reading that holds up nobody.

Statements have `?` for each argument, and are those that SQLite and PostgreSQL both understand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

Record = tuple[Any, ...]
"""One row of a result."""


class SqlRecords(Protocol):
    """What a statement found."""

    @property
    def rowcount(self) -> int:
        """How many rows it has written or deleted."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class SqlSession(Protocol):
    """A connection for a while."""

    def execute(self, query: str, args: Sequence[Any] = (), /) -> SqlRecords: ...

    def executemany(self, query: str, args: Iterable[Sequence[Any]], /) -> Any: ...


class Queries(Protocol):
    """Queries that change nothing. Raises StoreError."""

    def all(self, query: str, args: Sequence[Any] = ()) -> list[Record]: ...

    def each(self, query: str, args: Sequence[Any] = ()) -> Iterator[Record]:
        """The same one by one: whoever stops early has not read the rest."""


@dataclass(frozen=True, slots=True)
class SqlVariant:
    """What databases do not say alike."""

    whole: Callable[[str], str]
    """An expression of a real number -> that of its whole part."""
    holds: Callable[[str], str]
    """A column -> the condition that its text holds an argument, in the same letters."""
    at_fault: Callable[[Exception], bool]
    """Whether a write failed because of the database, not because of the values."""
    body: tuple[str, ...] = ("seq",)
    """The columns of `traces` that lead to a row's JSON in `bodies`."""
    sampled: Callable[[float], str] | None = None
    """A share of a table -> what reads about so much of it after its name; None: all is read."""
    prices: bool = False
    """Whether `prices_used` has each day's names of prices."""

    @property
    def whole_rows(self) -> str:
        """Rows with their JSON."""
        return f"traces JOIN bodies USING ({', '.join(self.body)})"

    @property
    def one_body(self) -> str:
        """The condition that chooses one row's JSON."""
        return " AND ".join(f"{column} = ?" for column in self.body)


class SqlDatabase(Protocol):
    """Where a store's tables are. Every failure is a StoreError; the first call connects."""

    variant: SqlVariant

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""

    def open(self) -> None: ...

    def reading(self) -> AbstractContextManager[SqlSession]:
        """For single statements."""

    def writing(self, *subjects: str) -> AbstractContextManager[SqlSession]:
        """One transaction, undone when it raises, with which no other one that names one of these
        subjects interleaves."""

    def wipe(self) -> None:
        """Take what was deleted off the disk, as far as the database lets us."""

    def close(self) -> None: ...


class Source(Protocol):
    """Where rows are read from."""

    variant: SqlVariant

    def pages(self) -> AbstractContextManager[Queries]:
        """For queries between which a slow reader takes its time."""

    def snapshot(self, seconds: float | None = None) -> AbstractContextManager[Queries]:
        """For queries that all see the same rows. What takes longer raises StoreUnavailable."""


@contextmanager
def closed_on_failure(database: SqlDatabase) -> Iterator[None]:
    """For constructors: nobody can close a store that was never made."""
    try:
        yield
    except BaseException:
        database.close()
        raise


@contextmanager
def savepoint(db: SqlSession, variant: SqlVariant) -> Iterator[None]:
    """What it wraps is undone where its values are at fault; the rest of the transaction is not."""
    db.execute("SAVEPOINT attempt")
    try:
        yield
    except Exception as error:
        if not variant.at_fault(error):
            db.execute("ROLLBACK TO attempt")
            db.execute("RELEASE attempt")
        raise
    db.execute("RELEASE attempt")
