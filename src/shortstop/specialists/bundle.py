"""A specialist as one file, to be carried to another machine: its manifest and its files."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.specialists.artefact import MANIFEST, Manifest, read, write

FORMAT = "shortstop-specialist-1"


class _Bundle(Struct, forbid_unknown_fields=True):
    format: str
    manifest: Manifest
    files: dict[str, bytes]


def packed(folder: Path) -> bytes:
    """Raises StoreError where the folder is damaged."""
    manifest, files = read(folder)
    return msgspec.msgpack.encode(_Bundle(FORMAT, manifest, files))


def unpacked(data: bytes) -> tuple[Manifest, dict[str, bytes]]:
    """Raises StoreError for what `packed` has not made, or what has changed since."""
    try:
        bundle = msgspec.msgpack.decode(data, type=_Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"This file holds no specialist: {error}.") from error
    if bundle.format != FORMAT:
        raise StoreError("This file was written by another release.")
    hashes = {name: sha256(content).hexdigest() for name, content in bundle.files.items()}
    if hashes != dict(bundle.manifest.files) or not all(map(_plain, hashes)):
        raise StoreError("This file is damaged or was changed: a hash in it differs.")
    return bundle.manifest, bundle.files


def unpack(root: Path, data: bytes) -> tuple[Manifest, str]:
    """Keep the specialist below `root`; its manifest and name. Raises StoreError or OSError."""
    manifest, files = unpacked(data)
    return manifest, write(root, manifest, files).name


def _plain(name: str) -> bool:
    """Whether it names a file of a specialist's own folder beside its manifest."""
    return name not in ("", "..", MANIFEST) and Path(name).name == name and "\0" not in name
