"""Who answers in place of a model that cannot: by class of error, before the first byte."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import msgspec
import pytest

from shortstop.errors import (
    EngineDown,
    FailureClass,
    PrivacyRefused,
    ShortstopError,
    TargetError,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from shortstop.ports import Instead, Via
from shortstop.serving.cascade import Asking, Cascade, Served
from shortstop.serving.itinerary import Itinerary
from shortstop.serving.models import Models
from shortstop.serving.second import SecondLook
from shortstop.types import (
    Attempt,
    Choice,
    Chunk,
    Clearance,
    Cleared,
    Helpers,
    Reply,
    Request,
    Target,
    Text,
)
from tests.conftest import FakeClock
from tests.serving.test_cascade import (
    OPEN,
    PINNED,
    REQUEST,
    USED,
    Looker,
    OpenGuard,
    Script,
    plan,
    read,
)

# ------------------------------------------------------------ the order of asking


def order(
    names: Sequence[str], fallbacks: Instead, fails: dict[str, FailureClass | None], cut: str = ""
) -> list[str]:
    """Who is asked where everybody in `fails` fails so."""
    route, asked = Itinerary(names, fallbacks), []
    while (name := route.next()) is not None:
        asked.append(name)
        if name not in fails:
            break
        if name == cut:
            route.cut()
        route.instead(name, fails[name])
    return asked


def test_without_fallbacks_the_plan_is_asked_in_its_order() -> None:
    assert order("abc", {}, {"a": "outage", "b": None}) == ["a", "b", "c"]


def test_fallbacks_come_before_the_rest_of_the_plan() -> None:
    table: Instead = {("a", "outage"): ("x", "y")}
    assert order("ab", table, dict.fromkeys("axy", "outage")) == ["a", "x", "y", "b"]
    assert order("ab", table, {"a": "context"}) == ["a", "b"], "of another class"
    assert order("ab", table, {"a": None}) == ["a", "b"]


def test_where_the_plan_is_no_remedy_only_fallbacks_are_asked() -> None:
    table: Instead = {("a", "context"): ("x",)}
    assert order("ab", table, {"a": "context", "x": "context"}, cut="a") == ["a", "x"]
    assert order("ab", {("a", "context"): ("b",)}, {"a": "context"}, cut="a") == ["a", "b"]


def test_nobody_is_asked_twice() -> None:
    table: Instead = {("a", "outage"): ("b", "c"), ("b", "outage"): ("a", "c")}
    assert order("ab", table, dict.fromkeys("abc", "outage")) == ["a", "b", "c"]


def test_it_is_told_why_somebody_stands_in() -> None:
    route = Itinerary("a", {("a", "rate_limit"): ("x",)})
    assert (route.next(), route.because("a"), route.done) == ("a", None, True)
    assert route.instead("a", "rate_limit")
    assert (route.next(), route.because("x")) == ("x", "rate_limit")
    assert not route.instead("x", "rate_limit")


# ------------------------------------------------------------ in the cascade

TARGETS = {
    name: Target(name, name, local=name == "small", provider="p", context=9000)
    for name in ("small", "big", "medium", "huge")
}
TABLE: Instead = {
    ("big", "context"): ("huge",),
    ("big", "content_filter"): ("medium",),
    ("big", "rate_limit"): ("medium", "huge"),
    ("big", "outage"): ("medium", "small"),
    ("small", "outage"): ("medium",),
}


class Filtered(Script):
    """A model whose vendor's filter stops it, after `text`."""

    async def answer(self, request: Request | Cleared, via: Via | None = None) -> Reply:
        self.asked += 1
        choice = Choice(parts=(Text(self.text),) if self.text else (), finish="content_filter")
        return Reply("r", "m", (choice,), USED)

    async def stream(
        self, request: Request | Cleared, via: Via | None = None
    ) -> AsyncGenerator[Chunk, None]:
        self.asked += 1
        try:
            yield Chunk()
            if self.text:
                yield Chunk(text=self.text)
            yield Chunk(finish="content_filter", usage=USED)
        finally:
            self.closed += 1


def failing(failure: FailureClass) -> ShortstopError:
    error: TargetError
    if failure == "outage":
        return UpstreamFailed("down")
    error = UpstreamRejected("no", status=429 if failure == "rate_limit" else 400)
    error.failure = failure
    return error


class Street:
    def __init__(self, **scripts: Script) -> None:
        self.scripts = {name: scripts.get(name, Script(f"by {name}")) for name in TARGETS}
        remote = {name: one for name, one in self.scripts.items() if name != "small"}
        self.cascade = Cascade(
            models=Models(TARGETS, {"small": self.scripts["small"]}, remote, OpenGuard()),
            check=Looker(),
            second=SecondLook(lambda *_: (1.0, Helpers(0.0, 0.0))),
            clock=FakeClock(),
            commit_tokens=3,
        )
        self.attempts: list[Attempt] = []

    async def ask(
        self, *names: str, stream: bool, clearance: Clearance = OPEN, table: Instead = TABLE
    ) -> tuple[str, str]:
        """Who answered, and what."""
        request = msgspec.structs.replace(REQUEST, stream=stream)
        asking = Asking(
            request, clearance, plan(*names, verify=False), self.attempts, fallbacks=table
        )
        served: Served = await self.cascade.run(asking)
        text = await read(served) if served.reply is None else served.reply.text
        return served.target.name, text.strip()

    @property
    def asked(self) -> dict[str, int]:
        return {name: one.asked for name, one in self.scripts.items() if one.asked}


