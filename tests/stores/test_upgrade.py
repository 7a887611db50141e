"""Files as version 0.1.0 wrote them open, lose nothing, and go on being written.

`earlier/` holds their dumps, made by that version.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from shortstop.accounts import Accounts
from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.privacy.replace.vault import Vault
from shortstop.stores.paths import Paths
from shortstop.stores.sqlite import SqliteStores
from shortstop.stores.sqlite.migrate import version
from shortstop.traces import TraceReader
from shortstop.traces.responses import StoredResponses
from shortstop.traces.seal import Seal
from shortstop.types import Tier
from tests.conftest import FakeClock
from tests.coroutines import at_once
from tests.traces.example import open_store, trace, traces

QUESTION = {"role": "user", "content": "Where is my card?"}
OPEN = b'{"role":"user","content":"Where is my card?"}'
EARLIER = Path(__file__).parent / "earlier"


@pytest.fixture
def stores(tmp_path: Path) -> SqliteStores:
    for dump in EARLIER.glob("*.sql"):
        with closing(sqlite3.connect(tmp_path / f"{dump.stem}.db")) as db:
            db.executescript(dump.read_text())
    return SqliteStores(Paths(tmp_path, tmp_path / "traces.db"))


@contextmanager
def heard(words: str) -> Iterator[threading.Event]:
    """Set as soon as the log says that."""
    event = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if words in record.getMessage():
                event.set()

    handler = Listener()
    logging.getLogger("shortstop").addHandler(handler)
    try:
        yield event
    finally:
        logging.getLogger("shortstop").removeHandler(handler)


def test_traces(stores: SqliteStores, clock: FakeClock) -> None:
    path = stores.paths.traces
    with pytest.raises(StoreError, match="brings the file up to date"):
        stores.reports().summary()
    store = open_store(path, TracesConfig(), clock)
    store.append(trace("new", at=clock.time() + 10))
    store.close()
    rows = {row.id: row for row in TraceReader(stores.reports(), Seal("key")).traces()}
    assert list(rows) == ["plain", "remote", "pinned", "sealed", "new"]
    for id in ("plain", "remote", "sealed", "new"):
        response = rows[id].response
        assert response is not None
        assert [choice.text for choice in response] == ["card_arrival"]
    assert rows["pinned"].response is None
    assert rows["sealed"].request == rows["plain"].request
    assert [row.response for row in traces(path) if row.id == "sealed"] == [None]
    total = stores.reports().summary().total
    assert (total.requests, total.local, total.escalated, total.pinned) == (5, 4, 1, 1)
    assert total.cost == 4 * Decimal("0.00001") + Decimal("0.0005")
    assert store.health().dropped == 0


def test_content_that_lies_open_is_sealed_at_the_start_and_gone_from_the_file(
    stores: SqliteStores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path, seal = stores.paths.traces, Seal("key")
    with closing(sqlite3.connect(path)) as db:  # what was deleted is still in free pages
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("INSERT INTO bodies SELECT seq + 900, trace FROM bodies WHERE seq = 1")
        db.execute("DELETE FROM bodies WHERE seq > 900")
        db.commit()
    assert OPEN in path.read_bytes()
    with caplog.at_level(logging.INFO), heard("are sealed") as sealed:
        store = open_store(path, TracesConfig(), clock, seal=seal)
        assert sealed.wait(10)
        store.close()
    assert "4 rows and corrections of an earlier version are sealed" in caplog.text
    kept = b"".join(one.read_bytes() for one in path.parent.glob("traces.db*") if one.is_file())
    for words in (OPEN, b"Where is my card", b"card_arrival"):
        assert words not in kept
    rows = {row.id: row for row in TraceReader(stores.reports(), seal).traces()}
    assert rows["plain"].request == rows["sealed"].request == {"messages": [QUESTION]}
    assert {row.digest[:1] for row in rows.values()} == {"k"}
    assert [row.request for row in traces(path)] == [None] * 4, "without the key"
    assert stores.reports().summary().total.requests == 4
    caplog.clear()
    open_store(path, TracesConfig(), clock, seal=seal).close()
    assert "earlier version" not in caplog.text, "once"


def test_without_a_key_nothing_is_rewritten(stores: SqliteStores, clock: FakeClock) -> None:
    path = stores.paths.traces
    open_store(path, TracesConfig(), clock).close()
    assert OPEN in path.read_bytes()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM earlier").fetchone() == (4,)


def test_a_row_that_cannot_be_read_holds_up_no_other_and_does_not_stay_open(
    stores: SqliteStores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path, seal = stores.paths.traces, Seal("key")
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE bodies SET trace = substr(trace, 1, 700) WHERE seq = 1")
        db.commit()
    with caplog.at_level(logging.INFO), heard("are sealed") as sealed:
        store = open_store(path, TracesConfig(), clock, seal=seal)
        assert sealed.wait(10)
        store.close()
    assert "is unreadable, and not kept" in caplog.text
    assert OPEN not in path.read_bytes()
    read = TraceReader(stores.reports(), seal)
    assert [row.id for row in read.traces()] == ["remote", "pinned", "sealed"]
    assert read.unreadable == 1


def test_accounts(stores: SqliteStores, clock: FakeClock) -> None:
    accounts = Accounts(stores.accounts(), clock)
    caller = accounts.identify("sk-ss-golden")
    key = accounts.keys.get(caller.key or "")
    assert key is not None
    assert (key.name, key.tenant, key.rpm) == ("mail", "acme", 5)
    assert accounts.balance(key).spent == Decimal("0.125")
    admission = at_once(accounts.admitted(caller, 0))
    assert admission.headers["x-ratelimit-remaining-requests"] == "3"
    assert admission.headers["x-ratelimit-remaining-tokens"] == "900"
    assert accounts.answers.claim(key.id, "token", b"asked") is None, "it lay open, and is gone"
    accounts.answers.sweep()
    assert b"9192C40161C40162" not in stores.paths.accounts.read_bytes().hex().upper().encode()
    accounts.close()


def test_what_an_earlier_version_had_begun_is_free(stores: SqliteStores, clock: FakeClock) -> None:
    """Its owners were process ids, which the next process of a container has again."""
    with closing(sqlite3.connect(stores.paths.accounts)) as db:
        values = (os.getpid(), clock.time())
        held = ("INSERT INTO holds VALUES ('h', 'key_golden', 7, ?, ?)", values)
        claimed = (
            "INSERT INTO answers (caller, token, asked, owner, at) VALUES ('me', 't', x'00', ?, ?)",
            values,
        )
        for statement in (held, claimed):
            db.execute(*statement)
        db.execute("UPDATE purses SET held = 7")
        db.commit()
    with closing(stores.accounts()) as store:
        assert store.recover(0) == 1
        assert store.balance("key_golden", "total") == (125_000_000_007, 0)
        assert store.claim_answer("me", "t", b"\0", clock.time(), 0) is None
        assert store.claim_answer("me", "t", b"\0", clock.time(), 0) is not None


def test_responses_taints_and_surrogates(stores: SqliteStores, clock: FakeClock) -> None:
    responses = StoredResponses(stores.responses(), clock)
    assert responses.conversation("acme", "resp_1") == [{"text": "hello"}]
    assert responses.forget("acme", "c1") == 1
    responses.close()
    taints = stores.taints(clock, 100, 100)
    assert taints.find("acme", "c1") == Tier.S3
    taints.close()
    vault = Vault(clock.time, 3600, store=stores.surrogates(), key=b"k" * 32)
    assert vault.get(("acme", "c1")) == {"Jane": "Anna"}
    vault.close()
    for path in (stores.paths.responses, stores.paths.taints, stores.paths.vault):
        with closing(sqlite3.connect(path)) as db:
            assert version(db) == 1
