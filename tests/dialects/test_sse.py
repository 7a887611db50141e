"""Event streams as bytes (case 28)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.dialects import sse
from shortstop.dialects.sse import Event, EventParser, event
from shortstop.errors import UpstreamFailed


def parsed(data: bytes) -> list[Event]:
    return EventParser().feed(data)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_28_all_line_endings(ending: bytes) -> None:
    data = b"event: a\ndata: 1\n\ndata:2\n\n".replace(b"\n", ending)
    assert parsed(data) == [Event("1", "a"), Event("2")]


def test_28_comments_and_unknown_fields_are_skipped() -> None:
    assert parsed(b": ping\n\nid: 3\nretry: 5\n: x\ndata: 1\n\n: ping\n\n") == [Event("1")]


def test_data_lines_are_joined_and_one_space_is_stripped() -> None:
    assert parsed(b"data:  a\ndata:\ndata: b\n\n") == [Event(" a\n\nb")]


def test_an_event_without_its_blank_line_is_not_complete() -> None:
    parser = EventParser()
    assert parser.feed(b"data: 1\n") == []
    assert parser.feed(b"\n") == [Event("1")]


def test_crlf_split_between_feeds() -> None:
    parser = EventParser()
    assert parser.feed(b"data: 1\r") == []
    assert parser.feed(b"\n\r") == [Event("1")]
    assert parser.feed(b"\ndata: 2\r\n\r\n") == [Event("2")]


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))),
    st.data(),
)
def test_what_is_written_is_read_in_any_chunking(texts: list[str], data: st.DataObject) -> None:
    sent = b"".join(event(t.encode()) for t in texts)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)))))
    parser, found = EventParser(), []
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        found += parser.feed(sent[start:end])
    assert [e.data for e in found] == texts


@pytest.mark.parametrize(
    "piece", [b"x" * 100, b"data: y\n" * 20, b": z" * 40, b"event: a\ndata: b\n"]
)
def test_an_event_without_end_is_a_failed_upstream(
    monkeypatch: pytest.MonkeyPatch, piece: bytes
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT", 1000)
    parser = EventParser()
    with pytest.raises(UpstreamFailed, match="MB"):  # noqa: PT012 - which piece is too much
        for _ in range(1000):
            assert parser.feed(piece) == []


def test_many_events_may_be_larger_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT", 100)
    parser = EventParser()
    assert len(parser.feed(b"data: 12345678\n\n" * 100)) == 100
    assert parser.feed(b"data: 1") == []
    assert parser.feed(b"2\n\n") == [Event("12")]


def test_a_stream_has_a_most_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENTS", 10)
    parser = EventParser()
    assert len(parser.feed(b"data: 1\n\n" * 10)) == 10
    with pytest.raises(UpstreamFailed, match="10 events"):
        parser.feed(b"data: 1\n\n")


def test_a_long_line_is_not_copied_with_every_piece() -> None:
    """A megabyte in pieces of ten bytes; copying it each time would move 50 GB."""
    parser = EventParser()
    for _ in range(100_000):
        assert parser.feed(b"0123456789") == []
    assert parser.feed(b"\n\n") == []
