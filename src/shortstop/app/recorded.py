"""What a gateway of this configuration has recorded, as the workshop reads it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from shortstop.config import Config
from shortstop.dialects import get
from shortstop.errors import ConfigError
from shortstop.flywheel.examples import Example, Examples
from shortstop.flywheel.export import exported
from shortstop.flywheel.gather import Corrections, TaskKey, TaskTraffic, gather
from shortstop.registry.placements import Placements
from shortstop.stores import Paths, open_stores
from shortstop.traces import Lake, TraceReader
from shortstop.traces.keyfile import reading_seal
from shortstop.types import Json, Request, Trace

DAY = 86_400.0
LEAST_LEFT = 30 * DAY
"""Seconds that a row must have left, or a quarter of its time, to be learned from: what is learned
goes when its first row has had its time."""
Progress = Callable[[int], None]
"""Told how many rows were read."""
STRIDE = 200


class Recorded:
    """Opens nothing yet."""

    def __init__(self, config: Config, env: Mapping[str, str], paths: Paths) -> None:
        self._config = config
        self._paths = paths
        self.env = env
        self.seal = reading_seal(config.traces, env, paths.content_key)
        self._lake = Lake.of(config.traces.lake)
        self.teachers = frozenset(
            name for up in config.upstreams.values() if up.teacher for name in up.models
        )
        """The targets whose answers may be learned from."""

    @property
    def retention(self) -> float:
        """Seconds that rows are kept."""
        return self._config.traces.retention_days * DAY

    def reader(self) -> TraceReader:
        return TraceReader(open_stores(self._paths).reports(), self.seal, self._lake)

    def traffic(
        self, now: float, tenant: str | None = None, advance: Progress | None = None
    ) -> tuple[dict[TaskKey, TaskTraffic], Corrections]:
        """What was recorded before `now` and may be learned from, by task; and what people
        corrected. `advance` is told of the rows read. Tasks that somebody answers are among them
        even where nothing is asked any more. Raises StoreError."""
        reader = self.reader()
        corrections = Corrections(reader.grades(tenant=tenant))
        placements = Placements(self._paths.home).all()
        specialists = {one.name for one in placements}
        examples = Examples(self.teachers, decoded, self._config.learning.pinned, specialists)
        rows = self._rows(reader, now, tenant, advance)
        found = gather(rows, corrections, examples, self._config.learning.examples)
        for one in placements:
            key = TaskKey(one.tenant, one.task)
            if one.state != "retired" and tenant in (None, one.tenant):
                found.setdefault(key, TaskTraffic(key, deque()))
        self._find_erased(reader, now, found.values())
        return found, corrections

    def _find_erased(self, reader: TraceReader, now: float, found: Iterable[TaskTraffic]) -> None:
        """Of rows that are too old to be learned from, too: somebody has learned from them. What
        cannot be opened is there."""
        erased: dict[str, set[str]] = {}
        for row in reader.emptied(until=self.learnable_since(now)):
            erased.setdefault(row.tenant, set()).add(row.id)
        for one in found:
            one.erased = (one.erased | erased.get(one.key.tenant, set())) - reader.shut

    def rows(
        self, now: float, tenant: str | None = None, advance: Progress | None = None
    ) -> Iterator[Trace]:
        """Those before `now` that have enough of their time left."""
        return self._rows(self.reader(), now, tenant, advance)

    def _rows(
        self, reader: TraceReader, now: float, tenant: str | None, advance: Progress | None
    ) -> Iterator[Trace]:
        rows = reader.traces(since=self.learnable_since(now), until=now, tenant=tenant)
        return rows if advance is None else _counted(rows, advance)

    def learnable_since(self, now: float) -> float:
        """The time of the oldest row that has enough of its time left."""
        return now - self.retention + min(LEAST_LEFT, self.retention / 4)

    def row_of(self, example: Example) -> Trace | None:
        """The row that an example was made of, with all that its own traffic says. Raises
        StoreError."""
        rows = self.reader().traces(since=example.at, until=example.at + 1.0, tenant=example.tenant)
        return next((row for row in rows if row.id == example.id), None)

    def exported(self, now: float) -> Iterator[bytes]:
        """What may be learned from, as lines for fine-tuning elsewhere. What privacy keeps on this
        machine is none of it."""
        corrections = Corrections(self.reader().grades())
        self.require_teacher(corrections)
        return exported(self.rows(now), corrections, Examples(self.teachers, decoded), decoded)

    def require_teacher(self, corrections: Corrections) -> None:
        """Raises ConfigError where nobody's answers may be learned from."""
        if self.teachers or len(corrections):
            return
        upstreams = list(self._config.upstreams)
        line = f"[upstreams.{upstreams[0]}]" if upstreams else "[upstreams.NAME]"
        raise ConfigError(
            "Nothing can be learned: no upstream's answers may be learned from, and nobody has"
            " corrected an answer.",
            hint=f"Write `teacher = true` under {line} where its terms allow training on its"
            " answers, or send corrections to POST /v1/feedback.",
        )


def decoded(dialect: str, body: Json, id: str) -> Request:
    return get(dialect).decode_request(body, id)


def _counted(rows: Iterable[Trace], advance: Progress) -> Iterator[Trace]:
    for number, row in enumerate(rows, start=1):
        if number % STRIDE == 0:
            advance(STRIDE)
        yield row
