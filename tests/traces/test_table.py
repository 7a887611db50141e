"""Rows with named columns: nobody reads a column that is not there."""

from __future__ import annotations

import io
import sys

import pyarrow.parquet as pq
import pytest

from shortstop.errors import InvalidRequest
from shortstop.traces.table import ParquetRows, row_of
from tests.traces.example import remote, trace


def test_a_table_has_the_columns_of_a_row() -> None:
    table = ParquetRows()
    first = table.rows([trace("a"), remote("b", request=None, response=None)])
    data = first + table.rows([]) + table.rows([trace("c", decision=None, bill=None)])
    rows = pq.read_table(io.BytesIO(data + table.end())).to_pylist()
    assert [list(row) for row in rows] == [list(row_of(trace("a")))] * 3
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert (rows[0]["cost"], rows[2]["cost"]) == (0.00001, None)
    assert (rows[0]["answer"], rows[1]["request"]) == ("card_arrival", None)


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidRequest, match=r"extra \[parquet\]"):
        ParquetRows()
