"""`[store]`: a database is named without its password, and found with it."""

from __future__ import annotations

import pytest

from shortstop.config import parse
from shortstop.config.store import StoreConfig, store_url
from shortstop.errors import ConfigError


def test_nothing_is_asked_of_a_file_without_it() -> None:
    assert store_url(parse("", {}).store, {}) == ""


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway@db.internal:5432/shortstop",
        "postgres:///shortstop?host=/run/postgresql",
        "postgresql://a,b/shortstop?target_session_attrs=read-write&sslmode=verify-full",
    ],
)
def test_urls_of_postgresql_are_taken(url: str) -> None:
    assert parse(f'[store]\nurl = "{url}"', {}).store.url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://db/x", "no URL of PostgreSQL"),
        ("db.internal", "no URL of PostgreSQL"),
        ("postgresql://gateway:hunter2@db/x", "must not hold a password"),
        ("postgresql://gateway@db/x?password=hunter2", "must not hold a password"),
        ("postgresql://[db/x", "no URL of PostgreSQL"),
    ],
)
def test_others_are_refused_without_showing_a_password(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        parse(f'[store]\nurl = "{url}"', {})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "taken"),
    [("db.example.com", False), ("10.0.0.7", True), ("localhost:5433", True), ("", True)],
)
def test_an_air_gap_keeps_the_database_near(host: str, taken: bool) -> None:
    text = f'[store]\nurl = "postgresql://{host}/x"\n[privacy]\nairgap = true'
    if taken:
        assert parse(text, {}).privacy.airgap
    else:
        with pytest.raises(ConfigError, match="airgap = true allows no database"):
            parse(text, {})


@pytest.mark.parametrize("url", ["postgresql://u@h/db", "postgresql://u@h/db?sslmode=require"])
def test_the_password_comes_from_the_environment(url: str) -> None:
    conninfo = pytest.importorskip("psycopg").conninfo
    config, env = StoreConfig(url), {"SHORTSTOP_STORE_PASSWORD": "p&ss w=rd/%"}
    assert store_url(config, {}) == url
    parts = conninfo.conninfo_to_dict(store_url(config, env))
    assert (parts["user"], parts["host"], parts["dbname"]) == ("u", "h", "db")
    assert parts["password"] == "p&ss w=rd/%"
