"""The only place that prints. Whatever it is given is shown as text: no escape sequence, no markup
and no line break that stands in a name reaches the terminal. A test holds commands to it. And the
files that commands write."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal, NoReturn

import msgspec
from rich import box
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from shortstop.console.visible import visible, visible_json
from shortstop.private_files import FILE, replace_file

Part = str | tuple[str, str]
"""A text, or a text and its style."""


class Terminal:
    """Standard output (or, with `err`, standard error), as wide as it is unless `width` says."""

    def __init__(self, *, err: bool = False, width: int | None = None) -> None:
        self._console = Console(stderr=err, width=width, markup=False, highlight=False, emoji=False)

    @property
    def width(self) -> int:
        return self._console.width

    def line(self, *parts: Part, style: str = "") -> None:
        """One line, folded where the terminal ends."""
        self._console.print(_text(parts, style))

    def table(self, table: Grid) -> None:
        self._console.print(table.drawn)


class Grid:
    """A table of texts."""

    def __init__(self, title: str = "", *, header: bool = True) -> None:
        self.drawn = Table(title=_text([title], "") if title else None, show_header=header)

    @classmethod
    def compact(cls) -> Grid:
        """Without lines between the columns, and with a footer."""
        grid = cls()
        grid.drawn = Table(
            box=box.SIMPLE_HEAD, show_footer=True, pad_edge=False, padding=(0, 1),
            collapse_padding=True,
        )  # fmt: skip
        return grid

    def column(
        self,
        head: str,
        foot: str = "",
        *,
        justify: JustifyMethod = "left",
        overflow: OverflowMethod = "fold",
        no_wrap: bool = False,
        min_width: int | None = None,
    ) -> None:
        self.drawn.add_column(
            _text([head], ""), _text([foot], ""), justify=justify, overflow=overflow,
            no_wrap=no_wrap, min_width=min_width,
        )  # fmt: skip

    def columns(self, *heads: str, right: Iterable[str] = ()) -> None:
        for head in heads:
            justify: JustifyMethod = "right" if head in right else "left"
            self.column(head, justify=justify, no_wrap=head == "id")  # it is copied whole

    def row(self, *cells: Part) -> None:
        self.drawn.add_row(*(_text([cell], "") for cell in cells))


def say(text: str, *, err: bool = False) -> None:
    """One line, exactly as long as it is, for people and for programs."""
    print(visible(text), file=sys.stderr if err else sys.stdout)


def prepare_streams() -> None:
    """A terminal that knows only ASCII gets question marks for the rest."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flush() -> None:
    """Raises BrokenPipeError where nobody reads any longer."""
    if sys.stdout is not None:
        sys.stdout.flush()


def end(code: int, message: str = "", hint: str = "") -> NoReturn:
    """Say what is wrong, where somebody listens, and stop."""
    with suppress(OSError, ValueError, AttributeError):
        if message:
            say(f"shortstop: {message}", err=True)
        if hint:
            say(f"  {hint}", err=True)
        sys.stderr.flush()
    with suppress(OSError, ValueError, AttributeError):
        flush()
        raise SystemExit(code) from None
    # What is left in the buffer has no reader: the interpreter's last flush must not fail on it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    raise SystemExit(code) from None


def print_json(value: object, *, indented: bool = True) -> None:
    """One JSON document on standard output. Money and other decimals are strings."""
    written = msgspec.json.encode(value)
    text = (msgspec.json.format(written) if indented else written).decode()
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # written with escapes instead
        text = json.dumps(json.loads(written), indent=2 if indented else None)
    print(visible_json(text), flush=True)


def progress(kind: Literal["bytes", "lines", "steps"], *, hidden: bool) -> Progress:
    """A bar on standard error that goes when it is done (of bytes: stays). Describe its tasks with
    what `visible` gives."""
    what = TextColumn("{task.description}", markup=False)
    columns: dict[str, tuple[ProgressColumn, ...]] = {
        "bytes": (what, BarColumn(), DownloadColumn(), TransferSpeedColumn()),
        "lines": (what, BarColumn(), TaskProgressColumn(), TimeRemainingColumn()),
        "steps": (SpinnerColumn(), what),
    }
    return Progress(
        *columns[kind],
        console=Console(stderr=True, markup=False, highlight=False, emoji=False),
        transient=kind != "bytes",
        disable=hidden,
    )


def on_terminal() -> bool:
    """Whether somebody watches standard error."""
    return sys.stderr.isatty()


def _text(parts: Iterable[Part], style: str) -> Text:
    text = Text(style=style)
    for part in parts:
        words, how = (part, "") if isinstance(part, str) else part
        text.append(visible(words), how or None)
    return text


def write_page(path: Path, data: bytes) -> None:
    """Write what a command made to the file that was asked for, readable by its owner alone. A pipe
    or a device is written as it is. Raises OSError."""
    if path.exists() and not path.is_file():
        path.write_bytes(data)
    else:
        replace_file(path, data)


def write_lines(path: Path | None, lines: Iterable[bytes]) -> int:
    """Write lines of JSON as they come, to a file that its owner alone can read or, without `path`,
    to standard output; how many. Raises OSError."""
    if path is None:
        shown = (visible_json(line.decode()).encode() for line in lines)
        return _written(sys.stdout.buffer, shown)
    with _own_file(path) as file:
        return _written(file, lines)


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write pieces of a file as they come, readable by its owner alone. Raises OSError."""
    with _own_file(path) as file:
        for piece in pieces:
            file.write(piece)


def _own_file(path: Path) -> BinaryIO:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE)
    if path.is_file():
        os.fchmod(fd, FILE)
    return open(fd, "wb")


def _written(file: BinaryIO, lines: Iterable[bytes]) -> int:
    count = 0
    for count, line in enumerate(lines, start=1):  # noqa: B007 - the last one is the count
        file.write(line + b"\n")
    return count
