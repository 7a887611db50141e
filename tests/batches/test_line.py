"""A line is a request of its batch, or it is said what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.batches.line import LONGEST_ID, BadLine, read_line
from tests.batches.world import ENDPOINT, line


def wrong(data: bytes) -> tuple[str, str | None, int | None]:
    with pytest.raises(BadLine) as caught:
        read_line(7, data, ENDPOINT)
    fault = caught.value.fault
    return fault.code, fault.param, fault.line


def test_a_line_is_read_and_its_body_left_alone() -> None:
    body = b'{"model": "auto",  "odd": [1, 2.50, {"x": null}], "stream": false}'
    data = b'{"custom_id":"a","method":"POST","url":"%b","body":%b}' % (ENDPOINT.encode(), body)
    read = read_line(3, b"\n \n" + data + b"\r\n", ENDPOINT)
    assert (read.number, read.custom_id, read.model, read.body) == (3, "a", "auto", body)


def test_a_file_may_begin_with_a_mark_of_utf_8_and_with_no_other() -> None:
    """As editors and shells of some systems write it."""
    assert read_line(1, line("ä").decode().encode("utf-8-sig"), ENDPOINT).custom_id == "ä"
    for order in ("le", "be"):
        with pytest.raises(BadLine, match="UTF-16"):
            read_line(1, ("\ufeff" + line("a").decode()).encode(f"utf-16-{order}"), ENDPOINT)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"custom_id": None}, "invalid_type", "custom_id"),
        ({"custom_id": ""}, "invalid_custom_id", "custom_id"),
        ({"custom_id": "x" * (LONGEST_ID + 1)}, "invalid_custom_id", "custom_id"),
        ({"method": "GET"}, "invalid_method", "method"),
        ({"url": "/v1/embeddings"}, "invalid_url", "url"),
        ({"url": ["/v1/embeddings"]}, "invalid_type", "url"),
        ({"body": {}}, "missing_required_parameter", "body.model"),
        ({"body": {"model": 3}}, "invalid_type", "body.model"),
        ({"body": []}, "invalid_type", "body"),
        ({"body": {"model": "auto", "stream": True}}, "invalid_request", "body.stream"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], code: str, param: str | None) -> None:
    assert wrong(line("a", **changes)) == (code, param, 7)


@pytest.mark.parametrize("field", ["custom_id", "method", "url", "body"])
def test_what_is_missing_is_named(field: str) -> None:
    whole = json.loads(line("a"))
    del whole[field]
    assert wrong(json.dumps(whole).encode()) == ("missing_required_parameter", field, 7)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b"[" * 100_000, b'{"a":1}{"b":2}', b"\0"]
)
def test_broken_lines_are_broken(data: bytes) -> None:
    assert wrong(data)[0] in ("invalid_json_line", "missing_required_parameter")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_nothing_else_is_raised(data: bytes) -> None:
    wrong(data)