both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@both
@pytest.mark.parametrize(
    ("failure", "by"),
    [("context", "huge"), ("content_filter", "medium"), ("rate_limit", "medium"),
     ("outage", "medium")],
)  # fmt: skip
async def test_each_class_has_its_own(failure: FailureClass, by: str, stream: bool) -> None:
    street = Street(big=Script(error=failing(failure)))
    assert await street.ask("big", stream=stream) == (by, f"by {by}")
    assert [(a.target, a.outcome, a.fallback) for a in street.attempts] == [
        ("big", "error", None),
        (by, "ok", failure),
    ]


@both
async def test_they_are_asked_in_order_until_one_answers(stream: bool) -> None:
    limited = failing("rate_limit")
    street = Street(big=Script(error=limited), medium=Script(error=EngineDown("down")))
    assert await street.ask("big", stream=stream) == ("huge", "by huge")


@both
async def test_where_none_can_the_last_error_is_told(stream: bool) -> None:
    street = Street(
        big=Script(error=failing("context")), huge=Script(error=UpstreamTimeout("late"))
    )
    with pytest.raises(UpstreamTimeout):
        await street.ask("big", stream=stream)
    assert street.asked == {"big": 1, "huge": 1}, "who stands in has no fallbacks of its own"


@both
async def test_without_a_class_nobody_stands_in(stream: bool) -> None:
    street = Street(big=Script(error=UpstreamRejected("bad", status=400)))
    with pytest.raises(UpstreamRejected):
        await street.ask("big", stream=stream)
    assert street.asked == {"big": 1}


@both
async def test_a_pinned_request_is_asked_of_local_models_alone(stream: bool) -> None:
    street = Street(small=Script(error=EngineDown("down")))
    with pytest.raises(EngineDown):
        await street.ask("small", stream=stream, clearance=PINNED)
    assert street.asked == {"small": 1}
    assert [a.target for a in street.attempts] == ["small"], "the others are not even tried"


@both
async def test_what_privacy_keeps_from_a_fallback_is_told_as_the_first_error(stream: bool) -> None:
    class NotMedium(OpenGuard):
        def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
            if target.name == "medium":
                raise PrivacyRefused("not there")
            return super().release(request, clearance, target)

    street = Street(big=Script(error=failing("content_filter")))
    object.__setattr__(street.cascade._models, "guard", NotMedium())
    with pytest.raises(UpstreamRejected):
        await street.ask("big", stream=stream)
    assert street.scripts["medium"].asked == 0
    assert street.attempts[-1].outcome == "skipped"


@both
async def test_an_answer_that_a_filter_stopped_is_no_answer_and_costs(stream: bool) -> None:
    street = Street(big=Filtered())
    assert await street.ask("big", stream=stream) == ("medium", "by medium")
    assert [(a.target, a.outcome) for a in street.attempts] == [
        ("big", "rejected"),
        ("medium", "ok"),
    ]
    assert street.attempts[0].usage == USED


@both
async def test_without_a_fallback_for_it_the_client_gets_the_filtered_answer(stream: bool) -> None:
    street = Street(big=Filtered())
    assert await street.ask("big", stream=stream, table={}) == ("big", "")


async def test_a_filtered_whole_answer_is_better_than_none() -> None:
    street = Street(big=Filtered("half"), medium=Script(error=UpstreamFailed("down")))
    assert await street.ask("big", stream=False) == ("big", "half")


async def test_what_was_said_is_not_taken_back() -> None:
    """The commit point: the first word has left."""
    street = Street(big=Filtered("half"))
    assert await street.ask("big", stream=True) == ("big", "half")
    broken = Street(big=Script("one two", error=UpstreamFailed("lost")))
    with pytest.raises(UpstreamFailed):
        await broken.ask("big", stream=True)
    assert broken.asked == {"big": 1}


async def test_a_streams_first_word_is_not_waited_for_where_nobody_stands_in() -> None:
    """Without a fallback for filtered answers a stream begins with its first frame."""
    request = msgspec.structs.replace(REQUEST, stream=True)
    for table, held in (({}, 1), (TABLE, 2)):
        street = Street(big=Filtered("half"))
        asking = Asking(request, OPEN, plan("big", verify=False), fallbacks=table)
        served = await street.cascade.run(asking)
        assert served.chunks is not None
        first = [await anext(served.chunks) for _ in range(held)]
        assert (first[-1].text == "half") is (held == 2)
        await served.drop()
