"""Whatever is done to the log, the first damaged record is found."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shortstop.errors import StoreError
from shortstop.privacy.audit import AuditEvent, AuditLog, files, head_of, records, verify

KEY = b"a" * 32


def written(path: Path, n: int) -> list[bytes]:
    log = AuditLog(path, KEY)
    for i in range(n):
        log.append(AuditEvent(at=float(i), kind="clear", tenant="t", request=f"r{i}", tier=i % 4))
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


def event(n: int) -> AuditEvent:
    return AuditEvent(at=float(n), kind="clear", tenant="t", request=f"r{n}")


WRITER = """
import sys
from pathlib import Path
from shortstop.privacy.audit import AuditEvent, AuditLog
log = AuditLog(Path(sys.argv[1]), b"a" * 32, largest=int(sys.argv[3]))
for i in range(300):
    log.append(AuditEvent(at=float(i), kind="clear", tenant=sys.argv[2], request=f"r{i}"))
"""


@pytest.mark.parametrize("largest", [1 << 30, 20_000])
def test_several_processes_write_one_chain(tmp_path: Path, largest: int) -> None:
    """Every worker of a gateway writes, while full files are set aside under their feet."""
    path = tmp_path / "a.log"
    told = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*told, f"w{i}", str(largest)]) for i in range(3)]
    assert [w.wait(60) for w in writers] == [0, 0, 0]
    assert verify(path, KEY) is None
    written_by = [r.event.tenant for r in records(path)]
    assert [written_by.count(f"w{i}") for i in range(3)] == [300, 300, 300]
    assert (len(files(path)) > 1) == (largest < 100_000)


def test_threads_of_one_process_write_one_chain(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a.log", KEY)
    threads = [
        threading.Thread(target=lambda: [log.append(event(i)) for i in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert verify(tmp_path / "a.log", KEY) is None
    assert sum(1 for _ in records(tmp_path / "a.log")) == 800


def test_a_missing_file_of_several_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    log = AuditLog(path, KEY, largest=2_000)
    for i in range(60):
        log.append(event(i))
    log.close()
    assert len(files(path)) > 3
    assert verify(path, KEY) is None
    first = len(files(path)[0].read_bytes().splitlines())
    files(path)[1].unlink()
    found = verify(path, KEY)
    assert found is not None
    assert (found.n, found.what) == (first, "dropped or reordered")


@pytest.mark.parametrize("left", range(1, 30))
def test_every_cut_of_the_end_is_found_while_the_log_is_open(tmp_path: Path, left: int) -> None:
    """Also after `kill -9`: the head is as new as the last record."""
    path = tmp_path / "a.log"
    log = AuditLog(path, KEY)
    for i in range(30):
        log.append(event(i))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:left]))
    found = verify(path, KEY)
    log.close()
    assert found is not None
    assert (found.n, found.what) == (left, "cut short")


def test_what_was_cut_off_stays_told_after_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    lines = written(path, 10)
    path.write_bytes(b"".join(lines[:7]))
    written(path, 5)
    found = verify(path, KEY)
    assert found is not None
    assert found.n == 7
    assert "the head knows 10 records, found were 7" in found.what


def test_a_record_half_written_by_a_dying_process_is_set_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    written(path, 3)
    with path.open("ab") as file:
        file.write(b'{"n":3,"event":{"at":1')
    written(path, 2)
    assert verify(path, KEY) is None
    assert [r.event.kind for r in records(path)] == ["clear"] * 3 + ["torn"] + ["clear"] * 2
    assert (tmp_path / "a.log.torn-3").read_bytes() == b'{"n":3,"event":{"at":1'


def test_a_chain_is_not_continued_with_another_key_or_over_garbage(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    written(path, 3)
    with pytest.raises(StoreError, match="another key"):
        AuditLog(path, b"b" * 32)
    path.write_bytes(path.read_bytes() + b"garbage\n")
    with pytest.raises(StoreError, match="cannot be read"):
        AuditLog(path, KEY)


def test_a_log_whose_head_was_taken_away_says_so_for_good(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    written(path, 3)
    head_of(path).unlink()
    written(path, 3)
    found = verify(path, KEY)
    assert found is not None
    assert (found.n, "the head is gone" in found.what) == (3, True)
