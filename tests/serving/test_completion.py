"""Single unsure fields: a short request of its own, judged by privacy, merged, checked, billed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import msgspec
import pytest

from shortstop.errors import Declined, PartlyAnswered, UpstreamFailed
from shortstop.ports import Via
from shortstop.serving.cascade import Asking, Cascade, Served
from shortstop.serving.completion import Completion, merged, short_request
from shortstop.serving.models import Models
from shortstop.serving.second import SecondLook
from shortstop.types import (
    Attempt,
    Caller,
    Choice,
    Chunk,
    Clearance,
    Cleared,
    Format,
    Helpers,
    Message,
    Reach,
    Reply,
    Request,
    Target,
    Text,
)
from tests.conftest import FakeClock
from tests.serving.test_cascade import OPEN, PINNED, TARGETS, USED, Looker, OpenGuard, plan

SCHEMA = {
    "type": "object",
    "properties": {"shop": {"type": "string"}, "total": {"type": "number"}},
    "required": ["shop", "total"],
    "additionalProperties": False,
}
REQUEST = Request(
    "r1", "openai.chat", {}, "auto",
    (Message("system", (Text("Long rules."),)), Message("user", (Text("ACME\nTOTAL 7.50"),))),
    format=Format("json_schema", SCHEMA),
)  # fmt: skip
PART = Reply("r1-answer", "copy-1", (Choice(parts=(Text('{"shop":"ACME","total":null}'),)),))
COPIER = Target(
    "copy-1", "copy-1", True, "shortstop", 32_768, frozenset({"json"}), specialist="copy"
)


class Partly:
    """A specialist that is not sure of the total."""

    async def answer(self, request: Request) -> Reply:
        raise PartlyAnswered(PART, ("total",))

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        await self.answer(request)
        yield Chunk()


class Frontier:
    """Says the total when it is asked for fields, and another whole answer else."""

    def __init__(self, fields: str = '{"total": 7.5}', error: Exception | None = None) -> None:
        self.fields, self.error = fields, error
        self.asked: list[Request] = []

    async def answer(self, cleared: Cleared, via: Via | None = None) -> Reply:
        self.asked.append(cleared.request)
        short = cleared.request.id == "r1-fields"
        if short and self.error is not None:
            raise self.error
        text = self.fields if short else '{"shop":"by the frontier","total":1}'
        return Reply("r", "m", (Choice(parts=(Text(text),), finish="stop"),), USED)

    async def stream(self, cleared: Cleared, via: Via | None = None) -> AsyncGenerator[Chunk, None]:
        reply = await self.answer(cleared)
        yield Chunk(text=reply.text)
        yield Chunk(finish="stop", usage=USED)


class Street:
    def __init__(self, frontier: Frontier, clearance: Clearance = OPEN) -> None:
        self.frontier, self.clearance = frontier, clearance
        self.attempts: list[Attempt] = []
        self.judged: list[tuple[Request, Caller]] = []
        models = Models(
            {"copy-1": COPIER, **TARGETS}, {"copy-1": Partly()}, {"big": frontier}, OpenGuard()
        )
        self.cascade = Cascade(
            models=models, check=Looker(), clock=FakeClock(),
            second=SecondLook(lambda *_: (1.0, Helpers(0.0, 0.0))),
            complete=Completion(self.clear, models.answer),
        )  # fmt: skip

    async def clear(self, request: Request, caller: Caller) -> Clearance:
        self.judged.append((request, caller))
        return self.clearance

    async def ask(self, *names: str, stream: bool = False) -> Served:
        request = msgspec.structs.replace(REQUEST, stream=stream)
        asking = Asking(
            request, OPEN, plan(*names), self.attempts, caller=Caller("acme", conversation="c1")
        )
        return await self.cascade.run(asking)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(a.target, a.outcome) for a in self.attempts]


def test_what_is_asked_is_short_and_has_the_client_s_own_schema_of_the_field() -> None:
    asked = short_request(REQUEST, ("total", "due.day"))
    assert asked.id == "r1-fields"
    assert "total, due.day" in asked.messages[0].text
    assert "Long rules" not in asked.messages[0].text
    assert asked.messages[1].text == "ACME\nTOTAL 7.50"
    properties = asked.format.schema["properties"]
    assert properties["total"] == {"type": "number"}
    assert "null" in properties["due.day"]["type"], "the schema says nothing of it"
    assert asked.format.schema["required"] == ["total", "due.day"]


@pytest.mark.parametrize(
    ("answer", "missing", "said", "whole"),
    [
        ('{"a":1,"b":null}', ("b",), '{"b":"x"}', {"a": 1, "b": "x"}),
        ('{"a":{"b":null},"c":2}', ("a.b",), '{"a.b":null}', {"a": {"b": None}, "c": 2}),
        ('{"a":null,"b":null}', ("a", "b"), '{"a":1,"b":2,"c":3}', {"a": 1, "b": 2}),
    ],
)
def test_fields_go_where_they_are_missing_and_nothing_else_does(
    answer: str, missing: tuple[str, ...], said: str, whole: object
) -> None:
    assert json.loads(merged(answer, missing, said)) == whole


@pytest.mark.parametrize("said", ["", "no JSON", "[]", "7", '{"a":1}', '"b"', "[" * 5000])
def test_an_answer_without_the_fields_is_a_failure(said: str) -> None:
    with pytest.raises(UpstreamFailed):
        merged('{"a":1,"b":null}', ("b",), said)


async def test_the_frontier_is_asked_for_the_field_alone_and_both_are_on_the_books() -> None:
    street = Street(Frontier())
    served = await street.ask("copy-1", "big")
    assert served.reply is not None
    assert json.loads(served.reply.text) == {"shop": "ACME", "total": 7.5}
    assert (served.target, served.draft) == (COPIER, False)
    assert street.outcomes == [("big", "ok"), ("copy-1", "ok")]
    assert street.attempts[0].usage == USED
    assert served.attempt is street.attempts[1]
    assert served.attempt.usage is not None
    assert served.attempt.usage.output > 0
    assert all(check.passed for check in served.attempt.checks)
    ((judged, caller),) = street.judged
    assert (judged.id, caller.tenant) == ("r1-fields", "acme")
    assert judged.body["messages"][1]["content"], "privacy reads what will be sent"
    assert len(street.frontier.asked) == 1


async def test_streamed_it_is_the_same(  # the stream is held until it is whole
) -> None:
    street = Street(Frontier())
    served = await street.ask("copy-1", "big", stream=True)
    assert served.chunks is not None
    text = "".join([chunk.text async for chunk in served.chunks])
    assert json.loads(text) == {"shop": "ACME", "total": 7.5}
    assert street.outcomes == [("big", "ok"), ("copy-1", "ok")]


@pytest.mark.parametrize(
    "frontier",
    [
        Frontier("not JSON"),
        Frontier("{}"),
        Frontier(error=UpstreamFailed("down")),
        Frontier(error=RuntimeError("a fault of ours")),
    ],
)
async def test_where_the_field_cannot_be_had_the_whole_request_escalates(
    frontier: Frontier,
) -> None:
    street = Street(frontier)
    served = await street.ask("copy-1", "big")
    assert served.reply is not None
    assert "by the frontier" in served.reply.text
    assert street.outcomes == [("big", "error"), ("copy-1", "skipped"), ("big", "ok")]
    paid = street.attempts[0].usage
    assert paid == (None if frontier.error else USED), (
        "an answer of no use is paid for all the same"
    )


async def test_a_merged_answer_that_breaks_the_schema_escalates() -> None:
    street = Street(Frontier('{"total": "seven"}'))
    served = await street.ask("copy-1", "big")
    assert served.reply is not None
    assert "by the frontier" in served.reply.text
    assert street.outcomes == [("big", "ok"), ("copy-1", "rejected"), ("big", "ok")]


async def test_what_must_stay_is_not_asked_for_in_pieces_either() -> None:
    street = Street(Frontier(), PINNED)
    await street.ask("copy-1", "big")
    assert street.outcomes[:2] == [("big", "skipped"), ("copy-1", "skipped")]
    assert [request.id for request in street.frontier.asked] == ["r1"]
    assert PINNED.reach is Reach.LOCAL_ONLY


async def test_with_nobody_behind_it_it_has_declined() -> None:
    street = Street(Frontier())
    with pytest.raises(Declined):
        await street.ask("copy-1")
    assert street.judged == []
