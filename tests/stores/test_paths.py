"""Every file has one name, below the data folder, but for traces that the operator moved."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from shortstop.config import Config, TracesConfig
from shortstop.stores import Paths

HOME = Path("/home/of/data")


def test_names_are_those_of_earlier_versions() -> None:
    paths = Paths.of(HOME, Config())
    assert {name: getattr(paths, name).relative_to(HOME).as_posix() for name in (
        "traces", "journal", "responses", "accounts", "taints", "vault", "brain", "run", "run_lock",
        "models", "content_key", "runs",
    )} == {
        "traces": "traces.db",
        "journal": "traces.db.journal",
        "responses": "responses.db",
        "accounts": "accounts.db",
        "taints": "taint.db",
        "vault": "vault.db",
        "brain": "brain.bin",
        "run": "run",
        "run_lock": "run.lock",
        "models": "models",
        "content_key": "content.key",
        "runs": "runs.db",
    }  # fmt: skip


def test_traces_go_where_the_operator_says_and_their_journal_with_them() -> None:
    config = replace(Config(), traces=TracesConfig(path="/big/disk/rows.db"))
    paths = Paths.of(HOME, config)
    assert paths.traces == Path("/big/disk/rows.db")
    assert paths.journal == Path("/big/disk/rows.db.journal")
    assert paths.accounts.parent == HOME
