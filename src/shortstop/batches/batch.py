"""A batch: what was agreed, and how it goes from one status to the next."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.ports import Locker
from shortstop.types.batches import UNFINISHED, BatchRow, BatchStatus

WINDOW_SECONDS = 86_400.0


class Fault(Struct, frozen=True):
    """What is wrong with an input file, in OpenAI's words; `line` is counted from 1."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None


class BatchTerms(Struct, frozen=True):
    """What of a batch only its key reads: it is kept sealed.

    `key` pays, None: none was needed. `headers` are those of the client's that go with every line.
    `moments` are the Unix seconds at which each status but the first began.
    """

    endpoint: str
    key: str | None = None
    headers: dict[str, str] = {}
    metadata: dict[str, str] | None = None
    output_seconds: int | None = None
    moments: dict[str, float] = {}
    faults: list[Fault] = []


UNREADABLE = BatchTerms("")
"""Of a batch whose key is lost: nobody can work it off."""
LOST = Fault(
    "content_key_lost",
    "What this batch or its file holds cannot be opened: it was sealed with another content key.",
)


class Batch(Struct, frozen=True):
    row: BatchRow
    terms: BatchTerms

    @classmethod
    def opened(cls, row: BatchRow, seal: Locker) -> Batch:
        """Where it was sealed with another key, without its terms."""
        try:
            record = seal.unlock(row.record, row.id)
        except StoreError:
            return cls(row, UNREADABLE)
        return cls(row, msgspec.json.decode(record, type=BatchTerms))

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def ended(self) -> bool:
        return self.row.status not in UNFINISHED

    def become(self, status: BatchStatus, now: float, faults: list[Fault] | None = None) -> Batch:
        """The same with another status; nothing of one that has ended changes any more."""
        if self.ended or self.row.status == status:
            return self
        moments = {**self.terms.moments, status: now}
        terms = replace(self.terms, moments=moments, faults=faults or self.terms.faults)
        return Batch(self.row._replace(status=status), terms)

    def sealed(self, seal: Locker) -> BatchRow:
        return self.row._replace(record=seal.lock(msgspec.json.encode(self.terms), self.row.id))
