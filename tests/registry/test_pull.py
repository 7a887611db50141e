"""Models on disk: what is installed is what was checked, and a name keeps its meaning."""

from __future__ import annotations

import asyncio
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from shortstop.errors import ModelFileError
from shortstop.registry import Registry, pull
from tests.registry.samples import gguf, quiet, write

SHA = sha256(gguf()).hexdigest()
OTHER = gguf(keys={"general.name": "Other"})


def test_a_local_file_is_installed_and_found_by_name(models: Registry, tmp_path: Path) -> None:
    source = write(tmp_path / "Tiny Model.gguf")
    record, fetched = pull(models, str(source), None, quiet)
    assert fetched
    assert record.name == "tiny-model"
    assert (record.sha256, record.bytes) == (SHA, len(gguf()))
    assert (record.context, record.quantisation, record.parameters) == (4096, "Q8_0", 1088)
    assert models.find("tiny-model") == record
    assert record.path.read_bytes() == gguf()
    assert models.models() == [record]
    record.verify()


def test_a_second_pull_has_nothing_to_do(models: Registry, tmp_path: Path) -> None:
    source = str(write(tmp_path / "tiny.gguf"))
    first, _ = pull(models, source, None, quiet)
    assert pull(models, source, None, quiet) == (first, False)


def test_nothing_is_left_of_a_pull_but_the_model(models: Registry, tmp_path: Path) -> None:
    pull(models, str(write(tmp_path / "tiny.gguf")), None, quiet)
    files = {p.relative_to(models.root).as_posix() for p in models.root.rglob("*") if p.is_file()}
    assert files == {"tiny/model.gguf", "tiny/model.json", ".incoming/tiny/lock"}


def test_a_link_leaves_the_file_where_it_is(models: Registry, tmp_path: Path) -> None:
    source = write(tmp_path / "tiny.gguf")
    record, _ = pull(models, str(source), None, quiet, link=True)
    assert record.path == source
    assert models.find("tiny") == record
    source.write_bytes(OTHER[:-1] + b"\0")
    with pytest.raises(ModelFileError):
        record.verify()


def test_a_damaged_model_is_noticed_and_fetched_anew(models: Registry, tmp_path: Path) -> None:
    source = str(write(tmp_path / "tiny.gguf"))
    record, _ = pull(models, source, None, quiet)
    record.path.chmod(0o644)
    record.path.write_bytes(gguf()[:50])
    with pytest.raises(ModelFileError, match="instead of"):
        record.gguf()
    assert pull(models, source, None, quiet)[1]
    record.verify()


def test_a_broken_manifest_is_told_and_mended_by_a_pull(models: Registry, tmp_path: Path) -> None:
    source = str(write(tmp_path / "tiny.gguf"))
    pull(models, source, None, quiet)
    (models.folder("tiny") / "model.json").write_text("{")
    with pytest.raises(ModelFileError, match="manifest"):
        models.find("tiny")
    assert pull(models, source, None, quiet)[1]
    assert models.find("tiny") is not None


def test_a_name_keeps_its_meaning(models: Registry, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    pull(models, str(write(tmp_path / "tiny.gguf")), None, quiet)
    another = str(write(tmp_path / "other" / "tiny.gguf", OTHER))
    with pytest.raises(ModelFileError, match="taken by another model") as caught:
        pull(models, another, None, quiet)
    assert "--as" in caught.value.hint
    record, _ = pull(models, another, None, quiet, name="tiny-2")
    assert record.path.read_bytes() == OTHER


def test_what_is_no_model_is_not_installed(models: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cut short"):
        pull(models, str(write(tmp_path / "tiny.gguf", gguf(data=b""))), None, quiet)
    with pytest.raises(ModelFileError, match="no file"):
        pull(models, str(tmp_path / "absent.gguf"), None, quiet)
    assert models.models() == []


def test_an_unknown_name_lists_the_known_ones(models: Registry) -> None:
    with pytest.raises(ModelFileError, match="smollm2-135m"):
        pull(models, "gpt-99", None, quiet)


def test_a_full_disk_is_told_before_the_download(
    models: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("U", (), {"free": 1000}))
    with pytest.raises(ModelFileError, match="GB free"):
        pull(models, "builtin", None, quiet)


async def test_a_pull_waits_for_another_of_the_same_model(models: Registry, tmp_path: Path) -> None:
    """Two processes, one file: the second finds it done."""
    source = write(tmp_path / "tiny.gguf")
    program = (
        "import sys; from pathlib import Path; from shortstop import registry\n"
        "r = registry.open(Path(sys.argv[1]))\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(registry.pull(r, sys.argv[2], None, lambda d, o: None)[1])\n"
    )
    pulls = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, str(models.root.parent), str(source)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in pulls:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    said = await asyncio.gather(*(process.communicate(b"\n") for process in pulls))
    assert sorted(out for out, _ in said) == [b"False\n", b"False\n", b"True\n"]
