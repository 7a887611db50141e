"""What is written is its owner's alone from the first byte on, whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop import private_files
from shortstop.errors import ConfigError
from shortstop.private_files import (
    all_in,
    create_file,
    make_folder,
    replace_file,
    require_own,
    tighten,
)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_whatever_the_umask_others_have_no_rights(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    assert [mode(folder), mode(folder.parent)] == [0o700, 0o700]
    assert create_file(folder / "new", b"x")
    replace_file(folder / "written", b"y")
    assert [mode(path) for path in folder.iterdir()] == [0o600, 0o600]


def test_not_even_while_it_is_being_written(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = os.open

    def watched(path: Path, flags: int, mode: int = 0o777) -> int:
        fd = real(path, flags, mode)
        seen.append(os.fstat(fd).st_mode & 0o077)
        return fd

    monkeypatch.setattr(os, "open", watched)
    create_file(tmp_path / "new", b"x")
    replace_file(tmp_path / "written", b"y")
    assert seen == [0, 0]


def test_a_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert create_file(path, b"first")
    assert not create_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path], "no draft stays behind"


@pytest.mark.parametrize("links", [True, False])
def test_of_many_one_makes_it_and_all_read_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refused(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
    path, made = tmp_path / "key", []

    def make(number: int) -> None:
        if create_file(path, bytes([number]) * 4000):
            made.append(number)

    threads = [threading.Thread(target=make, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert path.read_bytes() == bytes(made) * 4000
    assert mode(path) == 0o600


def test_what_cannot_be_written_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page"
    replace_file(path, b"old")

    def full(fd: int, data: bytes, *, flush: bool) -> None:
        os.close(fd)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files, "_write", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_looser_rights_are_taken_away_and_that_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    outside.chmod(0o644)
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    for path, rights in ((home, 0o755), (home / "sub", 0o750), (home / "sub" / "f", 0o640)):
        if not path.exists():
            path.touch()
        path.chmod(rights)
    read_only = home / "model"
    read_only.touch()
    read_only.chmod(0o444)
    (home / "link").symlink_to(outside)
    tighten(all_in(home))
    assert mode(home) == mode(home / "sub") == 0o700
    assert mode(home / "sub" / "f") == 0o600
    assert mode(read_only) == 0o400
    assert mode(outside) == 0o644, "what a link leads to is not ours"
    assert caplog.text.count("others had rights to") == 1
    assert "and 3 more" in caplog.text
    caplog.clear()
    tighten([*all_in(home), home / "absent"])
    assert caplog.text == ""


def test_what_cannot_be_tightened_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refused)
    tighten([tmp_path])
    assert f"others have rights to {tmp_path}" in caplog.text


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, link = tmp_path / "home", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    os.chown(folder, 4242, -1) if os.geteuid() == 0 else None
    owner = folder.stat().st_uid
    require_own(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    require_own(folder)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    for path in (folder, link):
        with pytest.raises(ConfigError, match=f"belongs to another user \\(uid {owner}\\)"):
            require_own(path)
