"""Who is alive is known by a lock: whatever its process id, and however it ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shortstop.stores import Paths, open_stores
from shortstop.stores.owners import Owner

AT = 1_795_000_000.0

OWN = """
import os, sys
from pathlib import Path
from shortstop.stores.owners import Owner
owner = Owner(Path(sys.argv[1]))
print(owner.name, flush=True)
sys.stdin.read()
"""
HOLD_AND_CLAIM = """
import os, sys
from pathlib import Path
from shortstop.stores import Paths, open_stores
home = Path(sys.argv[1])
store = open_stores(Paths(home, home / "traces.db")).accounts()
assert store.hold("request", "key", "window", 5, 100, 1_795_000_000.0)
assert store.claim_answer("me", "token", b"asked", 1_795_000_000.0, 0) is None
print(os.getpid(), flush=True)
sys.stdin.read()
"""
RECOVER = """
import os, sys
from pathlib import Path
from shortstop.stores import Paths, open_stores
home = Path(sys.argv[1])
store = open_stores(Paths(home, home / "traces.db")).accounts()
freed = store.recover(0)
claim = store.claim_answer("me", "token", b"asked", 1_795_000_001.0, 0)
print(os.getpid(), freed, claim)
"""
CONTAINER = ("unshare", "--pid", "--fork", "--kill-child")


@contextmanager
def running(
    script: str, folder: Path, prefix: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the line that it says first."""
    command = [*prefix, sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def has_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0


def test_an_owner_lives_until_it_closes(tmp_path: Path) -> None:
    one, other = Owner(tmp_path), Owner(tmp_path)
    assert one.name != other.name
    assert one.name == one.name
    assert all(owner.lives(name) for owner in (one, other) for name in (one.name, other.name))
    gone = one.name
    one.close()
    assert not other.lives(gone)
    assert not other.lives("")
    assert not other.lives("never")
    assert one.name != gone, "it comes back as somebody else"
    one.close()
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_an_owner_lives_until_it_is_killed(tmp_path: Path) -> None:
    with running(OWN, tmp_path) as (process, name), closing(Owner(tmp_path)) as watcher:
        assert watcher.lives(name)
        process.kill()
        process.wait()
        assert not watcher.lives(name)
        assert not watcher.lives(name)


def test_who_begins_sweeps_up_after_the_dead_alone(tmp_path: Path) -> None:
    with running(OWN, tmp_path) as (living, name):
        with running(OWN, tmp_path) as (dying, dead):
            dying.kill()
            dying.wait()
            assert {p.name for p in tmp_path.iterdir()} == {name, dead}
            owner = Owner(tmp_path)
            assert {p.name for p in tmp_path.iterdir()} == {name, dead}, "nothing is owned yet"
            assert {owner.name, name} == {p.name for p in tmp_path.iterdir()}
            assert owner.lives(name)
            owner.close()
        living.kill()


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    with closing(Owner(tmp_path / "owners")) as owner:
        file = tmp_path / "owners" / owner.name
        assert file.stat().st_mode & 0o077 == 0
        assert file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not has_namespaces(), reason="needs `unshare --pid`, as root")
def test_the_next_container_has_the_same_process_id_and_is_somebody_else(tmp_path: Path) -> None:
    with running(HOLD_AND_CLAIM, tmp_path, CONTAINER) as (first, pid):
        busy = subprocess.run(
            [*CONTAINER, sys.executable, "-c", RECOVER, str(tmp_path)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert busy.stdout.split()[:2] == [pid, "0"], "another container, while the first lives"
        assert "IdempotencyRecord" in busy.stdout
        first.kill()
        first.wait()
        freed = subprocess.run(
            [*CONTAINER, sys.executable, "-c", RECOVER, str(tmp_path)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert freed.stdout.split() == [pid, "1", "None"]


def test_a_process_id_that_lives_again_owns_nothing(tmp_path: Path) -> None:
    """As files of version 0.1.0 have it, where the owner was a process id: ours."""
    stores = open_stores(Paths(tmp_path, tmp_path / "traces.db"))
    with closing(stores.accounts()) as store:
        assert store.hold("a", "k", "w", 5, 100, AT)
        with store._database.writing() as db:  # type: ignore[attr-defined]
            db.execute("UPDATE holds SET owner = ?", (str(os.getpid()),))
        assert store.recover(0) == 1
