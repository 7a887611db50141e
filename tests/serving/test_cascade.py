"""The cascade's promises, with scripted targets behind the real ports."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from shortstop.errors import (
    EngineBusy,
    PrivacyRefused,
    ShortstopError,
    UpstreamFailed,
    UpstreamRejected,
)
from shortstop.ports import Via
from shortstop.serving import cascade as cascade_module
from shortstop.serving.cascade import Asking, Cascade, Served
from shortstop.serving.models import Models
from shortstop.serving.second import SecondLook
from shortstop.types import (
    Attempt,
    Caller,
    Case,
    Choice,
    Chunk,
    Clearance,
    Cleared,
    Decision,
    Format,
    Helpers,
    Look,
    Message,
    Reach,
    Reply,
    Request,
    Sampling,
    Target,
    Text,
    Tier,
    Usage,
)
from tests.conftest import FakeClock

REQUEST = Request(
    id="req_1",
    dialect="openai.chat",
    body={"model": "auto"},
    model="auto",
    messages=(Message("user", (Text("Where is my card?"),)),),
)
OPEN = Clearance(Tier.S0, Reach.ANYWHERE, case=Case("req_1", "acme", "c1", "*"))
PINNED = Clearance(Tier.S3, Reach.LOCAL_ONLY)
TARGETS = {
    "small": Target("small", "small", local=True, provider="embedded", context=2048),
    "big": Target("big", "big", local=False, provider="openai", context=8192),
}
USED = Usage(input=5, output=3)


def plan(*names: str, verify: bool = True) -> Decision:
    return Decision(
        plan=names, task="t", score=0.6, threshold=0.5, propensity=1.0, router="test", verify=verify
    )


class Script:
    """A target that answers as told: text, or an error before or after some words."""

    def __init__(self, text: str = "", error: ShortstopError | None = None) -> None:
        self.text = text
        self.error = error
        self.asked = 0
        self.closed = 0

    async def answer(self, request: Request | Cleared, via: Via | None = None) -> Reply:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Reply("r", "m", (Choice(parts=(Text(self.text),), finish="stop"),), USED)

    async def stream(
        self, request: Request | Cleared, via: Via | None = None
    ) -> AsyncGenerator[Chunk, None]:
        self.asked += 1
        try:
            for word in self.text.split(" "):
                if word:
                    yield Chunk(text=word + " ")
            if self.error is not None:
                raise self.error
            yield Chunk(finish="stop", usage=USED)
        finally:
            self.closed += 1


class OpenGuard:
    """Releases everything that is not pinned, changing nothing."""

    def clear(self, request: Request, caller: Caller) -> Clearance:
        return OPEN

    def give_up(self, request: Request, caller: Caller) -> Clearance:
        raise AssertionError("nothing here is judged for long")

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        return clearance

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        if clearance.reach >= Reach.LOCAL_ONLY:
            raise PrivacyRefused("pinned")
        return Cleared(request, clearance, target.name)

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        return reply

    async def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        async for chunk in chunks:
            yield chunk


class Looker:
    """Keeps or not as told; in `doubt` it believes what a second answer says."""

    def __init__(self, *, good: bool = True, doubt: bool = False) -> None:
        self.good, self.doubt = good, doubt

    def accept(self, look: Look) -> bool:
        agreement = look.signals.agreement
        return self.good if agreement is None else agreement > 0.5

    def doubts(self, look: Look) -> bool:
        return self.doubt and look.signals.agreement is None


def cascade(small: Script, big: Script, *, good: bool = True, doubt: bool = False) -> Cascade:
    return Cascade(
        models=Models(TARGETS, {"small": small}, {"big": big}, OpenGuard()),
        check=Looker(good=good, doubt=doubt),
        second=SecondLook(lambda task, one, other: (float(one == other), Helpers(0.0, 0.0))),
        clock=FakeClock(),
        commit_tokens=3,
    )


class Asked:
    """One call and what it left behind."""

    def __init__(self, cascade: Cascade) -> None:
        self.cascade = cascade
        self.attempts: list[Attempt] = []

    async def whole(self, decision: Decision, request: Request = REQUEST, **kw: Any) -> Served:
        clearance = kw.get("clearance", OPEN)
        return await self.cascade.run(Asking(request, clearance, decision, self.attempts))

    async def stream(self, decision: Decision, request: Request = REQUEST, **kw: Any) -> Served:
        return await self.whole(decision, msgspec.structs.replace(request, stream=True), **kw)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(a.target, a.outcome) for a in self.attempts]


async def read(served: Served) -> str:
    assert served.chunks is not None
    return "".join([chunk.text async for chunk in served.chunks])


async def test_a_good_local_answer_stays_local() -> None:
    small, big = Script("It is on its way."), Script("never asked")
    asked = Asked(cascade(small, big))
    served = await asked.whole(plan("small", "big"))
    assert served.target.name == "small"
    assert served.reply is not None
    assert served.reply.text == "It is on its way."
    assert asked.outcomes == [("small", "ok")]
    assert big.asked == 0
    assert asked.attempts[0].verified is not None


async def test_a_remote_answer_is_not_checked() -> None:
    asked = Asked(cascade(Script(), Script("Yes.")))
    await asked.whole(plan("big"))
    assert asked.attempts[0].verified is None


async def test_a_refusing_local_answer_escalates_silently() -> None:
    asked = Asked(cascade(Script("I'm sorry, but I can't help."), Script("Day after tomorrow.")))
    served = await asked.whole(plan("small", "big"))
    assert served.target.name == "big"
    assert asked.outcomes == [("small", "rejected"), ("big", "ok")]
    assert asked.attempts[0].usage == USED, "the rejected try is on the books"


async def test_the_router_can_reject_an_answer_that_passed_every_check() -> None:
    asked = Asked(cascade(Script("Maybe."), Script("Yes."), good=False))
    assert (await asked.whole(plan("small", "big"))).target.name == "big"


async def test_without_verify_the_answer_is_taken_as_it_is() -> None:
    asked = Asked(cascade(Script("I'm sorry, I can't."), Script("x"), good=False))
    served = await asked.whole(plan("small", "big", verify=False))
    assert served.target.name == "small"


async def test_with_nothing_behind_it_a_doubtful_answer_is_served_as_a_draft() -> None:
    asked = Asked(cascade(Script("Maybe."), Script(), good=False))
    served = await asked.whole(plan("small"))
    assert (served.target.name, served.draft) == ("small", True)


async def test_a_draft_is_better_than_an_error_when_the_frontier_fails() -> None:
    asked = Asked(cascade(Script("Maybe."), Script(error=UpstreamFailed("down")), good=False))
    served = await asked.whole(plan("small", "big"))
    assert (served.target.name, served.draft) == ("small", True)
    assert asked.outcomes == [("small", "rejected"), ("big", "error")]


async def test_a_full_engine_is_passed_by() -> None:
    asked = Asked(cascade(Script(error=EngineBusy("full")), Script("Hello.")))
    assert (await asked.whole(plan("small", "big"))).target.name == "big"


async def test_a_frontier_that_fails_falls_back_to_the_local_model() -> None:
    asked = Asked(cascade(Script("Hello."), Script(error=UpstreamFailed("down"))))
    assert (await asked.whole(plan("big", "small"))).target.name == "small"


async def test_a_request_that_the_frontier_refuses_is_the_clients_error() -> None:
    small = Script("Hello.")
    asked = Asked(cascade(small, Script(error=UpstreamRejected("bad", status=400))))
    with pytest.raises(UpstreamRejected):
        await asked.whole(plan("big", "small"))
    assert small.asked == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_pinned_request_never_reaches_an_upstream(stream: bool) -> None:
    big = Script("leak")
    asked = Asked(cascade(Script(error=EngineBusy("full")), big))
    ask = asked.stream if stream else asked.whole
    with pytest.raises(PrivacyRefused):
        await ask(plan("small", "big"), clearance=PINNED)
    assert big.asked == 0
    assert asked.outcomes[-1] == ("big", "skipped")


async def test_a_stream_commits_after_the_prefix_and_flows_on() -> None:
    small = Script("one two three four five")
    asked = Asked(cascade(small, Script()))
    served = await asked.stream(plan("small", "big"))
    assert asked.attempts == [], "the attempt ends with the stream"
    assert await read(served) == "one two three four five "
    assert asked.outcomes == [("small", "ok")]
    assert asked.attempts[0].usage == USED
    assert small.closed == 1


async def test_before_the_commit_point_an_escalation_is_invisible() -> None:
    small = Script("I'm sorry, but I can't help with that")
    msg = "As requested."
    asked = Asked(cascade(small, Script(msg)))
    asked.cascade._commit_tokens = 8
    served = await asked.stream(plan("small", "big"))
    assert await read(served) == "As requested. "
    assert small.closed == 1, "the rejected stream was closed"
    assert asked.outcomes == [("small", "rejected"), ("big", "ok")]


async def test_a_stream_that_fails_before_its_first_chunk_escalates() -> None:
    asked = Asked(cascade(Script(error=UpstreamFailed("gone")), Script("Hello.")))
    assert await read(await asked.stream(plan("small", "big"))) == "Hello. "


async def test_after_the_commit_point_a_failure_reaches_the_reader() -> None:
    asked = Asked(cascade(Script("a b c d", UpstreamFailed("gone")), Script("never")))
    served = await asked.stream(plan("small", "big"))
    with pytest.raises(UpstreamFailed):
        await read(served)
    assert asked.outcomes == [("small", "error")]


async def test_structured_answers_are_seen_whole_before_they_leave() -> None:
    request = msgspec.structs.replace(REQUEST, format=Format("json_object"))
    asked = Asked(cascade(Script('{"a": 1, "b": 2, broken'), Script('{"a": 1}')))
    served = await asked.stream(plan("small", "big"), request)
    assert await read(served) == '{"a": 1} '


LISTED = Format("json_object")


class Rambling(Script):
    """Generates tokens as long as it is let."""

    def __init__(self, tokens: int, **more: Any) -> None:
        super().__init__(**more)
        self.tokens = tokens
        self.limits: list[int | None] = []

    def said(self, request: Request | Cleared) -> Choice:
        most = as_sent(request).sampling.max_tokens
        self.limits.append(most)
        cut = most is not None and most < self.tokens
        text = "[" + "1" * (most if cut and most else self.tokens) + ("" if cut else "]")
        return Choice(parts=(Text('{"a": ' + text + "}"),), finish="length" if cut else "stop")

    async def answer(self, request: Request | Cleared, via: Via | None = None) -> Reply:
        return Reply("r", "m", (self.said(request),), USED)

    async def stream(
        self, request: Request | Cleared, via: Via | None = None
    ) -> AsyncGenerator[Chunk, None]:
        choice = self.said(request)
        yield Chunk(text=choice.text)
        yield Chunk(finish=choice.finish, usage=USED)


def as_sent(request: Request | Cleared) -> Request:
    return request.request if isinstance(request, Cleared) else request


async def told(asked: Asked, stream: bool, decision: Decision, request: Request, **kw: Any) -> str:
    """What the client reads."""
    if stream:
        return await read(await asked.stream(decision, request, **kw))
    served = await asked.whole(decision, request, **kw)
    assert served.reply is not None
    return served.reply.text


def known(decision: Decision, longest: int | None) -> Decision:
    return msgspec.structs.replace(decision, longest=longest)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_outgrows_its_task_goes_to_the_frontier_and_not_to_the_client(
    stream: bool,
) -> None:
    request = msgspec.structs.replace(REQUEST, format=LISTED)
    small = Rambling(500)
    asked = Asked(cascade(small, Script('{"a":1}')))
    decision = known(plan("small", "big"), 40)
    assert (await told(asked, stream, decision, request)).strip() == '{"a":1}'
    assert small.limits == [40]
    assert asked.outcomes == [("small", "rejected"), ("big", "ok")]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "error", [UpstreamFailed("down"), UpstreamRejected("bad", status=400)], ids=["down", "refused"]
)
async def test_where_the_frontier_fails_the_whole_answer_is_asked_for(
    stream: bool, error: ShortstopError
) -> None:
    request = msgspec.structs.replace(REQUEST, format=LISTED)
    small = Rambling(500)
    asked = Asked(cascade(small, Script(error=error)))
    text = await told(asked, stream, known(plan("small", "big"), 40), request)
    assert text == '{"a": [' + "1" * 500 + "]}"
    assert small.limits == [40, None]
    assert [outcome for _, outcome in asked.outcomes] == ["rejected", "error", "ok"]


async def test_two_local_models_that_both_outgrow_the_task_are_asked_anew_once() -> None:
    request = msgspec.structs.replace(REQUEST, format=LISTED)
    first, second = Rambling(500), Rambling(400)
    other = msgspec.structs.replace(TARGETS["small"], name="second")
    models = Models(
        {**TARGETS, "second": other},
        {"small": first, "second": second},
        {"big": Script(error=UpstreamFailed("down"))},
        OpenGuard(),
    )
    asked = Asked(cascade(first, Script()))
    asked.cascade._models = models
    text = await told(asked, False, known(plan("small", "second", "big"), 40), request)
    assert text == '{"a": [' + "1" * 500 + "]}"
    assert (first.limits, second.limits) == ([40, None], [40])


@pytest.mark.parametrize(
    ("decision", "changes"),
    [
        (plan("small"), {}),
        (plan("small", "big", verify=False), {}),
        (plan("small", "big"), {"format": Format()}),
    ],
    ids=["nobody else may answer", "nobody looks at it", "free text"],
)
async def test_no_other_answer_is_bounded(decision: Decision, changes: dict[str, Any]) -> None:
    request = msgspec.structs.replace(REQUEST, **{"format": LISTED, **changes})
    small = Rambling(500)
    await Asked(cascade(small, Script())).whole(known(decision, 40), request)
    assert small.limits == [None]


async def test_the_clients_own_limit_holds() -> None:
    request = msgspec.structs.replace(REQUEST, format=LISTED, sampling=Sampling(max_tokens=600))
    small = Rambling(500)
    await Asked(cascade(small, Script())).whole(known(plan("small", "big"), 40), request)
    assert small.limits == [600]


async def test_closing_the_stream_closes_the_target_and_keeps_the_books() -> None:
    small = Script("one two three four five six")
    asked = Asked(cascade(small, Script()))
    served = await asked.stream(plan("small"))
    assert served.chunks is not None
    await anext(served.chunks)
    await served.chunks.aclose()
    assert small.closed == 1
    assert asked.outcomes == [("small", "cancelled")]
    assert asked.attempts[0].usage is not None
    assert asked.attempts[0].usage.estimated


async def test_cancelling_a_whole_answer_is_on_the_books() -> None:
    class Slow(Script):
        async def answer(self, request: Request | Cleared, via: Via | None = None) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

    asked = Asked(cascade(Slow(), Script()))
    task = asyncio.create_task(asked.whole(plan("small")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked.outcomes == [("small", "cancelled")]


def test_an_error_that_is_kept_holds_nothing_that_was_read() -> None:
    """Not even through the error that it was raised from."""

    class Large(list[int]):
        """Something that a reference can be weak to."""

    def read() -> None:
        large = Large([1])
        seen.append(weakref.ref(large))
        try:
            raise ValueError("what the parser said")
        except ValueError as error:
            raise UpstreamFailed("The model's answer is not JSON.") from error

    seen: list[weakref.ref[Large]] = []
    kept = None
    try:
        read()
    except UpstreamFailed as error:
        kept = cascade_module._without_frames(error)
    assert kept is not None
    assert seen[0]() is None
