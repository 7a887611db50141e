"""Forms come in any pieces and any order; broken ones are refused, whatever is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import InvalidRequest, RequestError, Unsupported
from shortstop.server.form import LONGEST_FIELD, MOST_PARTS, Form

KIND = b"multipart/form-data; boundary=XX"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    head = f'--XX\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def read(body: bytes, size: int = 1 << 20, kind: bytes = KIND) -> tuple[Form, bytes]:
    form = Form(kind)
    content = b"".join(form.feed(body[i : i + size]) for i in range(0, len(body), size))
    form.close()
    return form, content


@given(
    content=st.binary(max_size=80) | st.just(b"\r\n--X\r\n--XX0\r\n"),
    size=st.integers(1, 40),
    last=st.booleans(),
)
def test_a_file_comes_through_as_it_is(content: bytes, size: int, last: bool) -> None:
    if b"\r\n--XX" in b"\r\n" + content:
        content = b"without the boundary"
    parts = [part("purpose", b"batch"), part("file", content, "übung.jsonl"), part("x", b"y")]
    body = b"".join(parts if last else parts[::-1]) + b"--XX--\r\n"
    form, got = read(body, size)
    assert got == content
    assert form.fields == {"purpose": "batch", "x": "y"}
    assert form.filename == "übung.jsonl"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--XX--\r\n",
        b"no form at all",
        part("purpose", b"batch"),
        part("purpose", b"batch") + b"--XX--\r\n",
        part("file", b"a", "a") + part("file", b"b", "b") + b"--XX--\r\n",
        part("file", b"a", "a"),
        part("purpose", b"x" * (LONGEST_FIELD + 1)) + b"--XX--\r\n",
        part("a", b"") * (MOST_PARTS + 1) + b"--XX--\r\n",
        b"--XX\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
        b"--XX\r\nContent-Disposition: " + b"x" * 100_000,
    ],
)
def test_broken_forms_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read(body)


@pytest.mark.parametrize(
    "kind", [b"", b"application/json", b"multipart/form-data", b"multipart/mixed; boundary=XX"]
)
def test_what_is_no_form_is_not_read(kind: bytes) -> None:
    with pytest.raises(Unsupported):
        Form(kind)


def test_a_boundary_of_any_length_is_read_or_refused_in_words() -> None:
    with pytest.raises(InvalidRequest):
        Form(b"multipart/form-data; boundary=" + b"b" * 1000)


@given(st.binary(max_size=200), st.binary(max_size=100))
def test_nothing_else_is_raised(body: bytes, kind: bytes) -> None:
    for boundary in (b"XX", kind):
        try:
            read(b"--XX\r\n" + body, 7, b"multipart/form-data; boundary=" + boundary)
        except RequestError:
            continue
