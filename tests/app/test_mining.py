"""What an operator is shown of traffic: masked, or not at all."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from shortstop.app.mining import HIDDEN, Anyone, Mine
from tests.app.recorded import NOW, config, dated, record, trace_of
from tests.flywheel.traffic import mails


def test_what_privacy_finds_is_masked(tmp_path: Path) -> None:
    mine = Mine(config(tmp_path), {})
    shown = mine._masked("Mail anna.muster@example.com about my card", "acme")
    assert "anna" not in shown
    assert "about my card" in shown


def test_what_cannot_be_masked_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Mine(config(tmp_path), {})

    def hang(*_: object) -> None:
        raise TimeoutError("the detectors hang")

    monkeypatch.setattr(mine._guard, "findings", hang)
    assert mine._masked("my card", "acme") == HIDDEN


LINES = b"\n".join(
    json.dumps(
        {"request": {"model": "big", "messages": [{"role": "user", "content": f"number {n}"}]}}
    ).encode()
    for n in range(200)
)
TORN = gzip.compress(LINES + b"\n" + os.urandom(1 << 17).hex().encode())[:-20_000]


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        (LINES, 200),
        (b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n"), 200),
        (gzip.compress(LINES), 200),
        (LINES.decode().encode("utf-16"), 200),
        (b"[" + LINES.replace(b"\n", b",") + b"]", 200),
    ],
)
def test_a_log_is_read_however_it_is_packed(tmp_path: Path, written: bytes, rows: int) -> None:
    log, mine = tmp_path / "log", Mine(config(tmp_path), {})
    log.write_bytes(written)
    ids = {row.id for row in mine.logged(log, NOW)}
    assert (len(ids), mine.bad) == (rows, [])


def test_a_log_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    log, mine = tmp_path / "log", Mine(config(tmp_path), {})
    log.write_bytes(TORN)
    assert len(list(mine.logged(log, NOW))) == 200
    ((number, why),) = mine.bad
    assert (number, "breaks off" in why) == (201, True)


def test_listing_needs_no_teacher(tmp_path: Path) -> None:
    settings = config(tmp_path, toml='[upstreams.v]\nbase_url="http://127.0.0.1:9"\n'
                                     "[upstreams.v.models.big]\n")  # fmt: skip
    record(settings, [trace_of(e) for e in dated(mails(10))])
    (task,) = Mine(settings, {}).tasks(NOW + 1, None, lambda rows: None)
    assert (task.task, task.requests, len(task.samples)) == ("mail", 10, 3)
    assert "anybody" in Anyone()
