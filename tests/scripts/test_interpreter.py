"""Which Python an environment is made with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scripts.interpreter import candidates, chosen, seconds


@pytest.mark.parametrize(
    ("took", "best"),
    [
        ({}, None),
        ({"python3": 9.0}, "python3"),
        ({"python3": 9.0, "/usr/bin/python3": 5.6}, "/usr/bin/python3"),
        ({"python3": 9.0, "/usr/bin/python3": 8.0}, "python3"),
        ({"python3": 5.6, "/usr/bin/python3": 9.0}, "python3"),
    ],
)
def test_the_first_is_taken_unless_another_is_clearly_faster(
    took: dict[str, float], best: str | None
) -> None:
    assert chosen(took) == best


def test_what_is_no_python_of_ours_is_passed_over(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert seconds(str(old)) is None
    assert seconds(str(tmp_path / "nothing")) is None
    assert (seconds(sys.executable) or 0) > 0


def test_each_interpreter_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "python3.11"
    real.write_text("#!/bin/sh\n")
    real.chmod(0o755)
    (tmp_path / "python3").symlink_to(real)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = candidates()
    assert found[0] == str(tmp_path / "python3")
    assert str(real) not in found
