"""A real PostgreSQL of the tests' own: one server a session, in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

PROGRAMS = ("postgres", "initdb", "pg_ctl")
USER, GUARDED = "shortstop", "guarded"
PASSWORD = "right horse"
SETTINGS = (
    "-c fsync=off -c full_page_writes=off -c listen_addresses=''"
    " -c max_connections=60 -c shared_buffers=32MB"
)
HBA = f"local all {GUARDED} scram-sha-256\nlocal all all trust\n"


class PostgresServer:
    """Speaks on a socket in its folder alone. Everybody may come in but `guarded`, who needs a
    password."""

    def __init__(self, folder: Path, settings: str = SETTINGS) -> None:
        self.folder = folder
        self._settings = settings
        self._numbers = count()
        self._prefix = as_another_user(folder)
        self._run("initdb", "-D", self._data, "-U", USER, "--auth=trust", "--no-sync",
                  "--locale=C", "--encoding=UTF8")  # fmt: skip
        (self._data / "pg_hba.conf").write_text(HBA)
        self.start()
        self.sql(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        options = f"{self._settings} -c unix_socket_directories='{self.folder}'"
        self._run(
            "pg_ctl", "-D", self._data, "-l", self.folder / "log", "-w", "-o", options, "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Gone for a while."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Every one of its processes stands still: it takes connections and answers nothing."""
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        everyone = [postmaster, *map(int, children)]
        for pid in everyone:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in everyone:
                os.kill(pid, signal.SIGCONT)

    def url(self, database: str, user: str = USER, password: str = "") -> str:
        secret = f":{quote(password)}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={quote(str(self.folder), safe='')}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty one."""
        name = f"t{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *args: object) -> None:
        command = [*self._prefix, str(shutil.which(program)), *map(str, args)]
        with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open in the server
            done = subprocess.run(command, stdout=output, stderr=output, cwd=self.folder)
            output.seek(0)
            assert done.returncode == 0, output.read()


def as_another_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: what to put before its commands then."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(str(path)) == 0


@contextmanager
def running(settings: str = SETTINGS) -> Iterator[PostgresServer]:
    """Skips where there is no PostgreSQL, or nothing to speak to it with."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no PostgreSQL here ({', '.join(missing)} not on PATH): this test needs one")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        server = PostgresServer(folder, settings)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def pgbouncer(server: PostgresServer) -> Iterator[Callable[[str], str]]:
    """PgBouncer in transaction mode before the server, with two connections to it; each is reset
    after every transaction. A function from the name of a database to its URL. Skips where there is
    none."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("no PgBouncer here: this test needs one")
    folder = Path(tempfile.mkdtemp(prefix="pgb"))
    prefix = as_another_user(folder)
    (folder / "ini").write_text(
        f"[databases]\n* = host={server.folder} user={USER}\n[pgbouncer]\nlisten_addr =\n"
        f"unix_socket_dir = {folder}\nlisten_port = 6432\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 2\nserver_reset_query_always = 1\n"
        f"logfile = {folder}/log\n"
    )
    process = subprocess.Popen([*prefix, program, "-q", str(folder / "ini")], cwd=folder)
    try:
        deadline = time.monotonic() + 10
        while not _listens(folder / ".s.PGSQL.6432"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        place = f"host={quote(str(folder), safe='')}&port=6432"
        yield lambda name: f"postgresql://{USER}@/{name}?{place}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)
