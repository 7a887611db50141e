"""Recorded traffic for notebooks and scripts: `shortstop.open()`.

    import shortstop

    data = shortstop.open()                       # the data folder of the configuration
    rows = data.traces(since="7d", task="mail")   # nothing is read yet
    rows.pandas()                                 # or .arrow(), list(rows), for row in rows
    data.grades(since="7d").arrow()
    data.report(since="30d").total.saved

Everything is read as the gateway wrote it, and nothing is changed. Content that is sealed with a
key that is not here is None.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from shortstop import registry
from shortstop.app.places import paths_at
from shortstop.config import Config, load
from shortstop.console.durations import moment
from shortstop.errors import ConfigError
from shortstop.stores import Paths, open_stores
from shortstop.traces import Lake, TraceReader
from shortstop.traces.keyfile import reading_seal
from shortstop.traces.table import Row, row_of, utc
from shortstop.types import Grade
from shortstop.types.report import By, TrafficReport

When = str | float | datetime | None
"""A date, a date and time, an age ("7d"), Unix time in seconds, or a datetime (UTC where it says
nothing)."""


class RowTable(Iterable[Row]):
    """Rows with named columns, read anew each time they are asked for."""

    def __init__(self, read: Callable[[], Iterator[Row]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Row]:
        return self._read()

    def arrow(self) -> Any:
        """A `pyarrow.Table`. Raises ConfigError where pyarrow is not installed."""
        return _needed("pyarrow").Table.from_pylist(list(self))

    def pandas(self) -> Any:
        """A `pandas.DataFrame`. Raises ConfigError where pandas is not installed."""
        return _needed("pandas").DataFrame.from_records(list(self))


class RecordedTraffic:
    """What a gateway has recorded. Made by `open`."""

    def __init__(self, config: Config, paths: Paths) -> None:
        self._reports = open_stores(paths).reports()
        seal = reading_seal(config.traces, os.environ, paths.content_key)
        self._reader = TraceReader(self._reports, seal, Lake.of(config.traces.lake))

    def traces(
        self,
        since: When = None,
        until: When = None,
        task: str | None = None,
        tenant: str | None = None,
    ) -> RowTable:
        """One row a request, in order of time: what `row_of` says."""
        window = {"since": _moment(since), "until": _moment(until), "tenant": tenant}

        def read() -> Iterator[Row]:
            for trace in self._reader.traces(**window):  # type: ignore[arg-type]
                if task is None or (trace.decision and trace.decision.task == task):
                    yield row_of(trace)

        return RowTable(read)

    def grades(self, since: When = None, until: When = None, tenant: str | None = None) -> RowTable:
        """One row a judgement, in order of time: what `Grade` holds."""
        window = {"since": _moment(since), "until": _moment(until), "tenant": tenant}
        return RowTable(lambda: map(_grade, self._reader.grades(**window)))  # type: ignore[arg-type]

    def report(
        self,
        by: tuple[By, ...] = ("task",),
        since: When = None,
        until: When = None,
        tenant: str | None = None,
    ) -> TrafficReport:
        """The sums that `shortstop report` shows."""
        return self._reports.summary(
            by=by, since=_moment(since), until=_moment(until), tenant=tenant
        )


def open_recorded(
    folder: str | Path | None = None, config: str | Path | None = None
) -> RecordedTraffic:
    """What the gateway with this data folder, or with this configuration file, has recorded.

    Raises ConfigError where there is no such folder or file.
    """
    loaded = load(None if config is None else Path(config), os.environ)
    home = registry.home(loaded.data_dir, os.environ) if folder is None else Path(folder)
    if not home.is_dir():
        raise ConfigError(
            f"There is no data folder {home}.", hint="Name the gateway's `data_dir`, or start it."
        )
    return RecordedTraffic(loaded, paths_at(home, loaded, os.environ))


def _grade(grade: Grade) -> Row:
    return {**asdict(grade), "at": utc(grade.at)}


def _moment(when: When) -> float | None:
    if isinstance(when, datetime):
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return moment(when, time.time()) if isinstance(when, str) else when


def _needed(module: str) -> Any:
    try:
        return __import__(module)
    except ImportError:
        raise ConfigError(
            f"{module} is not installed.", hint=f"pip install {module}, or use list(rows)."
        ) from None
