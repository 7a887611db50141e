"""What a gateway has recorded, as the workshop reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.app.recorded import Recorded
from shortstop.errors import ConfigError
from shortstop.stores import Paths
from tests.app.recorded import NOW, TOML, config, dated, record, trace_of
from tests.flywheel.traffic import mails


def recorded(home: Path, rows: int = 3, toml: str = TOML) -> Recorded:
    settings = config(home, toml=toml)
    record(settings, [trace_of(e) for e in dated(mails(rows))])
    return Recorded(settings, {}, Paths.of(home, settings))


def test_rows_become_traffic_by_task(tmp_path: Path) -> None:
    told: list[int] = []
    traffic, corrections = recorded(tmp_path, 450).traffic(NOW + 1, advance=told.append)
    ((key, one),) = traffic.items()
    assert (key.task, one.requests, len(one.examples), len(corrections)) == ("mail", 450, 450, 0)
    assert sum(told) == 400


def test_the_row_of_an_example_is_found_again(tmp_path: Path) -> None:
    kept = recorded(tmp_path)
    traffic, _ = kept.traffic(NOW + 1)
    (one,) = traffic.values()
    for example in one.examples:
        row = kept.row_of(example)
        assert row is not None
        assert (row.id, row.request) == (example.id, trace_of(example).request)
    assert kept.row_of(replace(one.examples[0], id="another")) is None
    assert kept.row_of(replace(one.examples[0], tenant="another")) is None


def test_without_a_teacher_it_is_said_which_line_allows_one(tmp_path: Path) -> None:
    kept = recorded(tmp_path, toml=TOML.replace("teacher = true", ""))
    _, corrections = kept.traffic(NOW + 1)
    with pytest.raises(ConfigError, match="Nothing can be learned"):
        kept.require_teacher(corrections)
