"""A damaged file is named and set aside, or refused with a sentence: never a traceback.

Every file of a data folder is altered at places all over it, and cut off; then everything that
reads it at a start, and in a request, is done.
"""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from shortstop.accounts import Accounts, Grant, KeptAnswer
from shortstop.app.learned_state import LearnedState
from shortstop.config import TracesConfig
from shortstop.errors import RequestError, ShortstopError
from shortstop.privacy.replace.vault import Vault
from shortstop.routing import State, dump_state, packaged
from shortstop.stores.paths import Paths
from shortstop.stores.sqlite import SqliteStores
from shortstop.traces import TraceReader, TraceStore, journal
from shortstop.traces.keyfile import content_seal
from shortstop.traces.responses import StoredResponse, StoredResponses
from shortstop.types import Grade, Tier
from tests.conftest import FakeClock
from tests.coroutines import at_once
from tests.traces.example import LOCAL, trace

CONFIG = TracesConfig()
KEY = b"k" * 32
ANSWER = KeptAnswer(200, [(b"content-type", b"application/json")], b'{"text":"Paul"}' * 40)
PLACES = 12
"""Places in each file that are altered, and as many where it is cut off."""


def of(home: Path) -> Paths:
    return Paths(home, home / "traces.db")


@pytest.fixture(scope="module")
def secret() -> list[str]:
    return []


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, secret: list[str]) -> Path:
    """A data folder in which everything has been written."""
    home, clock = tmp_path_factory.mktemp("home"), FakeClock()
    paths = of(home)
    seal, stores = content_seal(CONFIG, {}, paths.content_key), SqliteStores(paths)
    with closing(TraceStore(stores.rows(), paths.journal, CONFIG, clock, seal=seal)) as traces:
        for i in range(8):
            traces.append(trace(f"r{i}", conversation="c1"))
            traces.grade(Grade(f"r{i}", "default", "reviewer", "small", 1.0, LOCAL.at, "x"))
    left = journal.Journal(paths.journal, fsync=False)
    for i in range(3):
        left.write(journal.FINISHED, b'{"id":"left%d"}' % i)
    left.close()
    with closing(Accounts(stores.accounts(), clock, seal)) as accounts:
        made, key = accounts.create(Grant(name="mail", rpm=50))
        secret.append(made)
        accounts.answers.claim(key.id, "t", b"asked")
        accounts.answers.keep(key.id, "t", ANSWER, ("default", "c1"))
    with closing(StoredResponses(stores.responses(), clock, seal)) as responses:
        responses.keep("me", StoredResponse("resp", None, [{"a": "b"}], {"id": "resp"}, "t", "c"))
    with closing(stores.taints(clock, 1e6, 1e6)) as taints:
        taints.keep("t", "c", Tier.S3)
    with closing(Vault(clock.time, 3600, store=stores.surrogates(), key=KEY)) as vault:
        vault.put(("t", "c"), {"Jane": "Anna"})
    state = State()
    state.prepare(packaged())
    LearnedState(paths.brain, None, seal).save(lambda: dump_state(state))
    return home


def use(home: Path, secret: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a start and a request do with each part."""
    clock, paths, stores = FakeClock(), of(home), SqliteStores(of(home))
    seal = content_seal(CONFIG, {}, paths.content_key)

    def traces() -> None:
        store = TraceStore(stores.rows(), paths.journal, CONFIG, clock, seal=seal)
        with closing(store):
            store.append(trace("new"))
            store.flush(0.2)
        stores.reports().summary()
        read = TraceReader(stores.reports(), seal)
        list(read.traces())
        list(read.graded())

    def accounts() -> None:
        with closing(Accounts(stores.accounts(), clock, seal)) as opened:
            caller = opened.identify(secret)
            at_once(opened.admitted(caller, 1))
            opened.answers.claim(str(caller.key), "t", b"asked")
            opened.answers.sweep()

    def responses() -> None:
        with closing(StoredResponses(stores.responses(), clock, seal)) as opened:
            opened.conversation("me", "resp")
            opened.seal_earlier()
            opened.forget("t", "c")

    def privacy() -> None:
        with ExitStack() as stack:
            taints = stack.enter_context(closing(stores.taints(clock, 1e6, 1e6)))
            taints.keep("t", "c", Tier.S2)
            taints.find("t", "c")
            taints.newest(9)
            vault = Vault(clock.time, 3600, store=stores.surrogates(), key=KEY)
            stack.enter_context(closing(vault))
            vault.get(("t", "c"))
            vault.put(("t", "c"), {"Joe": "Max"})
            vault.sweep()

    for part in (traces, accounts, responses, privacy):
        yield part.__name__, part
    yield "brain", LearnedState(paths.brain, None, seal).load


FILES = (
    "traces.db", "accounts.db", "responses.db", "taint.db", "vault.db", "brain.bin", "content.key",
    "traces.db.journal",
)  # fmt: skip


def altered(data: bytes, draw: random.Random) -> Iterator[bytes]:
    size = len(data)
    places = {*range(0, min(100, size), 7), *(draw.randrange(size) for _ in range(PLACES))}
    for place in sorted(places):
        yield data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]
        yield data[:place] + draw.randbytes(min(64, size - place)) + data[place + 64 :]
    for place in sorted(places)[::3]:
        yield data[:place]


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_told_not_raised(
    sound: Path, secret: list[str], tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    source = sound / name
    if source.is_dir():
        (source,) = source.glob("*.log")
    for number, data in enumerate(altered(source.read_bytes(), random.Random(name))):
        home = tmp_path / str(number)
        shutil.copytree(sound, home)
        (home / source.relative_to(sound)).write_bytes(data)
        try:
            for part, work in use(home, secret[0]):
                try:
                    work()
                except RequestError:
                    assert part == "accounts", "a key that is no longer known"
                except ShortstopError as error:
                    assert str(home) in error.message, (part, error.message)
        except ShortstopError as error:
            assert name == "content.key"
            assert str(home / name) in error.message
        shutil.rmtree(home)
