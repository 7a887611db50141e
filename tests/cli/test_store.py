"""`shortstop store`: a SQLite install moves into PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop.config import TracesConfig
from tests.cli.conftest import Shortstop
from tests.conftest import FakeClock
from tests.postgres import PostgresServer
from tests.traces.example import LOCAL, open_store, trace

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.schema import STEPS


@pytest.fixture
def config(home: Path, postgres: PostgresServer) -> Iterator[Path]:
    """It names an empty database, and the data folder has two rows and a key."""
    (home / "home").mkdir()
    store = open_store(home / "home" / "traces.db", TracesConfig(), FakeClock())
    for i in range(2):
        store.append(trace(f"r{i}", at=LOCAL.at + i))
    store.close()
    with postgres.database() as url:
        file = home / "shortstop.toml"
        file.write_text(f'[store]\nurl = "{url}"\n')
        yield file


def test_an_install_moves_and_goes_on(shortstop: Shortstop, config: Path, home: Path) -> None:

    text = config.read_text()
    config.write_text("")
    assert shortstop("keys", "create", "app").code == 0
    config.write_text(text)
    assert shortstop("report", "--json").code != 0, "there are no tables yet"
    early = shortstop("store", "check")
    assert (early.code, "shortstop store migrate" in early.err) == (2, True)
    assert json.loads(shortstop("store", "migrate", "--json").out) == {"steps": len(STEPS)}
    assert "can be used (PostgreSQL " in shortstop("store", "check").out
    assert list(json.loads(shortstop("store", "check", "--json").out)) == ["server"]
    assert shortstop("store", "migrate").out == "The tables were up to date.\n"
    finished = shortstop("store", "migrate", "--finish").out
    assert finished.endswith("Earlier versions of Shortstop are refused from now on.\n")
    moved = shortstop("store", "copy")
    assert moved.code == 0, moved.err
    assert "Copied and counted." in moved.out
    assert json.loads(shortstop("report", "--json").out)["total"]["requests"] == 2
    assert "app" in shortstop("keys", "list").out
    again = shortstop("store", "copy")
    assert (again.code, "in use already" in again.err) == (2, True)
    named = shortstop("report", "--json", "--db", str(home / "home" / "traces.db"))
    assert json.loads(named.out)["total"]["requests"] == 2, "a file that is named is read"


def test_the_counts_are_there_for_machines(shortstop: Shortstop, config: Path) -> None:
    copied = json.loads(shortstop("store", "copy", "--json").out)["tables"]
    traces = next(one for one in copied if one["name"] == "traces")
    assert traces == {"name": "traces", "source": 2, "target": 2, "copied": 2}


@pytest.mark.parametrize("words", [("copy",), ("migrate",), ("check",)])
def test_without_a_database_it_says_what_to_write(shortstop: Shortstop, words: str) -> None:
    result = shortstop("store", *words)
    assert result.code != 0
    assert 'url = "postgresql://' in result.err


def test_without_the_extra_it_says_what_to_install(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortstop.stores.find_spec", lambda name: None)
    (home / "shortstop.toml").write_text('[store]\nurl = "postgresql://h/x"\n')
    for words in (("store", "copy"), ("keys", "list")):
        result = shortstop(*words)
        assert result.code != 0
        assert "shortstop[postgres]" in result.err


def test_the_check_names_the_database_and_what_machines_must_share(
    shortstop: Shortstop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTSTOP_STORE_PASSWORD", "hunter2")
    (home / "shortstop.toml").write_text('[store]\nurl = "postgresql://gw@db.internal/x"\n')
    said = shortstop("config", "check").out
    assert (
        "Store: postgresql://gw@db.internal/x. Password from SHORTSTOP_STORE_PASSWORD: set." in said
    )
    assert "SHORTSTOP_TRACES_KEY and SHORTSTOP_PRIVACY_KEY are not set" in said
    assert "hunter2" not in said
