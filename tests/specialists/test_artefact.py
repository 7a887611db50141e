"""A specialist's files: the same content has the same name, and a changed byte is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.specialists.arrays import packed, unpacked
from shortstop.specialists.artefact import (
    DRAFT,
    MANIFEST,
    Lineage,
    Manifest,
    read,
    remove,
    sweep,
    write,
)
from shortstop.specialists.opinion import Gate

MADE = Manifest(
    "label-head", "acme", "mail", Gate({"all": 0.7}), Lineage("d" * 16, 1000, ("big",), 1.0)
)
FILES = {"weights.npz": b"\x00\x01weights", "labels.json": b'["a","b"]'}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "specialists", MADE, FILES)
    manifest, files = read(folder)
    assert files == FILES
    assert (manifest.kind, manifest.task, manifest.gate) == ("label-head", "mail", MADE.gate)
    assert folder.name == manifest.name
    assert folder.name.startswith("label-head-")


def test_the_same_has_the_same_name_and_another_has_another(tmp_path: Path) -> None:
    one = write(tmp_path, MADE, FILES)
    assert write(tmp_path, MADE, FILES) == one
    assert write(tmp_path, MADE, {**FILES, "labels.json": b"[]"}) != one
    assert write(tmp_path, replace(MADE, task="other"), FILES) != one


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "specialists", MADE, FILES)
    for path in (folder, *folder.iterdir()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_every_changed_byte_is_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, MADE, FILES)
    whole = (folder / name).read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        (folder / name).write_bytes(changed)
        with pytest.raises(StoreError):
            read(folder)
    (folder / name).write_bytes(whole)
    read(folder)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_or_torn_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, MADE, FILES)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-1])
    with pytest.raises(StoreError):
        read(folder)
    (folder / name).unlink()
    with pytest.raises(StoreError):
        read(folder)


@pytest.mark.parametrize("damage", [b"", b"torn", None])
def test_a_damaged_one_is_written_again(tmp_path: Path, damage: bytes | None) -> None:
    """Else what is trained or fetched anew would stay what cannot be read."""
    folder = write(tmp_path, MADE, FILES)
    (folder / "weights.npz").unlink()
    if damage is not None:
        (folder / "weights.npz").write_bytes(damage)
    assert write(tmp_path, MADE, FILES) == folder
    assert read(folder)[1] == FILES
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_what_is_removed_leaves_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path, MADE, FILES)
    remove(folder)
    remove(folder)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_began_is_swept_and_nothing_else(tmp_path: Path) -> None:
    folder = write(tmp_path, MADE, FILES)
    old, new = tmp_path / f"{DRAFT}old", tmp_path / f"{DRAFT}new"
    for number, draft in enumerate((old, new), start=1):
        draft.mkdir()
        (draft / "weights.npz").write_bytes(b"words")
        os.utime(draft, (number, number))
    sweep(tmp_path, 1.0)
    assert sorted(tmp_path.iterdir()) == [new, folder]


def test_one_under_another_name_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, MADE, FILES)
    moved = folder.rename(folder.with_name("label-head-0000000000000000"))
    with pytest.raises(StoreError, match="not what was promoted"):
        read(moved)


def test_a_name_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    folder = write(tmp_path / "all", MADE, FILES)
    text = (folder / MANIFEST).read_text().replace("weights.npz", "../../secret")
    (folder / MANIFEST).write_text(text)
    with pytest.raises(StoreError):
        read(folder)


@given(st.binary(max_size=200))
def test_garbage_is_no_array(data: bytes) -> None:
    with pytest.raises(StoreError):
        unpacked(data)


def test_arrays_travel() -> None:
    arrays = unpacked(packed(a=np.arange(6).reshape(2, 3), b=np.zeros(0, np.float32)))
    assert arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arrays["b"].shape == (0,)
