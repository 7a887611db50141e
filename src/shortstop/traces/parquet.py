"""The files of the lake: contents of rows as Parquet, compressed with zstd. pyarrow comes late."""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shortstop.traces.document import Content
from shortstop.traces.lake_files import LakeFiles

GROUP = 64
"""Rows that are read at once to find one."""
HELD = 16
"""Groups that stay in memory."""
_FILE = re.compile(r"day=\d{4}-\d\d-\d\d/part-[0-9a-f]+-\d+\.parquet")
_BODIES = ["request", "response"]
_NAMES = ["tenant", "conversation"]

Gone = Mapping[tuple[str, str], float | None]
"""A tenant's conversations, and up to when, Unix time in seconds, what was asked in them is gone:
None is all of it."""


class LaidRow(NamedTuple):
    """A row of a file: whose it is, and its content as it would lie in the database."""

    id: str
    at: datetime
    tenant: str
    conversation: str | None
    request: str
    response: str


def packed(rows: Sequence[LaidRow]) -> bytes:
    """A file with these rows. Raises ValueError for what is no text."""
    import pyarrow as pa

    text = pa.string()
    kinds = dict.fromkeys(LaidRow._fields, text) | {"at": pa.timestamp("us", tz="UTC")}
    schema = pa.schema(list(kinds.items()))
    columns = [list(column) for column in zip(*rows, strict=True)]
    arrays = [pa.array(one, kind) for one, kind in zip(columns, kinds.values(), strict=True)]
    return _written(pa.Table.from_arrays(arrays, schema=schema))


def without(file: bytes, gone: Gone) -> bytes | None:
    """The file without these conversations: empty where nothing is left, None where it holds
    nothing of them. Raises ValueError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pq.read_table(io.BytesIO(file), columns=["at", *_NAMES], use_threads=False).to_pylist()
    last = {
        key: None if at is None else datetime.fromtimestamp(at, UTC) for key, at in gone.items()
    }
    here = [_is_gone(one["tenant"], one["conversation"], one["at"], last) for one in names]
    if not any(here):
        return None
    rest = pq.read_table(io.BytesIO(file), use_threads=False)
    rest = rest.filter(pa.array([not one for one in here]))
    return _written(rest) if rest.num_rows else b""


def _is_gone(
    tenant: str, conversation: str, at: datetime, last: Mapping[tuple[str, str], datetime | None]
) -> bool:
    key = (tenant, conversation)
    return key in last and ((until := last[key]) is None or at <= until)


def _written(table: Any) -> bytes:
    import pyarrow.parquet as pq

    made = io.BytesIO()
    # Statistics would hold the least and the greatest of the contents, in the clear.
    pq.write_table(
        table, made, row_group_size=GROUP, compression="zstd", use_dictionary=_NAMES,
        write_statistics=["id", "at", *_NAMES],
    )  # fmt: skip
    return made.getvalue()


class Contents:
    """What is read of files, the last groups of rows in memory; no file is held open, so that one
    that was deleted gives its disk back. Not locked by itself."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[Any, ...], dict[str, Content]] = OrderedDict()

    def find(self, files: LakeFiles, file: str, id: str) -> Content | None:
        """None where the file has no such row. Raises OSError, and ValueError for what is no file
        of a lake."""
        if not _FILE.fullmatch(file):
            raise ValueError("no file of a lake is called that")
        version = (file, files.version(file))
        for key, contents in self._held.items():
            if key[:2] == version and id in contents:
                self._held.move_to_end(key)
                return contents[id]
        return self._read(files.open(file), version, id)

    def _read(self, source: Any, version: tuple[Any, ...], id: str) -> Content | None:
        import pyarrow.parquet as pq

        with pq.ParquetFile(source) as file:
            ids = file.read(columns=["id"], use_threads=False)["id"].to_pylist()
            if id not in ids:
                return None
            number = ids.index(id) // GROUP
            group = file.read_row_group(number, columns=_BODIES, use_threads=False)
        bodies = zip(group["request"].to_pylist(), group["response"].to_pylist(), strict=True)
        names = ids[number * GROUP : (number + 1) * GROUP]
        held: dict[str, Content] = dict(zip(names, bodies, strict=True))
        self._held[(*version, number)] = held
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        return held[id]
