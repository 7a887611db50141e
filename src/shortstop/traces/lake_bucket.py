"""A lake's files in a bucket of an S3-compatible store, by pyarrow, which comes late.

A bucket has no locks. It need not have: an object is put whole, its name is its writer's alone, and
what an erasure could miss the database tells (`Lake.erase`).
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from shortstop.config import LakeConfig

CONNECT_SECONDS = 2.0
SILENT_SECONDS = 5.0
"""After so long without a byte a request has failed."""
TRIES = 2
SLOW_SECONDS = 1.0
PAUSE_SECONDS = 30.0
"""What failed slowly is not tried again for so long: rows would queue behind it."""
READINGS = 5
"""Of an object that is put anew meanwhile."""
HELD_BYTES = 64 << 20
"""Of objects that were read last."""
_PLAIN = ("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
"""Stores that do not know the checksums of 2025 keep them as part of the object."""


class _Paused(OSError):
    """It was not asked."""


class LakeBucket:
    """Implements lake_files.LakeFiles. Connects when it is first used. Credentials are those of the
    environment, of AWS's own files, or of the machine."""

    def __init__(self, config: LakeConfig) -> None:
        assert config.folder is not None
        self._config = config
        self._root = config.folder.removeprefix("s3://").rstrip("/")
        self._lock = threading.Lock()
        self._store: Any = None
        self._proven = False
        self._unsure: deque[str] = deque(maxlen=64)
        """What may be there although its putting failed."""
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._paused: tuple[float, OSError] | None = None

    def __str__(self) -> str:
        return f"s3://{self._root}"

    def add(self, name: str, data: bytes) -> None:
        try:
            self.replace(name, data)
            if not self._proven:
                self._prove(name, data)
        except _Paused:
            raise
        except OSError:
            self._unsure.append(name)
            raise
        while self._unsure:
            with suppress(OSError):
                self.delete(self._unsure[0])
            self._unsure.popleft()

    def replace(self, name: str, data: bytes) -> None:
        with self._asking() as store, store.open_output_stream(self._key(name)) as out:
            out.write(data)
        self._drop(name)

    def _prove(self, name: str, data: bytes) -> None:
        """What a store does not understand of a request, it may take for content."""
        if self.read(name) != data:
            raise OSError(f"{self} does not give back what was put there")
        self._proven = True

    def delete(self, name: str) -> None:
        self._drop(name)
        with suppress(FileNotFoundError), self._asking() as store:
            store.delete_file(self._key(name))

    def delete_before(self, day: str) -> None:
        for one in self._listed(""):
            if one.base_name.startswith("day=") and one.base_name < day:
                with self._asking() as store:
                    store.delete_dir(one.path)

    def of_day(self, day: str) -> list[str]:
        names = (one.base_name for one in self._listed(day) if one.is_file)
        return sorted(f"{day}/{name}" for name in names if name.endswith(".parquet"))

    def all(self) -> Iterator[str]:
        for one in sorted(self._listed(""), key=lambda one: str(one.base_name)):
            if one.base_name.startswith("day="):
                yield from self.of_day(one.base_name)

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()

    def read(self, name: str) -> bytes:
        """Whole. As many bytes are asked for as it had, so it is read again where an erasure has
        put another one there meanwhile."""
        key = self._key(name)
        with self._asking() as store:
            for _ in range(READINGS):
                with store.open_input_file(key) as file:
                    data: bytes = file.read()
                if store.get_file_info(key).size == len(data):
                    return data
        raise OSError(f"{name} is another one each time it is read")

    def version(self, name: str) -> Hashable:
        """What an object holds of a row never changes, but that it goes, and then the row says so:
        so nobody is asked."""
        return None

    def open(self, name: str) -> io.BytesIO:
        """Whole, by one request: of two parts, one could be from before an erasure."""
        data = self._drop(name) or self.read(name)
        with self._lock:
            self._held[name] = data
            while len(self._held) > 1 and sum(map(len, self._held.values())) > HELD_BYTES:
                self._held.popitem(last=False)
        return io.BytesIO(data)

    def _drop(self, name: str) -> bytes | None:
        with self._lock:
            return self._held.pop(name, None)

    def check(self) -> None:
        name = f"probe-{os.urandom(8).hex()}"
        self.replace(name, name.encode())
        self._prove(name, name.encode())
        self._listed("")
        self.delete(name)

    def _listed(self, folder: str) -> list[Any]:
        from pyarrow.fs import FileSelector

        try:
            with self._asking() as store:
                found: list[Any] = store.get_file_info(FileSelector(self._key(folder)))
        except FileNotFoundError:
            return []  # a bucket that is not there is another error
        return found

    def _key(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        if self._paused is not None and time.monotonic() < self._paused[0]:
            raise _Paused(str(self._paused[1]))
        store = self._opened()
        began = time.monotonic()
        try:
            yield store
            self._paused = None
        except FileNotFoundError:
            raise
        except OSError as error:
            if time.monotonic() - began > SLOW_SECONDS:
                self._paused = time.monotonic() + PAUSE_SECONDS, error
            raise

    def _opened(self) -> Any:
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        with self._lock:
            if self._store is None:
                scheme, _, host = (self._config.endpoint or "https://").partition("://")
                if host:
                    os.environ.setdefault(*_PLAIN)
                self._store = S3FileSystem(
                    scheme=scheme,
                    endpoint_override=host.rstrip("/") or None,
                    region=self._config.region,
                    connect_timeout=CONNECT_SECONDS,
                    request_timeout=SILENT_SECONDS,
                    retry_strategy=AwsStandardS3RetryStrategy(max_attempts=TRIES),
                    tls_ca_file_path=os.environ.get("SSL_CERT_FILE"),
                    background_writes=False,
                    allow_delayed_open=True,
                )
            return self._store
