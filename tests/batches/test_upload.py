"""A file that arrives in any pieces is cut into its lines, and comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.batches.upload import LineCutter
from shortstop.errors import InvalidRequest, NotFound, TooLarge
from tests.batches.world import ME, World

CONTENT = st.lists(
    st.sampled_from([b"", b"{}", b'{"a":1}', b"  ", b"\t", b"x" * 20, b"\r"]), max_size=12
).map(b"\n".join)


@given(content=CONTENT, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_lines_are_numbered_and_nothing_is_lost(content: bytes, sizes: list[int]) -> None:
    cutter, lines, rest = LineCutter(1000, 100), [], content
    while rest:
        size = sizes[len(rest) % len(sizes)]
        lines += list(cutter.feed(rest[:size]))
        rest = rest[size:]
    lines += list(cutter.rest())
    assert b"".join(line for _, line in lines) == content
    said = [number for number, line in lines if line.strip()]
    assert said == [n for n, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    assert all(line.strip() for _, line in lines[:-1]), "blank ones stand before the next one"


def test_a_long_line_is_refused_before_its_end() -> None:
    cutter = LineCutter(10, 100)
    assert list(cutter.feed(b"{}\n{}\n")) == [(1, b"{}\n"), (2, b"{}\n")]
    with pytest.raises(TooLarge, match="Line 3 has more than"):
        list(cutter.feed(b"x" * 11))


def test_blank_lines_without_end_are_a_long_line() -> None:
    cutter = LineCutter(1000, 100)
    for _ in range(1000):
        assert list(cutter.feed(b"\n")) == []
    with pytest.raises(TooLarge):
        list(cutter.feed(b"\n"))


def test_too_many_lines_are_refused() -> None:
    cutter = LineCutter(10, 2)
    with pytest.raises(InvalidRequest, match="line 4 is one too many"):
        list(cutter.feed(b"1\n\n2\n3\n"))


def test_a_file_may_have_so_many_bytes(world: World) -> None:
    world.limit(max_file_mb=0.00001)
    assert world.upload(b"{}\n{}\n1234").row.size == 10
    upload = world.files.begin(ME)
    upload.write(b"12345")
    with pytest.raises(TooLarge, match="max_file_mb"):
        upload.write(b"123456")


def test_an_empty_file_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        world.upload(b"")


def test_all_files_share_the_room(world: World) -> None:
    world.limit(disk_mb=0.001)
    world.upload(b"x" * 300 + b"\n")
    upload = world.files.begin(ME)
    upload.write(b"y" * 300 + b"\n")
    with pytest.raises(TooLarge, match="disk_mb"):
        upload.complete()


def test_what_is_abandoned_is_gone(world: World) -> None:
    upload = world.files.begin(ME)
    upload.write(b"secret words\n" * 40_000)  # more than is held back
    assert world.file_store.held(None) > 0
    upload.abandon()
    assert world.file_store.held(None) == 0
    with pytest.raises(NotFound):
        world.files.find(ME.name, upload.id)


@given(sizes=st.lists(st.integers(1, 3_000), min_size=1, max_size=6))
def test_what_is_in_memory_is_known(sizes: list[int]) -> None:
    cutter = LineCutter(10_000_000, 100)
    for size in sizes:
        assert list(cutter.feed(b"x" * size)) == []
    assert cutter.holding == sum(sizes)
    assert list(cutter.feed(b"\n")) != []
    assert cutter.holding == 0


def test_an_upload_holds_no_more_than_a_step_of_short_lines(world: World) -> None:
    world.limit(max_requests=200_000)
    upload = world.files.begin(ME)
    for _ in range(8):
        upload.write(b"{}\n" * 10_000)
        assert upload.holding < (1 << 18) + 30_000
