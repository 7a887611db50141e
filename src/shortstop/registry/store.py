"""The registry's folder: one immutable model file with its manifest a folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.config import BUILTIN_MODEL
from shortstop.errors import ModelFileError
from shortstop.registry.gguf import GgufInfo, read_info

MANIFEST = "model.json"
BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Told how many bytes are done, and of how many (0: unknown)."""


def home(data_dir: str | None, env: Mapping[str, str]) -> Path:
    """Where everything is kept: the setting, $SHORTSTOP_HOME, or ~/.local/share/shortstop."""
    chosen = data_dir or env.get("SHORTSTOP_HOME")
    path = Path(chosen) if chosen else Path.home() / ".local" / "share" / "shortstop"
    path.mkdir(parents=True, exist_ok=True)
    return path


class ModelRecord(Struct, frozen=True):
    """One installed model. `file` is relative to the manifest's folder, or absolute."""

    name: str
    file: str
    sha256: str
    bytes: int
    source: str
    licence: str = ""
    root: str = ""

    @property
    def path(self) -> Path:
        return Path(self.root) / self.file

    def gguf(self) -> GgufInfo:
        """Read and check the header. Raises ModelFileError."""
        if self.path.exists() and self.bytes and self.path.stat().st_size != self.bytes:
            raise ModelFileError(
                f"{self.path} has {self.path.stat().st_size} bytes instead of {self.bytes}.",
                hint=f"It is damaged: fetch it anew with `shortstop pull {self.name}`.",
            )
        return read_info(self.path)


class Registry:
    def __init__(self, root: Path) -> None:
        self.root = root

    def models(self) -> list[ModelRecord]:
        """Installed models, by name."""
        found = (self._read(path) for path in sorted(self.root.glob(f"*/{MANIFEST}")))
        return [record for record in found if record is not None]

    def find(self, name: str) -> ModelRecord | None:
        """By name; `builtin` is the default model; the path of a GGUF is its own record."""
        if name.endswith(".gguf"):
            path = Path(name).expanduser()
            if not path.is_file():
                return None
            return ModelRecord(path.stem, str(path.absolute()), "", 0, "file")
        return self._read(self.folder(name) / MANIFEST)

    def folder(self, name: str) -> Path:
        return self.root / (BUILTIN_MODEL if name == "builtin" else name)

    def add(self, name: str, file: Path, *, sha256: str, source: str, licence: str) -> ModelRecord:
        """Move `file`, whose checksum is known, to its place. Atomic: the manifest comes last."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        os.replace(file, folder / "model.gguf")
        size = (folder / "model.gguf").stat().st_size
        record = ModelRecord(name, "model.gguf", sha256, size, source, licence)
        spare = folder / f"{MANIFEST}.new"
        with spare.open("wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(record)))
            out.flush()
            os.fsync(out.fileno())
        os.replace(spare, folder / MANIFEST)
        return msgspec.structs.replace(record, root=str(folder))

    @contextmanager
    def locked(self, name: str) -> Iterator[Path]:
        """A folder to work in; a second pull of the same model waits for the first."""
        folder = self.root / ".incoming" / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder

    def _read(self, manifest: Path) -> ModelRecord | None:
        try:
            record = msgspec.json.decode(manifest.read_bytes(), type=ModelRecord)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, OSError) as error:
            raise ModelFileError(
                f"The manifest {manifest} cannot be read: {error}.",
                hint=f"Remove the folder {manifest.parent} and pull the model anew.",
            ) from error
        return msgspec.structs.replace(record, root=str(manifest.parent))


def open(home: Path) -> Registry:
    return Registry(home / "models")


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """The checksum of a file, in hexadecimal."""
    state = hashlib.sha256()
    size, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            state.update(block)
            done += len(block)
            if progress is not None:
                progress(done, size)
    return state.hexdigest()


def require_space(folder: Path, needed: int) -> None:
    """Raises ModelFileError when the disk cannot take `needed` bytes more."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelFileError(
            f"{folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed.",
            hint="Make room, or point SHORTSTOP_HOME at a larger disk.",
        )
