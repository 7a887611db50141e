# ruff: noqa: I001 - short
"""A made-up vendor: its own fields, errors and streams of JSON lines. All that a dialect takes."""

from __future__ import annotations

from typing import Any

from msgspec.json import encode

from shortstop.dialects import Description, Route, UsageFormat, Vendor, fields
from shortstop.dialects.failures import clean, failure
from shortstop.dialects.loss import carried, refuse_media, refuse_pinned
from shortstop.dialects.parsing import parse_answer, parse_error, parse_frame
from shortstop.dialects.validate import token_count, validate_choices, with_frame
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed
from shortstop.types import Choice, Chunk, Json, Media, Message, Reply, Request
from shortstop.types import Sampling, Text, Usage, WireWords

NAME = "parrot.talk"
ROLES = {"human": "user", "parrot": "assistant", "keeper": "system"}
WHO = {role: who for who, role in ROLES.items()} | {"developer": "keeper", "tool": "human"}
FINISHES = {"done": "stop", "full": "length"}
FIELDS = frozenset(["brain", "dialogue", "heat", "most", "live"])


def usage_from(value: Any) -> Usage | None:
    if not value:
        return None
    return Usage(input=token_count(value, "seeds"), output=token_count(value, "words"))


class Parrot:
    description = Description(
        name=NAME,
        route=Route(path="/talk", media_type="application/x-ndjson", keepalive=b"\n"),
        vendor=Vendor(alias="parrot", path="/talk", key_header="x-perch", key_prefix=""),
        usage=UsageFormat(frozenset(["seeds", "words"]), usage_from),
        fields=FIELDS | {"plumage"},
        says=frozenset(["max_tokens", "temperature"]),
        stream_fields=frozenset(["live"]),
        temperature="heat",
        words=WireWords(
            names=FIELDS | {"who", "says"},
            spoken=frozenset(["dialogue"]),
            speech=frozenset([".says"]),
            verbatim=frozenset(["who"]),
        ),
    )

    def decode_request(self, body: Json, id: str) -> Request:
        model = fields.text(body.get("brain"), "brain")
        turns = fields.items(body.get("dialogue"), "dialogue")
        messages = tuple(_message(turn, f"dialogue[{i}]") for i, turn in enumerate(turns))
        limit, heat = fields.integer(body, "most", 1), fields.number(body, "heat", 0, 1)
        sampling, live = Sampling(limit, heat), bool(fields.flag(body, "live"))
        extra = {k: v for k, v in body.items() if k not in FIELDS}
        return Request(id, NAME, body, model, messages, sampling=sampling, stream=live, extra=extra)

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == NAME and request.body:
            return encode({**request.body, "brain": model})
        refuse_pinned(request)
        turns, sampling = [_turn(message) for message in request.messages], request.sampling
        options = {
            "most": sampling.max_tokens,
            "heat": sampling.temperature,
            "live": request.stream,
        }
        stated = {k: v for k, v in options.items() if v is not None}
        return encode({"brain": model, "dialogue": turns, **stated} | carried(request, NAME))

    def decode_reply(self, body: bytes, salt: object = "") -> Reply:
        return parse_answer(body, _reply, "what a parrot says")

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        finish = reply.choices[0].finish if reply.choices else None
        return encode({"brain": request.model, "says": reply.text, **_end(finish, reply.usage)})

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        message = str(parse_error(body).get("squawk", "")) or None
        return failure(status, message, retry_after=retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return encode({"squawk": str(error)})

    def stream_decoder(self, salt: object = "") -> ParrotStream:
        return ParrotStream()

    def stream_encoder(self, request: Request, created: int) -> ParrotStream:
        return ParrotStream()


class ParrotStream:  # both ways: decodes lines, or encodes them
    def __init__(self) -> None:
        self._rest, self._last, self.done = b"", Chunk(), False

    def feed(self, data: bytes) -> list[Chunk]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [parse_frame(line, self._chunk) for line in lines if line.strip()]

    finished = property(lambda self: self.done)

    def close(self) -> list[Chunk]:
        return self.feed(b"" if self.done else b'{"squawk": "it broke off"}\n')

    def _chunk(self, frame: Json) -> Chunk:
        if "squawk" in frame:
            raise UpstreamFailed(f"The upstream failed mid-answer: {clean(frame['squawk'])}")
        self.done = self.done or "because" in frame
        finish, usage = FINISHES.get(frame.get("because")), usage_from(frame.get("eaten"))
        return with_frame(Chunk(text=frame.get("bit", ""), finish=finish, usage=usage), NAME, frame)

    def encode(self, chunk: Chunk) -> bytes:
        finish, usage = chunk.finish or self._last.finish, chunk.usage or self._last.usage
        self._last = Chunk(finish=finish, usage=usage)
        return encode({"bit": chunk.text}) + b"\n" if chunk.text else b""

    def finish(self) -> bytes:
        return encode(_end(self._last.finish, self._last.usage)) + b"\n"

    def error(self, error: ShortstopError) -> bytes:
        return encode({"squawk": str(error)}) + b"\n"


def _message(turn: Any, path: str) -> Message:
    who = fields.one_of(fields.table(turn, path).get("who"), ROLES, f"{path}.who")
    return Message(ROLES[who], (Text(fields.text(turn.get("says"), f"{path}.says")),))


def _turn(message: Message) -> Json:
    for media in (part for part in message.parts if isinstance(part, Media)):
        raise refuse_media(media)
    return {"who": WHO[message.role], "says": message.text}


def _reply(tree: Json) -> Reply:
    choice = Choice(parts=(Text(tree["says"]),), finish=FINISHES[tree["because"]])
    return Reply("", tree["brain"], validate_choices((choice,)), usage_from(tree.get("eaten")))


def _end(finish: str | None, usage: Usage | None) -> Json:
    eaten = {"seeds": usage.prompt, "words": usage.completion} if usage else None
    return {"because": "full" if finish == "length" else "done", "eaten": eaten}
