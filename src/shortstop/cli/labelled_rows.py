"""Labelled texts in files of JSON lines: every row is checked, and what is wrong named by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from shortstop.errors import ConfigError
from shortstop.evaluate.privacy import detection
from shortstop.types import Json

Columns = Mapping[str, tuple[type, ...]]
"""Which columns a row must have, and of which types."""
GATEWAY_COLUMNS: Columns = {"text": (str,), "sensitive": (bool, int), "tier": (str,)}
SPAN_COLUMNS: Columns = {"id": (str, int), "text": (str,), "spans": (list,)}
_WORDS = {str: "text", bool: "true or false", list: "list"}


def checked_rows(path: Path, columns: Columns) -> Iterator[tuple[int, Json]]:
    """The rows of a file, each with the number of its line, from 1.

    Raises ConfigError for a file that cannot be read or has no rows, and at the first row that is
    no JSON object, lacks a column, or has something else in it.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, not a file.")
    if not path.exists():
        raise ConfigError(f"There is no file {path}.")
    some = False
    try:
        for line, row in detection.numbered_rows(path):
            some = True
            problem = _problem(row, columns)
            if problem:
                raise ConfigError(f"{path}, line {line}, {problem}.")
            yield line, row
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not some:
        raise ConfigError(f"{path} has no rows.")


def _problem(row: Json, columns: Columns) -> str:
    missing = sorted(set(columns) - set(row))
    if missing:
        return f"has no {', '.join(missing)}"
    for name, kinds in columns.items():
        if not isinstance(row[name], kinds):
            return f"has no {_WORDS[kinds[0]]} in {name}"
    return _problem_of_spans(row)


def _problem_of_spans(row: Json) -> str:
    spans = row.get("spans") or []
    if not isinstance(spans, list):
        return "has no list in spans"
    for number, span in enumerate(spans, start=1):
        start, end = (
            (span.get("start"), span.get("end")) if isinstance(span, dict) else (None, None)
        )
        if not isinstance(start, int) or not isinstance(end, int):
            return f"span {number}, has no numbers as start and end"
        if not 0 <= start < end <= len(row["text"]):
            return f"span {number}, is not within the text"
        if not isinstance(span.get("label"), str):
            return f"span {number}, has no text as label"
    return ""
