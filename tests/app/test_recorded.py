"""What a gateway has recorded, as the workshop reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.app.recorded import DAY, Recorded
from shortstop.errors import ConfigError
from shortstop.registry.placements import Placement, Placements
from shortstop.stores import Paths
from tests.app.recorded import NOW, TOML, config, dated, erase, record, trace_of
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


def test_what_is_erased_is_known_though_it_is_too_old_to_be_learned_from(tmp_path: Path) -> None:
    """Somebody may have learned from it when it was younger; tasks learn from each other."""
    old = replace(trace_of(mails(1)[0]), id="old", conversation="c", at=NOW - 170 * DAY)
    settings = config(tmp_path)
    record(settings, [old, *(trace_of(e) for e in dated(mails(3)))])
    kept = Recorded(settings, {}, Paths.of(tmp_path, settings))
    assert [one.erased for one in kept.traffic(NOW + 1)[0].values()] == [set()]
    erase(settings, "acme", "c")
    assert [one.erased for one in kept.traffic(NOW + 1)[0].values()] == [{"old"}]


def test_what_cannot_be_opened_is_not_erased(tmp_path: Path) -> None:
    """Else a key that is not mounted would end every specialist."""
    kept = recorded(tmp_path)
    (tmp_path / "content.key").unlink()
    again = Recorded(config(tmp_path), {}, Paths.of(tmp_path, config(tmp_path)))
    (one,) = again.traffic(NOW + 1)[0].values()
    assert (len(one.examples), one.left_out["no-content"], one.erased) == (0, 3, set())
    assert kept.seal is not None


def test_who_answers_what_nobody_asks_any_more_is_looked_at(tmp_path: Path) -> None:
    kept = recorded(tmp_path)
    for name, state in (("one-1", "live"), ("two-2", "retired")):
        Placements(tmp_path).place(Placement(name, "acme", name[:3], state, NOW))
    traffic, _ = kept.traffic(NOW + 1)
    assert sorted(key.task for key in traffic) == ["mail", "one"]


def test_without_a_teacher_it_is_said_which_line_allows_one(tmp_path: Path) -> None:
    kept = recorded(tmp_path, toml=TOML.replace("teacher = true", ""))
    _, corrections = kept.traffic(NOW + 1)
    with pytest.raises(ConfigError, match="Nothing can be learned"):
        kept.require_teacher(corrections)
