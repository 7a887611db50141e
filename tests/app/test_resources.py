"""What lives as long as the process: what lasts, what is shared, and that closing closes it all."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from shortstop.app.resources import Resources
from shortstop.config import PrivacyConfig
from shortstop.errors import ConfigError, StoreError
from shortstop.privacy.audit import AuditEvent, records
from shortstop.privacy.names.tagger import Tagger
from shortstop.types import Json, Tier
from shortstop.workers.context import WorkerContext
from tests.app.parts import Home
from tests.traces.example import LOCAL

KEY = {"SHORTSTOP_PRIVACY_KEY": "a long random text"}
SCOPE = ("acme", "c1")
VALUES = {"Zed Alpha": "Jane Doe"}
EVENT = AuditEvent(1.0, "clear", "acme", "req_1")


def unredacted(body: Json, tenant: str) -> Json:
    return body


@contextmanager
def opened(home: Home, workers: WorkerContext | None = None) -> Iterator[Resources]:
    resources = Resources(home.config, home.env, workers, unredacted)
    try:
        yield resources
    finally:
        resources.close()


def audited(path: Path | str | None) -> PrivacyConfig:
    return PrivacyConfig(audit=None if path is None else str(path))


# ------------------------------------------------------------ what lasts


async def test_without_a_key_surrogates_die_with_the_process(home: Home) -> None:
    with opened(home) as resources:
        resources.vault.put(SCOPE, VALUES)
        assert resources.vault.get(SCOPE) == VALUES
        assert not resources.paths.vault.exists(), "nothing of it is on disk"
    with opened(home) as resources:
        assert resources.vault.get(SCOPE) == {}


async def test_under_the_operators_key_surrogates_last(home: Home) -> None:
    home.env |= KEY
    with opened(home) as resources:
        resources.vault.put(SCOPE, VALUES)
    with opened(home) as resources:
        assert resources.vault.get(SCOPE) == VALUES
    home.env["SHORTSTOP_PRIVACY_KEY"] = "another one"
    with opened(home) as resources:
        assert resources.vault.get(SCOPE) == {}, "whoever has another key reads nothing"


async def test_workers_share_surrogates_and_what_conversations_held(home: Home) -> None:
    home.env |= KEY
    crews = [WorkerContext(home.folder / "run", i) for i in range(2)]
    with opened(home, crews[0]) as one, opened(home, crews[1]) as other:
        one.vault.put(SCOPE, VALUES)
        assert other.vault.get(SCOPE) == VALUES
        one.taint.see("acme", "c1", Tier.S3)
        assert other.taint.tier("acme", "c1") == Tier.S3


async def test_what_a_conversation_held_is_remembered_after_a_restart(home: Home) -> None:
    with opened(home) as resources:
        resources.taint.see("acme", "c1", Tier.S2)
    with opened(home) as resources:
        assert resources.taint.tier("acme", "c1") == Tier.S2
        assert resources.taint.tier("acme", "c2") == Tier.S0


async def test_files_are_where_the_operator_says(home: Home, tmp_path: Path) -> None:
    traces, data = tmp_path / "books" / "rows.db", tmp_path / "data"
    text = home.file.read_text()
    home.configure(f'data_dir = "{data}"\n{text}[traces]\npath = "{traces}"\n')
    with opened(home) as resources:
        assert resources.traces.flush()
        assert resources.models.root == data / "models"
    assert traces.is_file()
    assert (data / "accounts.db").is_file()
    assert not (home.folder / "accounts.db").exists()


async def test_a_damaged_database_stops_the_start(home: Home) -> None:
    """Better than to serve and to keep no books."""
    (home.folder / "traces.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=r"traces\.db"):
        Resources(home.config, home.env, None, unredacted)


# ------------------------------------------------------------ the audit log


async def test_there_is_no_audit_log_unless_it_is_configured(home: Home) -> None:
    with opened(home) as resources:
        assert resources.audits.use(audited(None)) is None
        assert resources.audits.current is None


async def test_an_audit_log_is_opened_again_only_for_another_path(home: Home) -> None:
    home.env |= KEY
    first, second = home.folder / "audit.log", home.folder / "audit-2.log"
    with opened(home) as resources:
        log = resources.audits.use(audited(first))
        assert log is not None
        assert resources.audits.use(audited(first)) is log
        other = resources.audits.use(audited(second))
        assert other is not log
        assert resources.audits.current is other
        log.append(EVENT)  # a request that began under the old configuration
    assert [len(list(records(path))) for path in (first, second)] == [1, 0]


async def test_an_audit_log_needs_the_operators_key(home: Home) -> None:
    with opened(home) as resources:
        with pytest.raises(ConfigError, match=r"\$SHORTSTOP_PRIVACY_KEY"):
            resources.audits.use(audited(home.folder / "audit.log"))
        assert resources.audits.current is None


async def test_an_audit_log_of_another_key_stops_the_start(home: Home) -> None:
    home.env |= KEY
    path = home.folder / "audit.log"
    with opened(home) as resources:
        log = resources.audits.use(audited(path))
        assert log is not None
        log.append(EVENT)
    home.env["SHORTSTOP_PRIVACY_KEY"] = "another one"
    with opened(home) as resources, pytest.raises(StoreError, match="another key"):
        resources.audits.use(audited(path))


# ------------------------------------------------------------ the reader of names


class Taggers:
    """Stands in for the class `Tagger`: real ones, around a program of our own."""

    def __init__(self, *program: str) -> None:
        self.program = program
        self.made: list[Tagger] = []

    def __call__(self, seconds: float) -> Tagger:
        self.made.append(Tagger(seconds, self.program))
        return self.made[-1]


ECHO = (sys.executable, "-c", "import sys\nfor line in sys.stdin: print('[[]]', flush=True)")
"""Finds no names in one text."""
READS = PrivacyConfig(ner="en")


async def test_one_reader_of_names_whatever_is_reloaded(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    taggers = Taggers(*ECHO)
    monkeypatch.setattr("shortstop.app.children.Tagger", taggers)
    with opened(home) as resources:
        assert resources.tagger(PrivacyConfig()) is None
        await resources.warm()
        assert taggers.made == [], "off means off"
        tagger = resources.tagger(READS)
        assert tagger is not None
        assert resources.tagger(PrivacyConfig()) is None
        assert resources.tagger(msgspec.structs.replace(READS, timeout=9.0)) is tagger
        await resources.warm()
        assert await tagger.entities(["Jane"]) == [()]
        await resources.stop_children()
    assert taggers.made == [tagger]


async def test_names_that_cannot_be_read_do_not_stop_the_start(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shortstop.app.children.Tagger", Taggers("/no/such/program"))
    with opened(home) as resources:
        resources.tagger(READS)
        await resources.warm()
        await resources.stop_children()
    assert "names cannot be read" in caplog.text
    assert "stay local" in caplog.text


# ------------------------------------------------------------ closing


async def test_closing_leaves_no_file_open_and_no_thread(home: Home) -> None:
    home.env |= KEY
    with opened(home) as resources:
        resources.audits.use(audited(home.folder / "audit.log"))
        resources.vault.put(SCOPE, VALUES)
        resources.taint.see("acme", "c1", Tier.S3)
        assert resources.accounts.keys.all() == []
        assert resources.responses.forget("acme", "c1") == 0
        assert resources.traces.flush()
        names = {Path(name).name for name in home.open_files()}
        databases = {"accounts.db", "responses.db", "taint.db", "traces.db", "vault.db"}
        assert databases | {"audit.log", "audit.log.head"} <= names
    assert home.open_files() == set()
    assert "shortstop-traces" not in {thread.name for thread in threading.enumerate()}


async def test_closing_closes_the_audit_logs_of_earlier_configurations_too(home: Home) -> None:
    home.env |= KEY
    with opened(home) as resources:
        for name in ("a.log", "b.log", None, "c.log", "a.log"):
            resources.audits.use(audited(name and home.folder / name))
    assert home.open_files() == set()


async def test_closing_a_worker_closes_what_workers_share(home: Home) -> None:
    with opened(home, WorkerContext(home.folder / "run", 0)):
        assert any("/run/" in path for path in home.open_files())
    assert home.open_files() == set()


async def test_counters_are_complete_when_the_process_ends(home: Home) -> None:
    """What every request adds reaches the counters a moment later: closing does not wait."""
    with opened(home) as resources:
        resources.metrics.observe(LOCAL)
        assert counted(resources) == 0
    assert counted(resources) == 1


def counted(resources: Resources) -> float:
    metrics = resources.metrics.registry.collect()
    (requests,) = (metric for metric in metrics if metric.name == "shortstop_requests")
    return sum(s.value for s in requests.samples if s.name == "shortstop_requests_total")
