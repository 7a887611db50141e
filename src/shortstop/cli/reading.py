"""What a user hands to a command to be examined: a text, a file or standard input, as text.

What cannot be read as text is refused with the reason. It must never count as examined.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
import string
import sys
import unicodedata
from pathlib import Path
from typing import NamedTuple

from shortstop.errors import ConfigError

LARGEST = 64 << 20
"""Bytes that are read at once."""
MOST_FOREIGN = 0.3
"""Share of letters beyond ASCII up to which bytes are believed to be Windows-1252: more is rather
another alphabet's encoding."""
_STRANGE = ("Cc", "Cn", "Co", "Cs")
_CONTROLS = frozenset("\t\n\r\f\v\x1b")
_MAGIC = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive, as Word, Excel and OpenDocument files are"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word, Excel or Outlook document"),
    (b"{\\rtf", "a rich text (RTF) document"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh91AY&SY", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x7fELF", "a program"),
)
"""How files begin that no text begins like."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""UTF-32 first: its mark begins as that of UTF-16 does."""
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,5}")
_CONVERT = "Save it as text in UTF-8 (`iconv -f ENCODING -t UTF-8`) and examine that."


class Reading(NamedTuple):
    """The text, where it is from, how its bytes were read, and what to tell the user of that."""

    text: str
    source: str
    encoding: str = "utf-8"
    note: str = ""


def read_given(what: str, *, as_text: bool = False) -> Reading:
    """The file of that name, standard input for "-", or else the text itself.

    Raises ConfigError for what cannot be read as text, and for a name of no file.
    """
    if as_text:
        return _argument(what)
    if what == "-":
        return _decoded(_standard_input(), "standard input")
    try:
        status = os.stat(what)
    except (FileNotFoundError, NotADirectoryError):
        return _missing(what)
    except (OSError, ValueError) as error:  # too long for a name, or a name that holds a NUL
        if isinstance(error, PermissionError):
            raise ConfigError(f"{what} cannot be read: permission denied.") from error
        return _argument(what)
    if stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"{what} is a folder.", hint="Name a file that is in it.")
    return _decoded(_bytes(Path(what)), what)


def _missing(what: str) -> Reading:
    word = not any(c.isspace() for c in what)
    placed = what.startswith(("/", "./", "../", "~")) or (word and bool(set("/\\") & set(what)))
    named = _SUFFIX.fullmatch(Path(what).suffix) is not None and "@" not in what
    if "\n" not in what and "://" not in what and (placed or (named and word)):
        raise ConfigError(
            f"There is no file {what}.", hint="To examine these words themselves, add --text."
        )
    reading = _argument(what)
    if word or named:
        return reading._replace(note="There is no file of that name: it was read as a text.")
    return reading


def _argument(what: str) -> Reading:
    if not what.strip():
        raise ConfigError("The text is empty: nothing was examined.")
    try:
        what.encode()
    except UnicodeEncodeError:  # bytes of another encoding on the command line
        return _decoded(what.encode("utf-8", "surrogateescape"), "the text")
    return Reading(what, "the text")


def _standard_input() -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    return sys.stdin.read().encode() if stream is None else stream.read(LARGEST + 1)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigError(f"{path} cannot be read: {why}.") from error


# ---------------------------------------------------------------- bytes -> text


def _decoded(data: bytes, source: str) -> Reading:
    if not data.strip():
        raise ConfigError(f"{_upper(source)} is empty: nothing was examined.")
    if len(data) > LARGEST:
        raise ConfigError(
            f"{_upper(source)} has more than {LARGEST >> 20} MB, which are not read at once.",
            hint="Examine it in parts.",
        )
    kind = next((name for magic, name in _MAGIC if data.startswith(magic)), None)
    if kind is not None:
        raise ConfigError(f"{_upper(source)} is {kind}: it cannot be read as text.", hint=_CONVERT)
    mark, encoding = next(((m, e) for m, e in _BOMS if data.startswith(m)), (b"", ""))
    if encoding:
        return _strictly(data[len(mark) :], encoding, source)
    if b"\0" in data:
        return _wide(data, source)
    try:
        return _examined(data.decode(), "utf-8", source)
    except UnicodeDecodeError as error:
        return _western(data, source, error)


def _strictly(data: bytes, encoding: str, source: str) -> Reading:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{_upper(source)} is damaged: it says that it is {encoding.upper()}, and byte"
            f" {error.start} is not.",
            hint=_CONVERT,
        ) from error
    if not text.strip():
        raise ConfigError(f"{_upper(source)} is empty: nothing was examined.")
    return _examined(text, encoding, source)


def _wide(data: bytes, source: str) -> Reading:
    """Bytes with NULs: UTF-16 or UTF-32 without a mark, or no text at all."""
    best, ascii_most = None, 0
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        # In the wrong order of bytes spaces and digits are other characters.
        plain = sum(map(text.count, string.ascii_letters + string.digits + " \n"))
        if plain > ascii_most and _is_text(text):
            note = f"There is no byte order mark: it was read as {encoding.upper()}."
            best, ascii_most = Reading(text, source, encoding, note), plain
    if best is None:
        raise _binary(source)
    return best


def _western(data: bytes, source: str, error: UnicodeDecodeError) -> Reading:
    """Windows-1252, of which Latin-1 is a part, if the bytes look like it."""
    line = data.count(b"\n", 0, error.start) + 1
    place = f"byte {error.start} (line {line})"
    if _is_torn(data):
        raise ConfigError(f"{_upper(source)} is damaged: it is UTF-8 up to {place}.", hint=_CONVERT)
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = "\0"
    letters = [c for c in text if c.isalpha()]
    foreign = sum(not c.isascii() for c in letters)
    if not _is_text(text) or foreign > MOST_FOREIGN * len(letters):
        raise ConfigError(
            f"{_upper(source)} is in an encoding that is not known, or no text: {place} is not"
            " UTF-8.",
            hint=_CONVERT,
        )
    note = f"It is not UTF-8 ({place}): it was read as Windows-1252 (Latin-1)."
    return Reading(text, source, "cp1252", note)


def _is_torn(data: bytes) -> bool:
    """Whether it is UTF-8 but for a few bytes."""
    text = data.decode(errors="replace")
    lost = text.count("\ufffd")
    return sum(not c.isascii() for c in text) - lost > 10 * lost


def _examined(text: str, encoding: str, source: str) -> Reading:
    if not _is_text(text):
        raise _binary(source)
    return Reading(text, source, encoding)


def _is_text(text: str) -> bool:
    """Whether next to nothing in it is a control, or a place where Unicode has no character."""
    strange = (c for c in set(text) - _CONTROLS if unicodedata.category(c) in _STRANGE)
    return sum(map(text.count, strange)) <= len(text) // 1000


def _binary(source: str) -> ConfigError:
    return ConfigError(f"{_upper(source)} is binary: it cannot be read as text.", hint=_CONVERT)


def _upper(source: str) -> str:
    return source.capitalize() if source.startswith(("the ", "standard ")) else source
