"""The registry's folder: in each subfolder one immutable model file with its manifest.

models/NAME/model.json      the manifest, written last: without it there is no model
models/NAME/model.gguf      the file, read-only
models/.incoming/NAME/      a pull in progress; its contents are resumed, never trusted
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.config import BUILTIN_MODEL
from shortstop.errors import ConfigError, ModelFileError
from shortstop.private_files import make_folder, require_own
from shortstop.registry.gguf import GgufInfo, read_info

MANIFEST = "model.json"
FILE = "model.gguf"
BLOCK = 1 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")

Progress = Callable[[int, int], None]
"""Called with the bytes done so far and the bytes in all (0: unknown)."""


def home_path(data_dir: str | None, env: Mapping[str, str]) -> Path:
    """Where the data folder is, or will be."""
    chosen = data_dir or env.get("SHORTSTOP_HOME")
    return Path(chosen or "~/.local/share/shortstop").expanduser()


def home(data_dir: str | None, env: Mapping[str, str]) -> Path:
    """The data folder: the setting, $SHORTSTOP_HOME, or ~/.local/share/shortstop. Created if need
    be, for its owner alone. Raises ConfigError where it cannot be, or is another user's."""
    chosen = data_dir or env.get("SHORTSTOP_HOME")
    try:
        path = home_path(data_dir, env)
        if not chosen and not path.is_absolute():
            raise RuntimeError
        make_folder(path)
    except RuntimeError as error:
        where = f"{chosen!r} begins with" if chosen else "Models and books need"
        raise ConfigError(
            f"{where} a home folder, and there is none for this user.",
            hint="Name a folder: SHORTSTOP_HOME=/path, or `data_dir` in the file.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"The data folder {path} cannot be made: {error.strerror}.",
            hint="Name another: SHORTSTOP_HOME=/path, or `data_dir` in the file.",
        ) from error
    require_own(path)
    return path


class ModelRecord(Struct, frozen=True):
    """One installed model. `file` is relative to the manifest's folder, or absolute.

    `sha256` is "" and `bytes` 0 for a file that is used where it is, unregistered.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    source: str
    licence: str = ""
    architecture: str = ""
    parameters: int = 0
    quantisation: str = ""
    context: int = 0
    chat_template: bool = True
    root: str = ""

    @property
    def path(self) -> Path:
        """The model file."""
        return Path(self.root) / self.file

    def gguf(self) -> GgufInfo:
        """Read and check size and header. Raises ModelFileError."""
        size = self.path.stat().st_size if self.path.exists() else self.bytes
        if self.bytes and size != self.bytes:
            raise ModelFileError(
                f"{self.path} has {size} bytes instead of {self.bytes}.",
                hint=f"It is damaged: fetch it again with `shortstop pull {self.name}`.",
            )
        return read_info(self.path)

    def verify(self, progress: Progress | None = None) -> None:
        """Check header and every byte against the manifest. Raises ModelFileError."""
        self.gguf()
        require_sha256(self.path, self.sha256, progress)


class Registry:
    """The models installed below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def models(self) -> list[ModelRecord]:
        """Installed models, sorted by name. Raises ModelFileError for an unreadable manifest."""
        records = (self._read(path) for path in sorted(self.root.glob(f"[!.]*/{MANIFEST}")))
        return [record for record in records if record is not None]

    def find(self, name: str) -> ModelRecord | None:
        """By name, or by `hf:` source; `builtin` is the default model.

        The path of a GGUF that is not in the registry is its own record. Raises ModelFileError for
        an unreadable manifest.
        """
        if name.startswith("hf:"):
            return next((r for r in self.models() if f"{r.source}@".startswith(f"{name}@")), None)
        record = self._read(self.folder(name) / MANIFEST) if _NAME.fullmatch(name) else None
        path = Path(os.path.expanduser(name))
        if record is None and path.suffix == ".gguf" and path.is_file():
            return ModelRecord(path.stem, str(path.absolute()), "", 0, "file")
        return record

    def folder(self, name: str) -> Path:
        """The folder of a model. Raises ModelFileError for a name that could lead elsewhere."""
        name = BUILTIN_MODEL if name == "builtin" else name
        if not _NAME.fullmatch(name):
            raise ModelFileError(
                f"{name!r} cannot be the name of a model.",
                hint="Use lower-case letters, digits, dots, dashes and underscores.",
            )
        return self.root / name

    def add(self, name: str, file: Path, *, sha256: str, source: str, licence: str) -> ModelRecord:
        """Install `file`, whose checksum is known, by moving it. Raises ModelFileError if unusable.

        Atomic and durable: the file is flushed and renamed first, the manifest comes last.
        """
        info = read_info(file)
        folder = self.folder(name)
        make_folder(folder)
        file.chmod(0o400)
        _flush(file)
        os.replace(file, folder / FILE)
        return self._write(folder, _record(name, FILE, info, sha256, source, licence))

    def link(self, name: str, file: Path, *, sha256: str) -> ModelRecord:
        """Register a file that stays where it is; its checksum is verified at every start.

        Raises ModelFileError.
        """
        folder = self.folder(name)
        make_folder(folder)
        path = file.absolute()
        return self._write(
            folder, _record(name, str(path), read_info(path), sha256, f"file:{path}", "")
        )

    @contextmanager
    def locked(self, name: str) -> Iterator[Path]:
        """A folder to work in, under a lock: a second pull of the same model waits for the first.

        Raises ModelFileError.
        """
        folder = self.root / ".incoming" / self.folder(name).name
        make_folder(folder)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder

    def _write(self, folder: Path, record: ModelRecord) -> ModelRecord:
        spare = folder / f"{MANIFEST}.new"
        with spare.open("wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(record)))
            out.flush()
            os.fsync(out.fileno())
        os.replace(spare, folder / MANIFEST)
        _flush(folder)
        return replace(record, root=str(folder))

    def _read(self, manifest: Path) -> ModelRecord | None:
        try:
            record = msgspec.json.decode(manifest.read_bytes(), type=ModelRecord)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, OSError) as error:
            raise ModelFileError(
                f"The manifest {manifest} cannot be read: {error}.",
                hint=f"Remove the folder {manifest.parent} and pull the model again.",
            ) from error
        return replace(record, root=str(manifest.parent))


def _record(
    name: str, file: str, info: GgufInfo, sha256: str, source: str, licence: str
) -> ModelRecord:
    return ModelRecord(
        name=name,
        file=file,
        sha256=sha256,
        bytes=info.bytes,
        source=source,
        licence=licence,
        architecture=info.architecture,
        parameters=info.parameters,
        quantisation=info.quantisation,
        context=info.context,
        chat_template=info.chat_template,
    )


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def open(home: Path) -> Registry:
    """The registry of a data folder."""
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


def require_sha256(path: Path, expected: str | None, progress: Progress | None = None) -> None:
    """Raises ModelFileError when the bytes are not those expected (None, "": not checked)."""
    if not expected:
        return
    try:
        checksum = sha256_of(path, progress)
    except OSError as error:
        raise ModelFileError(f"Cannot read {path}: {error.strerror}.") from error
    if checksum != expected:
        raise ModelFileError(
            f"{path} has sha256 {checksum}, expected {expected}: its contents have changed.",
            hint="Do not use it; remove it and fetch again.",
        )


def require_space(folder: Path, needed: int) -> None:
    """Raises ModelFileError when the disk cannot take another `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelFileError(
            f"{folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed.",
            hint="Free some space, or point SHORTSTOP_HOME at a larger disk.",
        )
