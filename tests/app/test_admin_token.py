"""The admin token: made once, read by its owner alone, the same for all who start at once."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop.app.admin_token import PREFIX, SHORTEST, admin_token, token_in
from shortstop.errors import ConfigError

NAME = "SHORTSTOP_ADMIN_TOKEN"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "admin.token"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_it_is_its_owners_alone_whatever_the_umask(file: Path) -> None:
    token = token_in(file)
    assert token.startswith(PREFIX)
    assert len(token) > SHORTEST
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["admin.token"], "no draft is left"


def test_it_stays_the_same_and_is_another_ones_elsewhere(file: Path, tmp_path: Path) -> None:
    assert token_in(file) == token_in(file)
    assert token_in(tmp_path / "other" / "admin.token") != token_in(file)


def test_all_who_start_at_once_read_the_same(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from shortstop.app.admin_token import token_in;"
        "sys.stdin.read(); print(token_in(Path(sys.argv[1])))"
    )
    wait, go = os.pipe()
    command = [sys.executable, "-c", code, str(file)]
    started = [
        subprocess.Popen(command, stdin=wait, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    os.close(wait)
    os.close(go)
    said = {process.communicate(timeout=30)[0] for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert said == {file.read_text()}


def test_a_crash_half_way_leaves_no_half_token(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            token_in(file)
    assert list(file.parent.iterdir()) == []
    assert len(token_in(file)) > SHORTEST


def test_what_others_could_read_they_no_longer_can(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = token_in(file)
    file.chmod(0o644)
    assert token_in(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "could be read by others" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("content", ["", "\n", "short", "\u00e9" * 50])
def test_what_is_no_token_is_not_taken_for_one(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(ConfigError, match="holds no admin token") as raised:
        token_in(file)
    assert "Remove it" in raised.value.hint
    assert file.read_text() == content


def test_a_link_is_not_followed(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    elsewhere = tmp_path / "theirs"
    elsewhere.write_text("a" * 60)
    file.symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        token_in(file)


def test_the_operators_own_comes_first_and_is_good_everywhere(file: Path) -> None:
    own = admin_token(file, {NAME: " mine "}, NAME)
    assert (own.secret, own.everywhere) == ("mine", True)
    assert not file.exists()
    for env in ({}, {NAME: ""}, {NAME: "  "}):
        made = admin_token(file, env, NAME)
        assert (made.secret, made.everywhere) == (token_in(file), False)
    assert str(file.parent) not in made.place, "strangers are told this"
