"""Where the files of a test's lake lie: a folder, or a bucket of a scripted server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from shortstop.config import LakeConfig
from shortstop.traces import Lake
from tests.s3 import BUCKET, ENVIRONMENT, REGION, S3Server, s3

PREFIX = f"{BUCKET}/rows"


@dataclass
class FolderOfFiles:
    folder: Path

    @property
    def config(self) -> LakeConfig:
        return LakeConfig(folder=str(self.folder))

    def lake(self, sample: float = 1.0) -> Lake:
        lake = Lake.of(replace(self.config, sample=sample, gather_seconds=0.0))
        assert lake is not None
        return lake

    def files(self) -> dict[str, bytes]:
        paths = sorted(self.folder.glob("day=*/*.parquet"))
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}

    def rows(self) -> list[dict[str, Any]]:
        """Of all files."""
        files = self.files().values()
        return [row for one in files for row in pq.read_table(io.BytesIO(one)).to_pylist()]

    def ids(self) -> list[str]:
        """Of all rows, in however many files the writer's thread put them."""
        return sorted(row["id"] for row in self.rows())

    def delete(self, name: str) -> None:
        (self.folder / name).unlink()

    @contextmanager
    def full(self) -> Iterator[str]:
        """Nothing can be written meanwhile; what its error says."""
        with pytest.MonkeyPatch.context() as disk:
            disk.setattr("shortstop.traces.lake_folder.replace_file", _full)
            yield "No space left"

    def away(self) -> LakeConfig:
        """Of files where there are none."""
        return LakeConfig(folder=str(self.folder / "mount"))


@dataclass
class BucketOfFiles(FolderOfFiles):
    server: S3Server

    @property
    def config(self) -> LakeConfig:
        return LakeConfig(f"s3://{PREFIX}", self.server.endpoint, REGION)

    def files(self) -> dict[str, bytes]:
        objects = sorted(self.server.objects.items())
        return {
            name.removeprefix(f"{PREFIX}/"): data
            for name, data in objects
            if name.endswith(".parquet")
        }

    def delete(self, name: str) -> None:
        del self.server.objects[f"{PREFIX}/{name}"]

    @contextmanager
    def full(self) -> Iterator[str]:
        self.server.fault = lambda method, _: 403 if method in ("PUT", "POST") else None
        yield "ACCESS_DENIED"
        self.server.fault = lambda *_: None

    def away(self) -> LakeConfig:
        return replace(self.config, folder=f"s3://{BUCKET}-of-somebody-else")


@contextmanager
def files_in(kind: str, folder: Path) -> Iterator[FolderOfFiles]:
    folder.mkdir()
    if kind == "folder":
        yield FolderOfFiles(folder)
        return
    with s3() as server, pytest.MonkeyPatch.context() as environment:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        environment.setattr("shortstop.traces.lake_bucket.PAUSE_SECONDS", 0.0)
        environment.setattr("shortstop.traces.lake_bucket.SILENT_SECONDS", 60.0)  # a busy machine
        yield BucketOfFiles(folder, server)


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")
