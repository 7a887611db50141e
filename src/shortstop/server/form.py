"""Reads `multipart/form-data`: small fields, and one file that is handed on as it comes."""

from __future__ import annotations

from functools import partial

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shortstop.errors import InvalidRequest, Unsupported

FORM_TYPE = b"multipart/form-data"
LONGEST_FIELD = 1024
"""Bytes of a field that is no file."""
MOST_PARTS = 16


class Form:
    """`file` is the name of the field that is a file; `filename` what the client calls it, None
    before it has begun. Feed it what comes, then `close`; both raise InvalidRequest."""

    def __init__(self, content_type: bytes, file: str = "file") -> None:
        """Raises Unsupported for any other type."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != FORM_TYPE or not boundary:
            raise Unsupported(
                "The body must be multipart/form-data.",
                hint="Send the fields `purpose` and `file` as a form, as the SDKs do.",
            )
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self._file = file
        self._parts = 0
        self._complete = False
        self._header = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._value = b""
        self._in_file = False
        self._content: list[bytes] = []
        steps = {
            "on_part_begin": self._begin,
            "on_header_begin": self._begin_header,
            "on_header_field": partial(self._part_of_header, value=False),
            "on_header_value": partial(self._part_of_header, value=True),
            "on_header_end": self._end_header,
            "on_headers_finished": self._named,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }
        try:
            self._parser = MultipartParser(boundary, steps)  # type: ignore[arg-type]
        except FormParserError as error:
            raise _malformed() from error

    def feed(self, data: bytes) -> bytes:
        """What of it is of the file."""
        if self._complete:
            return b""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed() from error
        content, self._content = b"".join(self._content), []
        return content

    def close(self) -> None:
        """There is no more."""
        if not self._complete:
            raise InvalidRequest("The form ends before its last boundary.")
        if self.filename is None:
            raise InvalidRequest(f"The form has no file {self._file!r}.", param=self._file)

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise InvalidRequest(f"The form has more than {MOST_PARTS} parts.")
        self._headers, self._name, self._value = {}, "", b""

    def _begin_header(self) -> None:
        self._header = self._value = b""

    def _part_of_header(self, data: bytes, start: int, end: int, *, value: bool) -> None:
        if value:
            self._value += data[start:end]
        else:
            self._header += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value

    def _named(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file, self._value = self._name == self._file, b""
        if self._in_file:
            if self.filename is not None:
                raise InvalidRequest(f"The form has two files {self._file!r}.", param=self._file)
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")[:255]

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._content.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > LONGEST_FIELD:
            raise InvalidRequest(
                f"The field {self._name[:64]!r} has more than {LONGEST_FIELD} bytes.",
                param=self._name[:64],
            )

    def _end(self) -> None:
        if not self._in_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")

    def _finish(self) -> None:
        self._complete = True


def _malformed() -> InvalidRequest:
    return InvalidRequest("The body is no well-formed multipart/form-data.")
