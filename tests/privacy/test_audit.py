"""Whatever is done to the log, the first damaged record is found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from shortstop.privacy.audit import AuditLog, Event, verify

KEY = b"a" * 32


def written(path: Path, n: int) -> list[bytes]:
    log = AuditLog(path, KEY)
    for i in range(n):
        log.append(Event(at=float(i), kind="clear", tenant="t", request=f"r{i}", tier=i % 4))
    log.close()
    return path.read_bytes().splitlines(keepends=True)


def test_an_untouched_log_is_intact_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    written(path, 5)
    assert len(written(path, 5)) == 10
    assert verify(path, KEY) is None
    assert verify(path, b"b" * 32) is not None


def test_every_tampering_is_found_where_it_begins(tmp_path: Path) -> None:
    path, draw = tmp_path / "a.log", random.Random(2)
    lines = written(path, 30)
    for trial in range(1000):
        changed, at = list(lines), draw.randrange(29)
        match trial % 4:
            case 0:
                changed[at] = changed[at].replace(b'"tenant":"t"', b'"tenant":"u"')
            case 1:
                del changed[at]
            case 2:
                changed[at], changed[at + 1] = changed[at + 1], changed[at]
            case _:
                del changed[at:]
        path.write_bytes(b"".join(changed))
        found = verify(path, KEY)
        assert found is not None
        assert found.n == at


def test_a_missing_head_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    written(path, 3)
    (tmp_path / "a.log.head").unlink()
    assert verify(path, KEY) is not None


@pytest.mark.parametrize("text", [b"garbage\n", b'{"n":0}\n'])
def test_garbage_is_a_break(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(text)
    assert verify(path, KEY) is not None
