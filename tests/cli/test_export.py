"""`shortstop export`: rows as files, by the same filters as over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shortstop.config import TracesConfig
from shortstop.console.format import many
from shortstop.traces.keyfile import content_seal
from tests.cli.conftest import Shortstop
from tests.conftest import FakeClock
from tests.traces.example import LOCAL, open_store, trace

QUESTION = {"messages": [{"role": "user", "content": "Mail jane.doe@acme-corp.com about it."}]}


@pytest.fixture(autouse=True)
def kept(home: Path) -> None:
    folder = home / "home"
    folder.mkdir()
    seal = content_seal(TracesConfig(), {}, folder / "content.key")
    store = open_store(folder / "traces.db", TracesConfig(), FakeClock(), seal=seal)
    store.append(trace("a", request=QUESTION, tag="nightly", key="key_1"))
    store.append(trace("b", at=LOCAL.at + 60, tenant="acme", request=QUESTION, run="run-1"))
    store.append(trace("c", at=LOCAL.at + 90, outcome="error", request=QUESTION))
    store.close()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), "abc"),
        (("--tag", "nightly"), "a"),
        (("--key", "key_1"), "a"),
        (("--run", "run-1", "--tenant", "acme"), "b"),
        (("--outcome", "error"), "c"),
        (("--task", "intent", "--target", "small"), "abc"),
        (("--since", "1h"), ""),
    ],
)
def test_rows_are_chosen(shortstop: Shortstop, options: tuple[str, ...], found: str) -> None:
    result = shortstop("export", *options)
    assert result.code == 0, result.err
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert "".join(row["id"] for row in rows) == found
    assert f"{many(len(found), 'line')} of {many(len(found), 'row')}." in result.err
    assert all(row["request"] == QUESTION for row in rows)


def test_what_privacy_finds_is_masked_if_it_is_to_be(shortstop: Shortstop) -> None:
    masked = shortstop("export", "--content", "masked").out
    assert "jane.doe" not in masked
    assert "about it." in masked
    assert "about it." not in shortstop("export", "--content", "none").out


def test_a_table_is_written_to_a_file_of_ones_own(shortstop: Shortstop, home: Path) -> None:
    result = shortstop("export", "--format", "parquet", "--out", "rows.parquet")
    assert (result.code, result.err) == (0, "3 rows.\n")
    assert pq.read_table(home / "rows.parquet").num_rows == 3
    assert (home / "rows.parquet").stat().st_mode & 0o777 == 0o600
    assert shortstop("export", "--format", "parquet").code == 2


def test_chats_need_answers_that_may_be_learned_from(shortstop: Shortstop) -> None:
    result = shortstop("export", "--format", "openai")
    assert result.code == 2
    assert "teacher" in result.err
