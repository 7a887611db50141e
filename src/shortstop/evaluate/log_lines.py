"""The lines of a log, however the file is packed and encoded, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO, cast

import msgspec

BREAKS_OFF = (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError)
"""What reading raises in the middle of a file that is torn, or not in its encoding."""
GZIP = b"\x1f\x8b"
_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HEAD = 4
"""Bytes that tell how a file is written."""
LONGEST = 64 << 20
"""Characters of a single row; longer ones are handed on in pieces, as broken lines."""
_CHUNK = 1 << 20
_BETWEEN = " \t\r\n,"


def log_lines(file: BinaryIO) -> Iterator[bytes]:
    """The rows as JSON in UTF-8, one at a time: of a file as it is, packed by gzip, in UTF-16; the
    lines of JSON, the elements of one JSON array, or the rows of a CSV with a header.

    The nth row is the nth line: a CSV row that takes several lines has empty ones before it, as its
    header has. Raises OSError and EOFError for a packed file that is broken, UnicodeDecodeError for
    what is not in its encoding.
    """
    stream: BinaryIO = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
    head = _peeked(stream)
    if head.startswith(GZIP):
        unpacked = io.BufferedReader(_Unpacked(gzip.GzipFile(fileobj=stream)), _CHUNK)
        yield from log_lines(cast(BinaryIO, unpacked))
        return
    encoding = next((name for bom, name in _ENCODINGS.items() if head.startswith(bom)), None)
    if encoding is not None:
        text = io.TextIOWrapper(stream, encoding, newline="\n")
        try:
            yield from _rows(line.encode() for line in text)
        finally:
            text.detach()  # the file is its owner's to close
    else:
        yield from _rows(_cut(stream))


class _Unpacked(io.RawIOBase):
    """A packed file as far as it is whole: asked for much, `GzipFile` gives nothing where less is
    left before it is torn."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        place = memoryview(buffer)
        found = self._packed.read1(len(place))
        place[: len(found)] = found
        return len(found)


def whole_lines(file: BinaryIO, bad: list[tuple[int, str]]) -> Iterator[bytes]:
    """The same, up to where the file breaks off: `bad` is told of that."""
    read = 0
    try:
        for line in log_lines(file):
            read += 1
            yield line
    except BREAKS_OFF as error:
        bad.append((read + 1, f"the file breaks off: {error}"))


def _peeked(stream: BinaryIO) -> bytes:
    if isinstance(stream, io.BufferedReader):
        return stream.peek(_HEAD)[:_HEAD]
    place = stream.tell()
    head = stream.read(_HEAD)
    stream.seek(place)
    return head


def _cut(stream: BinaryIO) -> Iterator[bytes]:
    """Lines, none longer than memory allows."""
    while line := stream.readline(LONGEST):
        yield line


def _rows(lines: Iterator[bytes]) -> Iterator[bytes]:
    """By what the first line that holds anything begins with."""
    for line in lines:
        start = line.lstrip()
        if not start:
            yield line
        elif start.startswith(b"["):
            yield from _elements(line, lines)
        elif _is_header(start):
            yield from _records(line, lines)
        else:
            yield line
            yield from lines


# ---------------------------------------------------------------- arrays


def _elements(line: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    """The elements of an array; from where it is broken, the lines as they are."""
    decoder, at = json.JSONDecoder(), 0
    kept = line.decode("utf-8", "surrogateescape").lstrip()[1:]
    while True:
        at = _next(kept, at)
        if kept.startswith("]", at):
            return
        try:
            _, end = decoder.raw_decode(kept, at)
        except (json.JSONDecodeError, RecursionError) as error:
            kept, at = kept[at:], 0
            more = "" if _is_broken(error, kept) else _more(lines, len(kept))
            if not more or len(kept) > LONGEST:
                yield from _as_they_are(kept + more, lines)
                return
            kept += more
            continue
        yield kept[at:end].encode("utf-8", "surrogateescape")
        at = end


def _next(kept: str, at: int) -> int:
    """Where the next element begins, or the end."""
    while at < len(kept) and kept[at] in _BETWEEN:
        at += 1
    return at


def _more(lines: Iterator[bytes], least: int) -> str:
    """At least as much again, so that an element is tried a few times only."""
    taken, size = [], 0
    for line in lines:
        taken.append(line)
        size += len(line)
        if size >= max(least, 1):
            break
    return b"".join(taken).decode("utf-8", "surrogateescape")


def _is_broken(error: Exception, rest: str) -> bool:
    """Whether no more text could mend it. A string that has not ended yet is reported at its start,
    everything else that is cut off at the end of the text."""
    if not isinstance(error, json.JSONDecodeError):
        return True
    begun = len(error.doc) - len(rest)
    cut = error.msg.startswith("Unterminated") or error.pos - begun >= len(rest.rstrip())
    return not cut and bool(rest)


def _as_they_are(kept: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in chain(kept.encode("utf-8", "surrogateescape").splitlines(), lines):
        row = line.rstrip().removesuffix(b",")
        if row != b"]":
            yield row


# ---------------------------------------------------------------- tables


def _is_header(start: bytes) -> bool:
    """Names of columns, and no JSON."""
    return not start.startswith(b"{") and start.count(b",") >= 2 and b":" not in start


def _records(line: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    csv.field_size_limit(LONGEST)
    told = (one.decode("utf-8", "replace") for one in chain((line,), lines))
    reader, seen = csv.DictReader(told, restkey="", restval=None), 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"a broken row of a table: {error}".encode()
            seen = reader.line_num
            continue
        for _ in range(reader.line_num - seen - 1):
            yield b""
        seen = reader.line_num
        yield msgspec.json.encode({k: v for k, v in row.items() if k})
