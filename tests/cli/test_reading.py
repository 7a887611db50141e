"""What cannot be read is never taken for something in which nothing was found."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shortstop.cli import reading
from shortstop.cli.reading import read_given
from shortstop.errors import ConfigError
from tests.cli.conftest import Shortstop

TEXT = "Sehr geehrte Frau Müller, die Kündigung geht an jane.doe@acme-corp.com – façade, 5 € übrig."
LATIN = TEXT.replace("–", "-").replace("€", "EUR")
EAST = "Уважаемая госпожа Иванова, пишите на jane.doe@acme-corp.com, номер 42."
FAR = "山田太郎様、連絡先は jane.doe@acme-corp.com です。よろしくお願いいたします。"


def written(folder: Path, data: bytes, name: str = "f.txt") -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    ("data", "text", "encoding", "noted"),
    [
        (TEXT.encode(), TEXT, "utf-8", ""),
        (TEXT.encode("utf-8-sig"), TEXT, "utf-8", ""),
        (FAR.encode(), FAR, "utf-8", ""),
        *((b + t.encode(e), t, e, "") for t in (TEXT, EAST, FAR) for e, b in (
            ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"),
            ("utf-32-le", b"\xff\xfe\0\0"), ("utf-32-be", b"\0\0\xfe\xff"),
        )),
        *((t.encode(e), t, e, "no byte order mark") for t in (TEXT, EAST, FAR) for e in (
            "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be",
        )),
        (LATIN.encode("latin-1"), LATIN, "cp1252", "byte 19 (line 1)"),
        (b"one\ntwo\n" + LATIN.encode("latin-1"), "one\ntwo\n" + LATIN, "cp1252", "(line 3)"),
        (TEXT.encode("cp1252"), TEXT, "cp1252", "Windows-1252"),
        (b"\x1b[31mred\x1b[0m log line\r\n\tindented\f", None, "utf-8", ""),
        (b"ID3 tags and RIFF files, says PK, GIF8 and BZh", None, "utf-8", ""),
    ],
)  # fmt: skip
def test_texts_in_usual_encodings_are_read(
    tmp_path: Path, data: bytes, text: str | None, encoding: str, noted: str
) -> None:
    got = read_given(written(tmp_path, data))
    assert got.text == (data.decode() if text is None else text)
    assert got.encoding == encoding
    assert noted in got.note
    assert bool(noted) == bool(got.note)


def docx() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:t>{TEXT}</w:t>")
    return out.getvalue()


def database(folder: Path) -> bytes:
    with closing(sqlite3.connect(folder / "x.db")) as db:
        db.execute("CREATE TABLE t (x)")
        db.commit()
    return (folder / "x.db").read_bytes()


UNREADABLE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "pdf": (lambda _: b"%PDF-1.7\n1 0 obj << /Length 9 >> stream ...", "is a PDF document"),
    "docx": (lambda _: docx(), "is a ZIP archive, as Word"),
    "empty zip": (lambda _: b"PK\x05\x06" + b"\0" * 18, "is an empty ZIP archive"),
    "rtf": (lambda _: rb"{\rtf1\ansi Frau M\'fcller}", "rich text"),
    "doc": (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "old Word"),
    "gzip": (lambda _: gzip.compress(TEXT.encode()), "compressed with gzip"),
    "bzip2": (lambda _: bz2.compress(TEXT.encode()), "compressed with bzip2"),
    "xz": (lambda _: lzma.compress(TEXT.encode()), "compressed with xz"),
    "png": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is a PNG image"),
    "jpeg": (lambda _: b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(range(200, 256)), "is a JPEG image"),
    "sqlite": (database, "is a SQLite database"),
    "program": (lambda _: Path(sys.executable).resolve().read_bytes()[:5000], "is a program"),
    "random": (lambda _: bytes((i * i * 7 + i * 13) % 256 for i in range(3000)), "is binary"),
    "controls": (lambda _: b"a\x01b\x02c\x03" * 9, "is binary"),
    "cyrillic": (lambda _: EAST.encode("cp1251"), "in an encoding that is not known"),
    "koi8": (lambda _: EAST.encode("koi8-r"), "in an encoding that is not known"),
    "shift-jis": (lambda _: FAR.encode("shift-jis"), "not known"),
    "gbk": (lambda _: "请联系张伟，电话一三八".encode("gbk"), "not known"),
    "ebcdic": (lambda _: LATIN.encode("cp500"), "it cannot be read as text|not known"),
    "torn utf-8": (lambda _: FAR.encode()[:-2], "is damaged: it is UTF-8 up to byte"),
    "torn utf-16": (lambda _: b"\xff\xfe" + TEXT.encode("utf-16-le")[:-1], "is damaged"),
    "empty": (lambda _: b"", "is empty"),
    "blank": (lambda _: b" \n\t\n", "is empty"),
    "mark alone": (lambda _: b"\xff\xfe", "is empty"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_refused_with_what_it_is(tmp_path: Path, name: str) -> None:
    make, why = UNREADABLE[name]
    path = written(tmp_path, make(tmp_path))
    with pytest.raises(ConfigError, match=why) as raised:
        read_given(path)
    assert path in raised.value.message


def test_a_folder_a_closed_file_and_a_huge_one_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        read_given(str(tmp_path))
    path = written(tmp_path, b"x" * 2000)
    monkeypatch.setattr(reading, "LARGEST", 1000)
    with pytest.raises(ConfigError, match="not read at once"):
        read_given(path)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ConfigError, match="cannot be read: permission denied"):
        read_given(path)
    monkeypatch.setattr(os, "stat", refused)
    with pytest.raises(ConfigError, match="cannot be read: permission denied"):
        read_given(path)


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    hears, says = os.pipe()
    os.write(says, TEXT.encode("utf-16"))
    os.close(says)
    assert read_given(f"/dev/fd/{hears}").text == TEXT
    os.close(hears)


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "Standard input is empty"), (docx(), "Standard input is a ZIP"), (b"\0\1", "is binary")],
)
def test_standard_input_is_held_to_the_same(
    monkeypatch: pytest.MonkeyPatch, data: bytes, why: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    with pytest.raises(ConfigError, match=why):
        read_given("-")


def test_bytes_on_the_command_line_are_read_as_such() -> None:
    argument = "an Frau M\udcfcller"  # as Python hands over Latin-1
    assert read_given(argument).text == "an Frau Müller"


def test_an_empty_text_is_none() -> None:
    with pytest.raises(ConfigError, match="nothing was examined"):
        read_given(" ")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_command_finds_it_in_every_encoding_and_refuses_the_rest(
    shortstop: Shortstop, home: Path, form: tuple[str, ...]
) -> None:
    for encoding in ("utf-8", "utf-16", "utf-16-le", "cp1252", "utf-8-sig"):
        (home / "f").write_bytes(TEXT.encode(encoding))
        result = shortstop("privacy", "explain", "f", *form)
        assert result.code == 0, result.err
        assert "EMAIL" in result.out
        assert ("Note: " in result.err) == (encoding in ("utf-16-le", "cp1252"))
    for name, (make, _) in UNREADABLE.items():
        path = written(home, make(home), f"{name}.bin")
        result = shortstop("privacy", "explain", path, *form)
        assert (result.code, result.out) == (2, ""), name
        assert "Traceback" not in result.err
        assert "nothing found" not in result.err


def test_broken_json_is_read_as_a_text_and_that_is_said(shortstop: Shortstop, home: Path) -> None:
    (home / "r.json").write_text('{"messages": [{"content": "to jane.doe@acme-corp.com"}')
    result = shortstop("privacy", "explain", "r.json")
    assert result.code == 0
    assert "EMAIL" in result.out
    assert "It is no JSON object" in result.err
