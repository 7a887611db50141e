"""A run on its way through the pipeline: budgets, repeated calls, and what happens where the book
of runs breaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop import dialects
from shortstop.config import RunsConfig
from shortstop.errors import StoreUnavailable
from shortstop.pipeline.record import Bookkeeping, RequestRecord
from shortstop.pipeline.repeats import without_repeats
from shortstop.runs import RunBook, RunOver, RunStep
from shortstop.runs.calls import CallKey
from shortstop.stores.sqlite.runs import SqliteRuns
from shortstop.types import UNMETERED, Caller, Chunk, Request, ToolDelta
from tests.conftest import FakeClock
from tests.dialects.grammar import check_anthropic, check_responses
from tests.dialects.samples import REQUESTS, STREAMS
from tests.pipeline.test_chat import CALLER, REQUEST, Shelf, TokenBooks
from tests.runs.test_book import SYSTEM, TOOLS, as_message, asked, said, user


def step_for(*calls: CallKey) -> RunStep:
    return RunStep("~r", "acme", b"s", b"w", frozenset(calls), 2)


async def flow(*chunks: Chunk) -> AsyncGenerator[Chunk, None]:
    for chunk in chunks:
        yield chunk


CALL = (
    Chunk(text="Let me see."),
    Chunk(tools=(ToolDelta(0, "c1", "look", '{"to":'),)),
    Chunk(tools=(ToolDelta(0, arguments=' "Rome"}'),)),
    Chunk(finish="tool_calls"),
)


async def test_a_stream_without_such_a_call_is_handed_on_chunk_by_chunk() -> None:
    step = step_for(CallKey("look", '{"to":"Oslo"}'))
    assert [chunk async for chunk in without_repeats(flow(*CALL), step)] == list(CALL)
    assert step.refusal is None


async def test_half_a_refused_call_never_leaves() -> None:
    step = step_for(CallKey("look", '{"to":"Rome"}'))
    chunks = [chunk async for chunk in without_repeats(flow(*CALL), step)]
    assert not any(chunk.tools for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks).startswith("Let me see.[shortstop] The call")
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["stop"]
    assert step.refusal == "repeat"


async def test_where_the_look_breaks_the_answer_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: RunStep, reply: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(RunStep, "spared", broken)
    step = step_for(CallKey("look", "{}"))
    assert [chunk async for chunk in without_repeats(flow(*CALL), step)] == list(CALL)


@pytest.mark.parametrize("name", ["openai.chat", "openai.responses", "anthropic.messages"])
async def test_a_vendors_own_stream_is_rewritten_whole(name: str) -> None:
    """Frames of the vendor and frames of ours are never mixed."""
    dialect = dialects.get(name)
    decoder = dialect.stream_decoder()
    chunks = decoder.feed(STREAMS[name])
    names = [delta.name for chunk in chunks for delta in chunk.tools if delta.name]
    if not names:
        pytest.skip("the sample holds no call")
    pieces = [delta.arguments for chunk in chunks for delta in chunk.tools if delta.index == 0]
    step = step_for(CallKey(names[0], "".join(pieces).replace(" ", "")))
    request = replace(dialect.decode_request(REQUESTS[name], "r"), stream=True)
    encoder = dialect.stream_encoder(request, created=1)
    data = b"".join([encoder.encode(c) async for c in without_repeats(flow(*chunks), step)])
    data += encoder.finish()
    assert step.refusal == "repeat"
    assert b"was refused" in data
    if name == "anthropic.messages":
        check_anthropic(data)
    elif name == "openai.responses":
        check_responses(data)


# ---------------------------------------------------------------- the books


class BrokenRuns(SqliteRuns):
    """Cannot be used now."""

    def heads(self, prefixes: object, since: float) -> list[object]:  # type: ignore[override]
        raise StoreUnavailable("The disk is full.")

    def leave(self, tenant: str, head: object, at: float, cost: int) -> None:
        raise StoreUnavailable("The disk is full.")


def bookkeeping(store: SqliteRuns, **config: object) -> tuple[Bookkeeping, Shelf]:
    clock, shelf = FakeClock(), Shelf()
    book = RunBook(store, clock, RunsConfig(**config), b"k" * 32)  # type: ignore[arg-type]
    return Bookkeeping(TokenBooks(), shelf, clock, runs=book), shelf


async def begun(books: Bookkeeping, request: Request, caller: Caller = CALLER) -> RequestRecord:
    record = books.begin(request, caller, UNMETERED)
    await books.enter(record)
    return record


async def test_the_row_names_the_run_and_why_a_step_was_refused(tmp_path: Path) -> None:
    with closing(SqliteRuns(tmp_path / "runs.db")) as store:
        books, _ = bookkeeping(store, max_steps=1)
        request = asked(SYSTEM, user("Hi"))
        record = await begun(books, request)
        record.reply = said("Yes?")
        first = books.close(record, "ok")
        assert first.run == record.caller.run is not None
        assert first.run_refusal is None
        grown = asked(SYSTEM, user("Hi"), as_message(said("Yes?")), user("Go."))
        record = books.begin(grown, CALLER)
        with pytest.raises(RunOver) as caught:
            await books.enter(record)
        row = books.close(record, "refused", caught.value)
        assert (row.run, row.run_refusal, row.status) == (first.run, "steps", 429)
        assert row.error == "run_budget_exceeded"


async def test_where_the_book_breaks_the_request_is_part_of_no_run(tmp_path: Path) -> None:
    with closing(BrokenRuns(tmp_path / "runs.db")) as store:
        books, _ = bookkeeping(store, max_steps=1)
        record = await begun(books, asked(SYSTEM, user("Hi")))
        assert (record.step, record.caller.run) == (None, None)
        record.reply = said("Yes?")
        assert books.close(record, "ok").run is None


async def test_where_the_end_cannot_be_noted_the_row_is_kept(tmp_path: Path) -> None:
    with closing(BrokenRuns(tmp_path / "runs.db")) as store:
        books, shelf = bookkeeping(store)
        record = await begun(books, replace(REQUEST, tools=TOOLS), replace(CALLER, run="job"))
        assert record.step is not None
        record.reply = said("Yes?")
        assert books.close(record, "ok").run == "job"
        assert len(shelf.rows) == 1


async def test_a_damaged_file_stops_no_answer(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"no database" * 1000)
    with closing(SqliteRuns(tmp_path / "runs.db")) as store:
        books, _ = bookkeeping(store)
        assert (await begun(books, asked(SYSTEM, user("Hi")))).step is None
