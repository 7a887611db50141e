"""A specialist as files: a folder whose name is the hash of what it holds.

FOLDER/manifest.json   kind, task, gate, lineage, and the SHA-256 of every other file
FOLDER/...             what the kind wrote

A folder is written whole under another name and renamed; it never changes afterwards. What does not
match its manifest is refused: it was damaged or tampered with.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.private_files import create_file, make_folder
from shortstop.specialists.opinion import Gate

MANIFEST = "manifest.json"
DRAFT = ".draft-"
"""How the names of folders begin that are not whole yet, or not any more."""
NAME_DIGITS = 16
"""Hexadecimal digits of the hash that name a folder."""


class Lineage(Struct, frozen=True, forbid_unknown_fields=True):
    """What a specialist was made from: `data` is the hash of its training set, `rows` how many
    rows that had, `teachers` the models whose answers they were. `made` is Unix time in seconds;
    so are `until`, the newest row that it may have learned from, and `expires`, when the first of
    its rows has had its time (0: never). `tier` is that of its most sensitive row, `pinned` whether
    one was not to leave this machine. `figures` are those of its examination."""

    data: str
    rows: int
    teachers: tuple[str, ...]
    made: float
    seed: int = 0
    figures: Mapping[str, float] = {}
    until: float = 0.0
    expires: float = 0.0
    tier: int = 0
    pinned: bool = False


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """`files` are the SHA-256 of the folder's other files by name."""

    kind: str
    tenant: str
    task: str
    gate: Gate
    lineage: Lineage
    files: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """The same content has the same name everywhere, another content never."""
        encoded = msgspec.json.encode(self, order="deterministic")
        return f"{self.kind}-{sha256(encoded).hexdigest()[:NAME_DIGITS]}"


def write(root: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Path:
    """Keep a specialist below `root`; its folder. One that is there already stays as it is, unless
    it was damaged."""
    hashes = {name: sha256(data).hexdigest() for name, data in files.items()}
    complete = msgspec.structs.replace(manifest, files=hashes)
    folder = root / complete.name
    if _whole(folder):
        return folder
    make_folder(root)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=root))
    try:
        for name, data in {**files, MANIFEST: msgspec.json.encode(complete)}.items():
            create_file(draft / name, data)
        remove(folder)
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not _whole(folder):
            raise
    return folder


def remove(folder: Path) -> None:
    """Delete a specialist, if it is there; nobody finds a part of it. Raises OSError."""
    if folder.exists():
        grave = Path(tempfile.mkdtemp(prefix=DRAFT, dir=folder.parent))
        folder.rename(grave / folder.name)
        shutil.rmtree(grave)


def sweep(root: Path, before: float) -> None:
    """Delete what was begun until then (Unix seconds) by who was killed: it holds words of traffic
    and belongs to nobody. Raises OSError."""
    for draft in root.glob(f"{DRAFT}*"):
        if draft.stat().st_mtime <= before:
            shutil.rmtree(draft)


def _whole(folder: Path) -> bool:
    try:
        read(folder)
    except StoreError:
        return False
    return True


def read(folder: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Raises StoreError when something is missing, damaged or not what the name promises."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        files = {name: (folder / Path(name).name).read_bytes() for name in manifest.files}
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise StoreError(f"The specialist in {folder} cannot be read: {error}") from error
    wrong = [n for n, data in files.items() if sha256(data).hexdigest() != manifest.files[n]]
    if wrong or manifest.name != folder.name:
        what = ", ".join(wrong) or MANIFEST
        raise StoreError(f"The specialist in {folder} is not what was promoted: {what} differs.")
    return manifest, files
