"""Whether an input file can be worked off at all; nothing of it is asked before that is known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from shortstop.batches.batch import Fault
from shortstop.batches.line import BadLine, read_line

MOST_FAULTS = 100
"""Of more lines with mistakes the first are told."""


class InputCheck:
    """`knows` says whether there is a model of that name. `total` counts the requests."""

    def __init__(self, endpoint: str, knows: Callable[[str], bool]) -> None:
        self._endpoint = endpoint
        self._knows = knows
        self._names: set[bytes] = set()
        self._models: dict[str, bool] = {}
        self.total = 0
        self.faults: list[Fault] = []

    @property
    def full(self) -> bool:
        """Whether there are as many mistakes as are told."""
        return len(self.faults) >= MOST_FAULTS

    def add(self, number: int, data: bytes) -> None:
        if not data.strip():
            return
        self.total += 1
        try:
            line = read_line(number, data, self._endpoint)
        except BadLine as error:
            self.faults.append(error.fault)
            return
        if self._is_twice(line.custom_id):
            message = "This custom_id is that of an earlier line, too."
            self.faults.append(Fault("duplicate_custom_id", message, "custom_id", number))
        elif not self._known(line.model):
            message = f"The model {line.model[:100]!r} does not exist."
            self.faults.append(Fault("model_not_found", message, "body.model", number))

    def done(self) -> None:
        """The file has no more lines."""
        if not self.total:
            self.faults.append(Fault("empty_file", "The input file holds no request."))

    def _is_twice(self, name: str) -> bool:
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        twice = digest in self._names
        self._names.add(digest)
        return twice

    def _known(self, model: str) -> bool:
        if len(self._models) > MOST_FAULTS:
            self._models.clear()
        if model not in self._models:
            self._models[model] = self._knows(model)
        return self._models[model]
