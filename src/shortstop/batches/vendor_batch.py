"""The batches at vendors that lines of one batch are in, as they are kept: on the disk before
anything is sent, so that whoever goes on after a crash asks for them and submits none twice."""

from __future__ import annotations

import secrets
from threading import Lock

import msgspec
from msgspec import Struct

from shortstop.batches.batch import Batch
from shortstop.batches.files import Files, Holder


class VendorBatch(Struct, frozen=True):
    """`name` is ours, `id` the vendor's, "" while it is not known whether there is one. `lines`
    are numbers of the client's batch, `at` is when it was to be begun, Unix seconds. `over`: all
    that it held of them is kept."""

    name: str
    target: str
    lines: tuple[int, ...]
    at: float
    id: str = ""
    over: bool = False

    @classmethod
    def new(cls, target: str, lines: tuple[int, ...], at: float) -> VendorBatch:
        return cls(f"ss{secrets.token_hex(12)}", target, lines, at)


class VendorLog:
    """What became of them, in the order in which it did; the last word of each counts. Every method
    may raise StoreError, and may take a while."""

    def __init__(self, files: Files, batch: Batch) -> None:
        row = batch.row
        self._files = files
        self._holder = Holder(row.holder, row.tenant, row.conversation)
        self._id = f"{row.id}-vendors"
        self._number = 0
        self._turn = Lock()

    def load(self) -> list[VendorBatch]:
        """Those that are not over."""
        found: dict[str, VendorBatch] = {}
        for number, data in self._files.lines(self._id):
            self._number = number
            one = msgspec.json.decode(data, type=VendorBatch)
            found[one.name] = one
        return [one for one in found.values() if not one.over]

    def write(self, one: VendorBatch) -> None:
        """It is on the disk when this returns."""
        with self._turn:
            if not self._number:
                self._files.begin_log(self._id, self._holder)
            self._files.add_to_log(self._id, self._number + 1, msgspec.json.encode(one))
            self._number += 1

    def drop(self) -> None:
        self._files.drop_log(self._id)
