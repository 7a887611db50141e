"""The registry's folder: nothing is trusted that was not checked, nothing lost half-way."""

from __future__ import annotations

import fcntl
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from shortstop import registry
from shortstop.errors import ModelFileError
from shortstop.registry import Registry, pull
from shortstop.registry.store import require_sha256, require_space, sha256_of
from tests.registry.samples import gguf, quiet, write

SHA = sha256(gguf()).hexdigest()


def test_an_installed_model_cannot_be_written(models: Registry, tmp_path: Path) -> None:
    record, _ = pull(models, str(write(tmp_path / "tiny.gguf")), None, quiet)
    assert record.path.stat().st_mode & 0o222 == 0


def test_a_file_in_use_where_it_lies_needs_no_pull(models: Registry, tmp_path: Path) -> None:
    source = write(tmp_path / "tiny.gguf")
    found = models.find(str(source))
    assert found is not None
    assert found.path == source
    found.verify()
    assert models.find(str(tmp_path / "absent.gguf")) is None


def test_a_flipped_bit_is_found_by_the_checksum(models: Registry, tmp_path: Path) -> None:
    record, _ = pull(models, str(write(tmp_path / "tiny.gguf")), None, quiet)
    record.path.chmod(0o644)
    record.path.write_bytes(gguf()[:-1] + b"?")
    record.gguf()
    with pytest.raises(ModelFileError, match="sha256"):
        record.verify()


@pytest.mark.parametrize("name", ["../tiny", "a/b", ".incoming", "-", "Upper"])
def test_no_name_leads_out_of_the_registry(models: Registry, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelFileError, match="cannot be the name"):
        pull(models, str(write(tmp_path / "tiny.gguf")), None, quiet, name=name)
    assert models.find(name) is None


def test_a_model_is_added_by_moving_its_file(models: Registry, tmp_path: Path) -> None:
    source = write(tmp_path / "model.part")
    record = models.add("tiny", source, sha256=SHA, source="here", licence="MIT")
    assert not source.exists()
    assert record.path == models.root / "tiny" / "model.gguf"
    assert (record.licence, record.source, record.architecture) == ("MIT", "here", "llama")
    assert models.find("tiny") == record
    manifest = msgspec.json.decode((models.root / "tiny" / "model.json").read_bytes())
    assert manifest["sha256"] == SHA
    assert manifest["root"] == "", "a registry can be moved"


def test_a_model_without_its_manifest_is_not_there(models: Registry, tmp_path: Path) -> None:
    """The manifest is written last: a crash before it leaves no half model."""
    record = models.add("tiny", write(tmp_path / "x"), sha256=SHA, source="", licence="")
    (record.path.parent / "model.json").unlink()
    assert models.find("tiny") is None
    assert models.models() == []


def test_what_is_not_a_model_is_not_added(models: Registry, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"PK zip")
    with pytest.raises(ModelFileError, match="GGUF"):
        models.add("tiny", source, sha256=SHA, source="", licence="")
    assert source.exists()
    assert models.find("tiny") is None


def test_models_are_listed_by_name(models: Registry, tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        models.add(name, write(tmp_path / name), sha256=SHA, source="", licence="")
    (models.root / ".incoming" / "d").mkdir(parents=True)
    assert [record.name for record in models.models()] == ["a", "b", "c"]


def test_a_hub_file_is_found_by_where_it_came_from(models: Registry, tmp_path: Path) -> None:
    source = "hf:org/repo/file.gguf@main"
    record = models.add("tiny", write(tmp_path / "x"), sha256=SHA, source=source, licence="")
    assert models.find("hf:org/repo/file.gguf") == record
    assert models.find("hf:org/repo/file.gguf@main") == record
    assert models.find("hf:org/repo/file") is None
    assert models.find("hf:org/repo/other.gguf") is None


def test_builtin_is_the_default_model_s_folder(models: Registry) -> None:
    assert models.folder("builtin") == models.folder("smollm2-135m")


def test_the_folder_of_a_pull_is_locked(models: Registry) -> None:
    with models.locked("tiny") as folder:
        assert folder == models.root / ".incoming" / "tiny"
        with (folder / "lock").open("w") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (folder / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("data_dir", "env", "wanted"),
    [
        ("set", {"SHORTSTOP_HOME": "variable"}, "set"),
        (None, {"SHORTSTOP_HOME": "variable"}, "variable"),
        (None, {}, ".local/share/shortstop"),
    ],
)
def test_the_data_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    data_dir: str | None,
    env: dict[str, str],
    wanted: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    home = registry.home(data_dir, env)
    assert home.is_dir()
    assert (tmp_path / home) == tmp_path / wanted
    assert registry.home("~/own", {}) == tmp_path / "own"


def test_a_checksum_reports_its_progress(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"x" * (3 << 20))
    steps: list[tuple[int, int]] = []
    assert (
        sha256_of(file, lambda done, total: steps.append((done, total)))
        == sha256(file.read_bytes()).hexdigest()
    )
    assert steps == [(n << 20, 3 << 20) for n in (1, 2, 3)]


def test_bytes_are_compared_where_a_checksum_is_known(tmp_path: Path) -> None:
    file = write(tmp_path / "x")
    require_sha256(file, SHA)
    require_sha256(file, None)
    require_sha256(file, "")
    with pytest.raises(ModelFileError, match="its contents have changed") as caught:
        require_sha256(file, "0" * 64)
    assert caught.value.hint
    with pytest.raises(ModelFileError, match="Cannot read"):
        require_sha256(tmp_path / "absent", SHA)


def test_room_on_the_disk_is_asked_for_beforehand(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(ModelFileError, match="GB are needed") as caught:
        require_space(tmp_path, 1 << 60)
    assert "SHORTSTOP_HOME" in caught.value.hint
