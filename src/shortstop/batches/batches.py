"""The book of batches: made, looked up, cancelled by their key; moved on by who works on them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial

from shortstop.batches.answer import LineAnswer, LineError, written
from shortstop.batches.asked import BatchRequest
from shortstop.batches.batch import WINDOW_SECONDS, Batch, BatchTerms, Fault
from shortstop.batches.files import DAY, Files, Holder, Settings
from shortstop.batches.upload import place
from shortstop.errors import Conflict, NotFound, RateLimited
from shortstop.ports import Clock, Locker
from shortstop.ports.batches import BatchStore
from shortstop.types.batches import BatchRow, BatchStatus, Piece

MOST_UNFINISHED = 100
"""Batches of one key that have not ended."""


class Batches:
    """Every method but the constructor may raise StoreError, and may take a while."""

    def __init__(
        self, store: BatchStore, files: Files, seal: Locker, clock: Clock, settings: Settings
    ) -> None:
        self._store = store
        self.files = files
        self._seal = seal
        self._clock = clock
        self._settings = settings

    # ------------------------------------------------------------ of the key that made them

    def create(
        self, holder: Holder, key: str | None, asked: BatchRequest, headers: Mapping[str, str]
    ) -> Batch:
        """Raises NotFound without such an input file, TooLarge without room for answers, and
        RateLimited where too many have not ended."""
        self.files.require_room(holder.name, 0)
        if self._store.unfinished(holder.name) >= MOST_UNFINISHED:
            raise RateLimited(
                f"{MOST_UNFINISHED} batches of this key have not ended.",
                hint="Wait for one of them, or cancel it.",
                retry_after=60.0,
            )
        id, now = f"batch_{secrets.token_hex(12)}", self._clock.time()
        output = self.files.new_row(holder, "batch_output", f"{id}_output.jsonl")
        errors = self.files.new_row(holder, "batch_output", f"{id}_error.jsonl")
        seconds = asked.output_expires_after.seconds if asked.output_expires_after else None
        terms = BatchTerms(asked.endpoint, key, dict(headers), asked.metadata, seconds)
        row = BatchRow(
            id, holder.name, holder.tenant, holder.conversation, now, now + WINDOW_SECONDS,
            "validating", asked.input_file_id, output.id, errors.id, 0, 0, 0, b"",
        )  # fmt: skip
        batch = Batch(row, terms)
        if not self._store.add(batch.sealed(self._seal), output, errors):
            raise NotFound(
                f"No such File object: {asked.input_file_id[:80]}",
                hint="Upload one with purpose `batch` first.",
                param="input_file_id",
            )
        return batch

    def find(self, holder: str | None, id: str) -> Batch:
        """The holder's batch; None: whosever it is. Raises NotFound."""
        row = self._store.find(holder, id)
        if row is None:
            raise NotFound(f"No batch found with id {id[:80]!r}.", param="batch_id")
        return self._opened(row)

    def page(self, holder: str | None, after: str | None, limit: int) -> list[Batch]:
        """Raises NotFound where `after` is no batch of the holder's."""
        last = None if after is None else self.find(holder, after).row
        return [self._opened(row) for row in self._store.page(holder, last, limit)]

    def cancel(self, holder: str | None, id: str) -> Batch:
        """What is under way is given up within seconds; what is answered is kept. Raises NotFound,
        and Conflict where it has ended."""
        batch = self.find(holder, id)
        if not batch.ended:
            batch = self.move(id, "cancelling") or batch
        if batch.row.status not in ("cancelling", "cancelled"):
            raise Conflict(f"The batch cannot be cancelled: its status is {batch.row.status!r}.")
        return batch

    # ------------------------------------------------------------ of who works on them

    def claim(self) -> Batch | None:
        """The next batch that nobody works on."""
        row = self._store.claim()
        return None if row is None else self._opened(row)

    def release(self, id: str) -> None:
        """Give it back."""
        self._store.release(id)

    def unfinished(self) -> int:
        """How many have not ended."""
        return self._store.unfinished(None)

    def status(self, batch: Batch) -> BatchStatus | None:
        """As it is now; None: it is gone."""
        row = self._store.find(batch.row.holder, batch.id)
        return None if row is None else row.status

    def move(self, id: str, status: BatchStatus, total: int | None = None) -> Batch | None:
        """To another status that is no end. None: it is gone."""
        row = self._store.change(id, partial(self._moved, status=status, total=total))
        return None if row is None else self._opened(row)

    def end(
        self, batch: Batch, status: BatchStatus, faults: list[Fault] | None = None
    ) -> Batch | None:
        """What was answered exists as files from now on. None: the batch is gone."""
        expires = self._clock.time() + self.files.kept_seconds(batch.terms.output_seconds)
        change = partial(self._moved, status=status, faults=faults)
        row = self._store.end(batch.id, change, expires)
        return None if row is None else self._opened(row)

    def answered(self, batch: Batch) -> set[int]:
        """The numbers of the lines that have an answer."""
        return self._store.answered(batch.id)

    def keep(self, batch: Batch, number: int, custom_id: str, what: LineAnswer | LineError) -> bool:
        """Keep what became of a line: it is on the disk when this returns. False: the line has an
        answer already, or the batch is gone."""
        failed = isinstance(what, LineError) or what.failed
        file = batch.row.errors if failed else batch.row.output
        line = written(custom_id, what)
        about = "" if isinstance(what, LineError) else what.conversation
        sealed = self._seal.lock(line, place(file, number))
        return self._store.answer(batch.id, Piece(number, len(line), sealed, about), failed=failed)

    def sweep(self) -> int:
        """Delete batches that have had their time, and files; how many of both."""
        before = self._clock.time() - self._settings().batches.keep_days * DAY
        return self._store.sweep(before) + self.files.sweep()

    def _opened(self, row: BatchRow) -> Batch:
        return Batch.opened(row, self._seal)

    def _moved(
        self,
        row: BatchRow,
        *,
        status: BatchStatus,
        total: int | None = None,
        faults: list[Fault] | None = None,
    ) -> BatchRow:
        """One that is being cancelled is moved to no status but its end."""
        batch = self._opened(row)
        if row.status == "cancelling" and status in ("in_progress", "finalizing"):
            return row
        batch = batch.become(status, self._clock.time(), faults)
        if total is not None:
            batch = Batch(batch.row._replace(total=total), batch.terms)
        return batch.sealed(self._seal)
