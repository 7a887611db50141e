"""The key file: made once, named, and what is wrong with it said in a sentence."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.traces.keyfile import content_seal, describe_key, read_keys, reading_seal
from shortstop.traces.seal import Seal

CONFIG = TracesConfig()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "content.key"


def opens(seal: Seal, other: Seal) -> bool:
    """Whether `seal` opens what the other sealed."""
    try:
        return seal.unlock(other.lock(b"x", "here"), "here") == b"x"
    except StoreError:
        return False


def test_the_first_start_makes_it_and_the_next_uses_it(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        first = content_seal(CONFIG, {}, file)
    assert str(file) in caplog.text
    assert read_keys(file)[0] not in caplog.text
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    again = content_seal(CONFIG, {}, file)
    assert again.id == first.id
    assert opens(again, first)


def test_of_several_processes_one_makes_it(file: Path) -> None:
    code = (
        "import sys, pathlib; from shortstop.config import TracesConfig;"
        "from shortstop.traces.keyfile import content_seal;"
        "print(content_seal(TracesConfig(), {}, pathlib.Path(sys.argv[1])).id)"
    )
    command = [sys.executable, "-c", code, str(file)]
    crew = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    assert len({one.communicate()[0] for one in crew}) == 1
    assert all(one.returncode == 0 for one in crew)


def test_the_operators_key_wins_and_opens_what_the_file_sealed(file: Path) -> None:
    from_file = content_seal(CONFIG, {}, file)
    operators = content_seal(CONFIG, {"SHORTSTOP_TRACES_KEY": "k"}, file)
    assert operators.id == Seal("k").id
    assert opens(operators, from_file)
    assert not opens(from_file, operators)


def test_with_the_operators_key_no_file_is_made(file: Path) -> None:
    content_seal(CONFIG, {"SHORTSTOP_TRACES_KEY": "k"}, file)
    assert not file.exists()


def test_a_broken_file_does_not_stop_who_has_the_operators_key(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("")
    assert content_seal(CONFIG, {"SHORTSTOP_TRACES_KEY": "k"}, file).id == Seal("k").id
    assert "is empty" in caplog.text


def test_a_key_that_others_could_read_is_closed_to_them_and_named(
    file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = content_seal(CONFIG, {}, file).id
    file.chmod(0o644)
    assert content_seal(CONFIG, {}, file).id == key
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"the content key {file} could be read by others" in caplog.text
    caplog.clear()
    content_seal(CONFIG, {}, file)
    assert caplog.text == ""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    file.chmod(0o640)
    monkeypatch.setattr(os, "fchmod", refused)
    content_seal(CONFIG, {}, file)
    assert "can be read by others, and that cannot be changed" in caplog.text


def test_a_file_may_hold_earlier_keys_below_the_one_that_seals(file: Path) -> None:
    old = content_seal(CONFIG, {}, file)
    line = file.read_text()
    file.unlink()
    new = content_seal(CONFIG, {}, file)
    file.write_text(file.read_text() + line)
    both = content_seal(CONFIG, {}, file)
    assert both.id == new.id
    assert opens(both, old)
    assert opens(both, new)
    assert opens(new, both)
    file.write_text(file.read_text() + "shortstop")
    with pytest.raises(StoreError, match="damaged"):
        content_seal(CONFIG, {}, file)


def test_who_only_reads_makes_none(file: Path) -> None:
    assert reading_seal(CONFIG, {}, file) is None
    assert not file.exists()
    made = content_seal(CONFIG, {}, file)
    found = reading_seal(CONFIG, {}, file)
    assert found is not None
    assert found.id == made.id


def linked(file: Path) -> None:
    other = file.with_name("elsewhere")
    content_seal(CONFIG, {}, other)
    file.symlink_to(other)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda file: file.write_bytes(b""), "is empty"),
    "blank": (lambda file: file.write_bytes(b" \n"), "is empty"),
    "folder": (lambda file: file.mkdir(), "is a directory"),
    "link": (linked, "symbolic link"),
    "pipe": (os.mkfifo, "is empty"),
    "somebody's": (lambda file: file.write_text("hunter2\n"), "is damaged"),
    "bytes": (lambda file: file.write_bytes(bytes(range(256))), "is damaged"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_used_is_named_and_left_alone(file: Path, name: str) -> None:
    make, why = BROKEN[name]
    make(file)
    with pytest.raises(StoreError, match=why) as raised:
        content_seal(CONFIG, {}, file)
    assert str(file) in raised.value.message
    assert "Put your copy of it back" in raised.value.hint
    assert why in describe_key(CONFIG, {}, file)
    assert file.exists(follow_symlinks=False) if sys.version_info >= (3, 12) else file.exists()


def test_a_file_that_may_not_be_read_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content_seal(CONFIG, {}, file)
    real = os.open

    def refused(path: Path, *rest: int) -> int:
        if path == file:
            raise PermissionError(13, "Permission denied")
        return real(path, *rest)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(StoreError, match="permission denied"):
        content_seal(CONFIG, {}, file)


def test_somebody_elses_key_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content_seal(CONFIG, {}, file)
    if os.geteuid() == 0:
        os.chown(file, 4242, -1)
    owner = file.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StoreError, match="another user"):
        content_seal(CONFIG, {}, file)


def test_no_altered_byte_and_no_cut_goes_unnoticed(file: Path) -> None:
    content_seal(CONFIG, {}, file)
    whole = file.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            altered = bytes([whole[place] ^ 1 << bit])
            file.write_bytes(whole[:place] + altered + whole[place + 1 :])
            with pytest.raises(StoreError):
                read_keys(file)
        file.write_bytes(whole[:place])
        with pytest.raises(StoreError):
            read_keys(file)
    file.write_bytes(whole + b"x")
    with pytest.raises(StoreError):
        read_keys(file)


def test_a_folder_that_cannot_be_written_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("shortstop.traces.keyfile.create_file", refused)
    with pytest.raises(StoreError, match="cannot be made: Read-only") as raised:
        content_seal(CONFIG, {}, file)
    assert "traces.key_env" in raised.value.hint


def test_where_the_key_is_can_be_told_without_making_one(file: Path) -> None:
    assert "that the first start makes in" in describe_key(CONFIG, {}, file)
    assert not file.exists()
    content_seal(CONFIG, {}, file)
    assert f"with the key in {file}: keep a copy" in describe_key(CONFIG, {}, file)
    assert "$SHORTSTOP_TRACES_KEY" in describe_key(CONFIG, {"SHORTSTOP_TRACES_KEY": "k"}, file)
