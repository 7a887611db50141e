"""What the command line does to a gateway is in the log that the gateway keeps."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from shortstop.config import TracesConfig
from shortstop.privacy.audit import records
from shortstop.traces.keyfile import content_seal
from tests.batches.world import ME, World, asked, line
from tests.cli.conftest import Shortstop
from tests.cli.test_specialists import keep
from tests.conftest import FakeClock


def test_acts_of_every_kind_are_written_down(shortstop: Shortstop, home: Path) -> None:
    name = keep(home, "candidate")
    seal = content_seal(TracesConfig(), {}, home / "home" / "content.key")
    with closing(World(home / "home", FakeClock(time.time()), seal)) as world:
        id = world.book.create(ME, None, asked(world.upload(line("a")).row.id), {}).id
    for arguments in (
        ("routing", "override", "mail", "local"),
        ("specialists", "promote", name),
        ("specialists", "rollback", name),
        ("specialists", "retire", name),
        ("batch", "cancel", id),
        ("keys", "create", "anna"),
    ):
        result = shortstop(*arguments)
        assert result.code == 0, result.err
    details = [one.event.detail for one in records(home / "home" / "changes.log")]
    assert [detail.partition(": ")[2] for detail in details] == [
        "route of mail to local",
        f"specialist {name} to live",
        f"specialist {name} back",
        f"specialist {name} to retired",
        f"cancel {id} of {ME.name}",
        "make key anna",
    ]


def test_where_it_cannot_be_written_down_that_is_said(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTSTOP_TRACES_KEY", "of the gateway")
    assert shortstop("routing", "override", "mail", "local").err == ""
    monkeypatch.delenv("SHORTSTOP_TRACES_KEY")
    result = shortstop("routing", "override", "mail", "frontier")
    assert (result.code, "not in the log of changes" in result.err) == (0, True)
