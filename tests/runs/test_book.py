"""Which run a request is a step of, and what a run may take."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.config import RunsConfig
from shortstop.runs import RunBook, RunOver, RunStep
from shortstop.stores.sqlite.runs import SqliteRuns
from shortstop.types import (
    Caller,
    Choice,
    Message,
    Party,
    Reply,
    Request,
    RunLimits,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from tests.conftest import FakeClock

TOOLS = (Tool("look"), Tool("book"))
SYSTEM = Message("system", (Text("You book flights."),))
ACME = Caller(tenant="acme", key="k1")


def asked(*messages: Message, tools: tuple[Tool, ...] = TOOLS) -> Request:
    return Request(
        id="r", dialect="openai.chat", body={}, model="auto", messages=messages, tools=tools
    )


def user(text: str) -> Message:
    return Message("user", (Text(text),))


def said(text: str) -> Reply:
    return Reply("a", "m", (Choice(parts=(Text(text),), finish="stop"),))


def called(arguments: str, id: str = "c1") -> Reply:
    return Reply("a", "m", (Choice(parts=(ToolCall(id, "look", arguments),)),))


def as_message(reply: Reply) -> Message:
    return Message("assistant", reply.choices[0].parts)


class Books:
    """A book over a file of its own."""

    def __init__(self, folder: Path, most_steps: int = 1000, **config: object) -> None:
        self.clock = FakeClock()
        self.path = folder / "runs.db"
        self.store = SqliteRuns(self.path, most_steps)
        self.config = RunsConfig(**config)  # type: ignore[arg-type]
        self.book = RunBook(self.store, self.clock, self.config, b"k" * 32)

    def step(
        self, request: Request, reply: Reply | None, caller: Caller = ACME, usd: str = "0.01"
    ) -> str | None:
        """Ask and be answered; the run."""
        step = self.enter(request, caller)
        if step is not None:
            self.book.leave(step, reply, Decimal(usd))
        return step.run if step else None

    def enter(self, request: Request, caller: Caller = ACME) -> RunStep | None:
        self.clock.advance(1)
        return self.book.enter(request, caller)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path)
    with closing(made.store):
        yield made


# ---------------------------------------------------------------- recognised


def test_a_step_goes_on_where_the_last_one_ended(books: Books) -> None:
    opening = (SYSTEM, user("To Rome."))
    first = books.step(asked(*opening), called('{"to": "Rome"}'))
    assert first is not None
    assert first.startswith("~")
    result = Message("tool", (ToolResult("c1", (Text("HAT1"),)),))
    grown = (*opening, as_message(called('{"to": "Rome"}')), result)
    assert books.step(asked(*grown), said("Booked.")) == first
    assert books.step(asked(*grown, as_message(said("Booked.")), user("Thanks.")), None) == first


def test_an_answer_may_come_back_in_another_form(books: Books) -> None:
    """Other ids, other spelling of JSON, no reasoning, text and calls as two messages."""
    opening = (SYSTEM, user("To Rome."))
    parts = (Thinking("hm", "sig"), Text("Let me look. "), ToolCall("c1", "look", '{"a":1,"b":2}'))
    first = books.step(asked(*opening), Reply("a", "m", (Choice(parts=parts),)))
    back = (
        Message("assistant", (Text("Let me look."),)),
        Message("assistant", (ToolCall("x9", "look", '{ "b": 2.0, "a": 1 }'),)),
    )
    other = books.step(asked(*opening), said("Where from?"))
    result = Message("tool", (ToolResult("x9", (Text("HAT1"),)),))
    assert books.step(asked(*opening, *back, result), said("x")) == first != other


def test_the_same_opening_begins_another_run_once_it_was_answered(books: Books) -> None:
    opening = asked(SYSTEM, user("Every night."))
    first, second = books.step(opening, said("One.")), books.step(opening, said("Two."))
    assert first != second
    for run, answer in ((first, "One."), (second, "Two.")):
        grown = asked(*opening.messages, as_message(said(answer)), user("Go on."))
        assert books.step(grown, said("Done.")) == run


def test_runs_that_are_equal_so_far_stay_two(books: Books) -> None:
    """Both begin before either goes on; each then goes on under one name."""
    opening = asked(SYSTEM, user("Every night."))
    names = {books.step(opening, said("Same.")) for _ in range(2)}
    second = (*opening.messages, as_message(said("Same.")))
    one = [books.step(asked(*second, user(text)), said(text)) for text in ("A", "B")]
    assert set(one) == names
    for run, text in zip(one, ("A", "B"), strict=True):
        third = (*second, user(text), as_message(said(text)), user("more"))
        assert books.step(asked(*third), said("x")) == run


def test_a_run_that_repeats_an_ended_one_for_two_steps_is_another(books: Books) -> None:
    opening = (SYSTEM, user("Every night."))
    second = (*opening, as_message(said("Which one?")), user("The usual."))
    third = (*second, as_message(said("Done.")), user("Thanks."))
    runs = []
    for answer in ("One.", "Two."):
        steps = [(opening, "Which one?"), (second, "Done."), (third, answer)]
        names = {books.step(asked(*messages), said(text)) for messages, text in steps}
        assert len(names) == 1
        runs.append(names.pop())
    assert runs[0] != runs[1]


def test_what_was_not_answered_is_tried_again_in_the_same_run(books: Books) -> None:
    opening = asked(SYSTEM, user("To Rome."))
    first = books.step(opening, None)
    assert books.step(opening, said("Yes.")) == first
    grown = asked(*opening.messages, as_message(said("Yes.")), user("And back."))
    assert books.step(grown, said("Done.")) == first
    assert books.step(grown, said("Done, again.")) == first, "asked for another answer"


@pytest.mark.parametrize(
    "other",
    [
        (Message("system", (Text("You sell trains."),)), TOOLS),
        (SYSTEM, TOOLS[:1]),
    ],
    ids=["system prompt", "tools"],
)
def test_another_prompt_or_other_tools_are_another_run(
    books: Books, other: tuple[Message, tuple[Tool, ...]]
) -> None:
    first = books.step(asked(SYSTEM, user("Hi")), said("Yes?"))
    system, tools = other
    grown = (system, user("Hi"), as_message(said("Yes?")), user("Go."))
    assert books.step(asked(*grown, tools=tools), said("x")) != first


def test_a_question_without_tools_is_no_run_until_it_goes_on(books: Books) -> None:
    assert books.step(asked(user("2 + 2?"), tools=()), said("4")) is None
    grown = (user("2 + 2?"), as_message(said("4")), user("And 5?"))
    run = books.step(asked(*grown, tools=()), said("9"))
    assert run is not None
    assert books.step(asked(*grown, as_message(said("9")), user("+1"), tools=()), None) == run


@pytest.mark.parametrize(
    "stranger",
    [
        Caller(tenant="other", key="k1"),
        Caller(tenant="acme", key="k2"),
        Caller(tenant="acme"),
    ],
    ids=["tenant", "key", "no key"],
)
def test_nobody_goes_on_with_the_run_of_another(books: Books, stranger: Caller) -> None:
    first = books.step(asked(SYSTEM, user("Hi")), said("Yes?"))
    grown = asked(SYSTEM, user("Hi"), as_message(said("Yes?")), user("Go."))
    assert books.step(grown, said("x"), stranger) != first
    assert books.step(grown, said("x")) == first


def test_keyless_addresses_are_told_apart(books: Books) -> None:
    nobody, opening = Caller(), asked(SYSTEM, user("Hi"))
    here = replace(opening, party=Party("@10.0.0.1"))
    first = books.step(here, said("Yes?"), nobody)
    grown = asked(SYSTEM, user("Hi"), as_message(said("Yes?")), user("Go."))
    assert books.step(replace(grown, party=Party("@10.0.0.2")), said("x"), nobody) != first
    assert books.step(replace(grown, party=Party("@10.0.0.1")), said("x"), nobody) == first


def test_a_named_run_is_one_whatever_is_said_and_of_one_tenant(books: Books) -> None:
    named = replace(ACME, run="job-7", run_caps=RunLimits(steps=2))
    assert books.step(asked(user("a"), tools=()), said("b"), named) == "job-7"
    assert books.step(asked(user("c"), tools=()), said("d"), replace(named, key="k2")) == "job-7"
    with pytest.raises(RunOver):
        books.enter(asked(user("e"), tools=()), named)
    other = replace(named, tenant="other")
    assert books.step(asked(user("e"), tools=()), said("f"), other) == "job-7"
    assert (books.book.owner("job-7", "acme"), books.book.owner("job-7", None)) == ("acme", None)
    assert books.book.owner("job-8", "acme") is None


# ---------------------------------------------------------------- any interleaving


@dataclass
class Agent:
    """One run: every answer that it gets is its own, so it can be told from all others."""

    number: int
    caller: Caller
    opening: str
    messages: list[Message] = field(default_factory=list)
    runs: set[str | None] = field(default_factory=set)

    def go_on(self, books: Books) -> None:
        if not self.messages:
            self.messages = [SYSTEM, user(self.opening)]
        steps = len(self.messages)
        reply = called(f'{{"n": {self.number}, "step": {steps}}}', f"c{steps}")
        self.runs.add(books.step(asked(*self.messages), reply, self.caller))
        result = Message("tool", (ToolResult(f"c{steps}", (Text("ok"),)),))
        self.messages += [as_message(reply), result]


CALLERS = [Caller(tenant=t, key=k) for t in ("a", "b") for k in ("1", "2")]


@settings(max_examples=40)
@given(
    agents=st.lists(
        st.tuples(st.sampled_from(CALLERS), st.sampled_from("xy")), min_size=1, max_size=5
    ),
    turns=st.lists(st.integers(0, 4), max_size=30),
)
def test_however_runs_are_mixed_each_is_one_and_no_two_are(
    agents: Sequence[tuple[Caller, str]], turns: Sequence[int]
) -> None:
    with TemporaryDirectory() as folder:
        books = Books(Path(folder))
        made = [Agent(i, caller, opening) for i, (caller, opening) in enumerate(agents)]
        with closing(books.store):
            for turn in turns:
                made[turn % len(made)].go_on(books)
        begun = [agent.runs for agent in made if agent.runs]
        assert all(len(runs) == 1 for runs in begun)
        assert len(set.union(set(), *begun)) == len(begun)


@settings(max_examples=15)
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=20))
def test_the_table_is_bounded(lengths: Sequence[int]) -> None:
    with TemporaryDirectory() as folder:
        books = Books(Path(folder), most_steps=8)
        with closing(books.store):
            for number, length in enumerate(lengths):
                agent = Agent(number, ACME, f"job {number}")
                for _ in range(length):
                    agent.go_on(books)
            with closing(sqlite3.connect(books.path)) as db:
                for table in ("runs", "heads"):
                    rows = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                    assert rows <= 17


def test_one_tenants_flood_makes_nobody_else_forgotten(tmp_path: Path) -> None:
    books = Books(tmp_path, most_steps=8)
    with closing(books.store):
        quiet = Agent(0, Caller(tenant="quiet"), "Hi")
        quiet.go_on(books)
        for number in range(40):
            Agent(number, ACME, f"job {number}").go_on(books)
        quiet.go_on(books)
        assert len(quiet.runs) == 1


# ---------------------------------------------------------------- what a run may take


def test_the_last_step_is_answered_and_the_next_refused(tmp_path: Path) -> None:
    books = Books(tmp_path, max_steps=2)
    with closing(books.store):
        agent = Agent(0, ACME, "Hi")
        agent.go_on(books)
        agent.go_on(books)
        with pytest.raises(RunOver) as caught:
            agent.go_on(books)
        over = caught.value
        assert (over.status, over.code, over.refusal) == (429, "run_budget_exceeded", "steps")
        assert over.headers == {"x-shortstop-run": next(iter(agent.runs))}
        assert "2 steps" in over.message
        assert "$0.02" in over.message
        with pytest.raises(RunOver):
            agent.go_on(books)


def test_a_step_that_failed_counts_for_nothing(tmp_path: Path) -> None:
    books = Books(tmp_path, max_steps=1)
    with closing(books.store):
        opening = asked(SYSTEM, user("Hi"))
        for _ in range(3):
            books.step(opening, None)
        assert books.step(opening, said("Yes?")) is not None
        grown = asked(SYSTEM, user("Hi"), as_message(said("Yes?")), user("Go."))
        with pytest.raises(RunOver):
            books.enter(grown)


def test_money_and_time_end_a_run(tmp_path: Path) -> None:
    books = Books(tmp_path, max_usd=0.015, max_seconds=100)
    with closing(books.store):
        spender, sleeper = Agent(0, ACME, "Hi"), Agent(1, ACME, "Ho")
        spender.go_on(books)
        spender.go_on(books)
        with pytest.raises(RunOver, match=r"\$0\.015") as caught:
            spender.go_on(books)
        assert caught.value.refusal == "money"
        sleeper.go_on(books)
        books.clock.advance(100)
        with pytest.raises(RunOver, match="100 s") as caught:
            sleeper.go_on(books)
        assert caught.value.refusal == "time"


def test_a_key_has_limits_of_its_own_and_a_client_only_lowers_them(tmp_path: Path) -> None:
    books = Books(tmp_path, max_steps=2)
    own = RunLimits(steps=3)
    with closing(books.store):
        for caller, steps in (
            (ACME, 2),
            (replace(ACME, run_limits=own), 3),
            (replace(ACME, run_caps=RunLimits(steps=9)), 2),
            (replace(ACME, run_limits=own, run_caps=RunLimits(steps=1)), 1),
        ):
            agent = Agent(steps, caller, f"{caller}")
            for _ in range(steps):
                agent.go_on(books)
            with pytest.raises(RunOver):
                agent.go_on(books)


def test_a_run_that_rested_is_over(tmp_path: Path) -> None:
    books = Books(tmp_path, max_steps=1, idle_hours=1)
    named = replace(ACME, run="nightly")
    with closing(books.store):
        agent = Agent(0, ACME, "Hi")
        agent.go_on(books)
        assert books.step(asked(user("x")), said("y"), named) == "nightly"
        books.clock.advance(3601)
        agent.go_on(books)
        assert len(agent.runs) == 2
        assert books.step(asked(user("x")), said("y"), named) == "nightly"
        books.clock.advance(3601)
        assert books.book.sweep() == 3, "both of the agent, and the one whose name began another"


def test_two_books_are_one(tmp_path: Path) -> None:
    """As in two workers: what one has seen the other goes on with."""
    one, two = Books(tmp_path, max_steps=3), Books(tmp_path, max_steps=3)
    with closing(one.store), closing(two.store):
        agent = Agent(0, ACME, "Hi")
        for books in (one, two, one):
            agent.go_on(books)
        assert len(agent.runs) == 1
        with pytest.raises(RunOver):
            agent.go_on(two)


def test_no_text_is_on_the_disk(books: Books) -> None:
    books.step(asked(SYSTEM, user("The walrus was Paul.")), said("Indeed he was."))
    files = [path.read_bytes() for path in books.path.parent.iterdir()]
    assert files
    assert not any(b"walrus" in data or b"Indeed" in data for data in files)


# ---------------------------------------------------------------- repeated calls


def repeating(times: int, *results: str) -> tuple[Message, ...]:
    messages = [SYSTEM, user("To Rome.")]
    for i in range(times):
        result = ToolResult(f"c{i}", (Text(results[i % len(results)]),))
        messages += [as_message(called('{"to":"Rome"}', f"c{i}")), Message("tool", (result,))]
    return tuple(messages)


@pytest.mark.parametrize(
    ("config", "results", "refused"),
    [
        ({}, ("full",), True),
        ({}, ("1 left", "0 left"), False),
        ({"same_call": "any"}, ("1 left", "0 left"), True),
        ({"polls": ("lo*",)}, ("full",), False),
        ({"max_same_call": 0}, ("full",), False),
        ({"max_same_call": 3}, ("full",), False),
    ],
)
def test_the_third_call_with_nothing_new_is_taken_out(
    tmp_path: Path, config: dict[str, object], results: tuple[str, ...], refused: bool
) -> None:
    books = Books(tmp_path, **config)
    with closing(books.store):
        step = books.enter(asked(*repeating(2, *results)))
        assert step is not None
        answer = called('{ "to" : "Rome" }', "c9")
        spared = step.spared(answer)
        assert (spared is not answer) == refused
        assert step.refusal == ("repeat" if refused else None)
        other = called('{"to":"Oslo"}', "c9")
        assert step.spared(other) is other
