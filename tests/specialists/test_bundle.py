"""A specialist in one file arrives whole, and nothing else arrives with it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.specialists.artefact import MANIFEST, read, write
from shortstop.specialists.bundle import FORMAT, packed, unpack
from tests.specialists.test_artefact import FILES, MADE


def bundle(files: dict[str, bytes]) -> bytes:
    """As somebody would write it who knows the form."""
    hashes = {name: sha256(data).hexdigest() for name, data in files.items()}
    return msgspec.msgpack.encode(
        {"format": FORMAT, "manifest": replace(MADE, files=hashes), "files": files}
    )


def test_it_arrives_whole_also_over_a_damaged_one(tmp_path: Path) -> None:
    data = packed(write(tmp_path / "here", MADE, FILES))
    _, name = unpack(tmp_path / "there", data)
    folder = tmp_path / "there" / name
    (folder / "labels.json").write_bytes(b"torn")
    unpack(tmp_path / "there", data)
    assert read(folder)[1] == FILES


@pytest.mark.parametrize("name", ["../weights.npz", "..", ".", "", "/etc/x", "a\0b", MANIFEST])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="damaged or was changed"):
        unpack(tmp_path, bundle({**FILES, name: b"x"}))
    assert not list(tmp_path.iterdir())


def test_every_changed_byte_is_refused_or_is_none(tmp_path: Path) -> None:
    data = packed(write(tmp_path / "here", MADE, FILES))
    for at in range(0, len(data), 3):
        changed = bytearray(data)
        changed[at] ^= 1
        try:
            manifest, name = unpack(tmp_path / "there", bytes(changed))
        except StoreError:
            continue
        assert read(tmp_path / "there" / name)[0] == manifest
