"""A log is read however it is packed and encoded."""

from __future__ import annotations

import gzip
import io
import json

import pytest

from shortstop.dialects.logs import unwrap
from shortstop.evaluate.log_lines import log_lines

ROWS = [{"messages": [{"role": "user", "content": "grüezi 東"}]}, {"messages": [], "n": 2}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode(),
        LINES.encode("utf-8-sig"),
        LINES.encode("utf-16"),
        gzip.compress(LINES.encode()),
        gzip.compress(LINES.encode("utf-16")),
        json.dumps(ROWS).encode(),
        json.dumps(ROWS, indent=2).encode("utf-8-sig"),
        LINES.replace("\n", "\r\n\r\n").encode(),
    ],
    ids=["plain", "bom", "utf-16", "gzip", "packed utf-16", "array", "pretty array", "crlf"],
)
def test_every_way_to_write_a_log_has_the_same_rows(data: bytes) -> None:
    assert [json.loads(line) for line in log_lines(io.BytesIO(data)) if line.strip()] == ROWS


def test_bodies_may_be_texts() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    row = {"request": json.dumps(ROWS[0]), "response": json.dumps({"usage": usage})}
    body, told = unwrap(json.dumps(row))
    assert body["messages"] == ROWS[0]["messages"]
    assert told is not None
    assert (told.prompt, told.completion) == (7, 2)
