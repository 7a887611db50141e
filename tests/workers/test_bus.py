"""The bus: every message once, in order, whole, to everyone else; another release is not read."""

from __future__ import annotations

import logging
import multiprocessing
import os
import struct
from itertools import groupby
from pathlib import Path

import pytest

from shortstop.workers.bus import VERSION, Bus


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_others_hear_it_once_and_its_author_does_not(tmp_path: Path) -> None:
    one, two = Bus(tmp_path, 0), Bus(tmp_path, 1)
    one.publish(b"a")
    two.publish(b"b")
    one.publish(b"c")
    assert list(two.news()) == [b"a", b"c"]
    assert list(one.news()) == [b"b"]
    assert list(one.news()) == list(two.news()) == []


def test_what_is_published_can_be_read_at_once(tmp_path: Path) -> None:
    one, two = Bus(tmp_path, 0), Bus(tmp_path, 1)
    for i in range(100):
        one.publish(str(i).encode())
        assert list(two.news()) == [str(i).encode()]


def test_a_successor_hears_all_that_is_kept_its_predecessor_s_own_words_too(tmp_path: Path) -> None:
    one, two = Bus(tmp_path, 0), Bus(tmp_path, 1)
    one.publish(b"a")
    two.publish(b"b")
    one.close()
    successor = Bus(tmp_path, 0)
    assert list(successor.past()) == [b"a", b"b"]
    assert list(successor.news()) == []
    two.publish(b"c")
    assert list(successor.news()) == [b"c"]


def test_a_message_is_not_read_before_it_is_whole(tmp_path: Path) -> None:
    one, two = Bus(tmp_path, 0), Bus(tmp_path, 1)
    (name,) = files(tmp_path)
    message = struct.pack("<II", 5, 0) + b"whole"
    with (tmp_path / name).open("ab", buffering=0) as file:
        for cut in (3, 8, 11):
            file.write(message[:cut])
            assert list(two.news()) == []
            os.truncate(tmp_path / name, 0)
        file.write(message)
    assert list(two.news()) == [b"whole"]
    one.close()


def test_a_long_history_is_cut_and_nobody_who_listens_misses_anything(tmp_path: Path) -> None:
    one, two = Bus(tmp_path, 0, 1000), Bus(tmp_path, 1, 1000)
    heard: list[bytes] = []
    for i in range(300):
        one.publish(f"message {i}".encode())
        if i % 40 == 0:
            heard += two.news()
    heard += two.news()
    assert heard == [f"message {i}".encode() for i in range(300)]
    assert len(files(tmp_path)) == 2
    late = list(Bus(tmp_path, 2, 1000).past())
    assert late == heard[-len(late) :]
    assert late, "of what was cut off the last part is kept"


def test_who_writes_while_another_has_begun_the_next_file_is_heard(tmp_path: Path) -> None:
    one, two, three = (Bus(tmp_path, i, 100) for i in range(3))
    one.publish(b"x" * 200)
    two.publish(b"still in the first")
    one.publish(b"in the second")
    assert list(three.news()) == [b"x" * 200, b"still in the first", b"in the second"]


def _say(folder: Path, author: int, n: int) -> None:
    bus = Bus(folder, author)
    for i in range(n):
        bus.publish(f"{author} {i} ".encode() * 200)
    bus.close()


def test_messages_of_several_processes_do_not_mix_and_keep_each_author_s_order(
    tmp_path: Path,
) -> None:
    listener = Bus(tmp_path, 9)
    context = multiprocessing.get_context("spawn")
    speakers = [context.Process(target=_say, args=(tmp_path, i, 200)) for i in range(3)]
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()
        assert speaker.exitcode == 0
    heard = list(listener.news())
    numbers: dict[bytes, list[int]] = {b"0": [], b"1": [], b"2": []}
    for message in heard:
        words = message.split(b" ")
        assert len(list(groupby(words[:-1:2]))) == 1, "one author's words in a message"
        numbers[words[0]].append(int(words[1]))
    assert all(order == list(range(200)) for order in numbers.values())


def test_files_of_another_release_are_left_alone_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = tmp_path / "bus-000001.log"
    old.write_bytes(b"\x01\x02\x03")
    newer = tmp_path / f"news-{VERSION + 1}-000000.log"
    newer.write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        bus = Bus(tmp_path, 0)
    assert "bus-000001.log" in caplog.text
    assert newer.name in caplog.text
    assert list(bus.past()) == []
    bus.publish(b"a")
    assert old.read_bytes() == b"\x01\x02\x03"
    assert newer.read_bytes() == b""


def test_its_own_files_are_no_news_from_elsewhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Bus(tmp_path, 0).publish(b"a")
    with caplog.at_level(logging.WARNING):
        Bus(tmp_path, 1)
    assert not caplog.records


def test_who_was_away_goes_on_with_the_files_that_are_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As a relay while nothing can be published; it says what it has missed."""
    writer, away = Bus(tmp_path, 0, max_file_bytes=100), Bus(tmp_path, 1, max_file_bytes=100)
    for number in range(30):
        writer.publish(b"%02d" % number + b"x" * 20)
    heard = [int(message[:2]) for message in away.news()]
    assert heard == list(range(heard[0], 30))
    assert 0 < heard[0] < 30
    assert "gone before they were read" in caplog.text
    writer.publish(b"30")
    assert list(away.news()) == [b"30"]
