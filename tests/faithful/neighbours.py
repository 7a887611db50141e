"""Neighbours of the odd answers: how HTTP and server-sent events carry them, and frames that come
twice, too late or not at all. What is right was written before the parsers were looked at.

`python -m tests.faithful.neighbours [WORD]` plays them in each client dialect and counts.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.faithful.judged import faults
from tests.faithful.oddities import DOORS, Frames, Said, chat, messages, responses
from tests.faithful.played import Stage, stage
from tests.faithful.vendor import Scripted

EVENTS, WHOLE = {"content-type": "text/event-stream"}, {"content-type": "application/json"}
TEXT = "Grüße, 東京 🦀!"
RIGHT = {"text": TEXT, "finish": "stop"}
CALLED = {"calls": [["f", {"a": 1}], ["g", {}]], "finish": "tool_calls"}
FAILS: dict[str, Any] = {"error": True}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """`rights`: any of them. `stream`: what the client asked for."""

    name: str
    upstream: str
    answer: Scripted
    rights: tuple[dict[str, Any], ...]
    stream: bool = True


UPSTREAMS = {
    "openai": "openai.chat",
    "responses": "openai.responses",
    "anthropic": "anthropic.messages",
}
VENDORS: dict[str, Callable[[Said], Frames]] = {
    "openai": lambda said: chat(random.Random(5), said, "openai"),
    "responses": lambda said: responses(random.Random(5), said),
    "anthropic": lambda said: messages(random.Random(5), said),
}


def frames(vendor: str, *, calls: bool = False) -> Frames:
    if calls:
        return VENDORS[vendor](Said(calls=[("f", {"a": 1}), ("g", {})], finish="tool_calls"))
    return VENDORS[vendor](Said(text=TEXT))


def lines(told: Frames, end: str = "\n", space: str = " ", done: bool = True) -> list[str]:
    """Each event as text, without the empty line that ends it."""
    written = []
    for name, frame in told:
        data = f"data:{space}{json.dumps(frame, ensure_ascii=False)}"
        written.append(f"event:{space}{name}{end}{data}" if name else data)
    if done and told and "choices" in told[0][1]:
        written.append(f"data:{space}[DONE]")
    return written


def sse(told: Frames, end: str = "\n", **how: Any) -> bytes:
    return "".join(one + end + end for one in lines(told, end, **how)).encode()


def whole(vendor: str) -> Any:
    """The answer as one JSON value."""
    if vendor == "openai":
        message = {"role": "assistant", "content": TEXT}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
    if vendor == "responses":
        return frames(vendor)[-1][1]["response"]
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "x",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }


def http(*head: str, body: bytes = b"", before: bytes = b"") -> Scripted:
    """An answer by hand, its first line included."""
    return Scripted(b"", raw=before + "\r\n".join([*head, "", ""]).encode() + body)


def chunked(body: bytes, size: int = 50, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = (body[i : i + size] for i in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + end


def carried() -> Iterator[Neighbour]:
    """The same answer in every wrapping."""
    ok, kind = "HTTP/1.1 200 OK", "content-type: text/event-stream"
    as_json, te = "content-type: application/json", "transfer-encoding: chunked"
    for vendor in VENDORS:
        told, value = frames(vendor), json.dumps(whole(vendor)).encode()
        plain = sse(told)

        def case(
            name: str,
            answer: Scripted,
            *rights: dict[str, Any],
            stream: bool = True,
            vendor: str = vendor,
        ) -> Neighbour:
            return Neighbour(f"{vendor}: {name}", vendor, answer, rights or (RIGHT,), stream)

        def events(body: bytes, *rights: dict[str, Any], name: str, **more: str) -> Neighbour:
            return case(name, Scripted(body, {**EVENTS, **more}), *rights)

        def asked(body: bytes, *rights: dict[str, Any], name: str, **more: str) -> Neighbour:
            return case(name, Scripted(body, {**WHOLE, **more}), *rights, stream=False)

        texts = lines(told)
        yield events(sse(told, "\r\n"), name="CRLF")
        yield events(sse(told, "\r"), name="CR alone")
        yield events(sse(told, space=""), name="no space after the colon")
        yield events(sse(told, space="   "), name="three spaces after the colon")
        yield events(b"\xef\xbb\xbf" + plain, name="a byte order mark")
        yield events(b"\n\n\n" + plain, name="empty lines first")
        yield events(b": hello\n\n" + plain.replace(b"\n\n", b"\n\n: ping\n\n"), name="comments")
        yield events("".join(f"id: 1\n{t}\n\n" for t in texts).encode(), name="the same id")
        yield events(
            "".join(f"{t}\nretry: 5\nfoo: bar\nfoo\n\n" for t in texts).encode(), name="fields"
        )
        yield events(plain, name="plain")
        parted = "".join(t.replace('", "', '",\ndata: "') + "\n\n" for t in texts)
        yield events(parted.encode(), name="an event of several data lines")
        yield events(plain.rstrip(b"\n"), RIGHT, FAILS, name="no empty line at the end")
        yield events(plain.rstrip(b"\n") + b"\n", RIGHT, FAILS, name="one newline at the end")
        yield events(plain + b": bye\n", name="a comment at the end")
        yield events(plain + b"data: [DONE]\n\ndata: [DONE]\n\n", name="the end told three times")
        yield events(plain + plain, name="everything twice")
        yield events(b": ping\n\n" * 5, FAILS, name="comments alone")
        yield events(b"data: [DONE]\n\n", FAILS, name="the end alone")
        yield events(b"", FAILS, name="nothing")
        yield events(b"data: \n\n" + plain, name="an event without data")
        yield events(b"data\n\n" + plain, name="a data line without a colon")
        yield events(
            plain.replace(b"event: ", b"event: ").replace(b"event:", b"event :"),
            RIGHT,
            name="event names that are unreadable",
        )
        yield events(b"<html><body>Busy</body></html>", FAILS, name="a page in place of events")
        yield case("a page", Scripted(b"<html>Busy</html>", {"content-type": "text/html"}), FAILS)
        yield asked(b"<html>Busy</html>", FAILS, name="a page in place of JSON")
        yield case("JSON for a stream", Scripted(value, WHOLE))
        yield case("events for JSON", Scripted(plain, EVENTS), stream=False)
        yield case("events that call themselves JSON", Scripted(plain, WHOLE))
        yield case("JSON that calls itself events", Scripted(value, EVENTS))
        yield case("no type, events", Scripted(plain, {}))
        yield case("no type, JSON", Scripted(value, {}), stream=False)
        yield asked(b" \r\n\t" + value + b"\n\n", name="blanks around JSON")
        yield asked(b"\xef\xbb\xbf" + value, RIGHT, FAILS, name="a byte order mark before JSON")
        yield asked(value + b"}", FAILS, name="rubbish behind JSON")
        yield asked(value[:-9], FAILS, name="JSON that is cut off")
        yield asked(value.decode().encode("utf-16"), RIGHT, FAILS, name="JSON in UTF-16")
        yield asked(
            json.dumps(whole(vendor), ensure_ascii=False).encode("utf-16-le"),
            RIGHT,
            FAILS,
            name="JSON in UTF-16 without a mark",
        )
        latin = (
            json.dumps(whole(vendor), ensure_ascii=False).replace("東京 🦀", "").encode("latin-1")
        )
        replaced = {**RIGHT, "text": "Gr\ufffd\ufffde, !"}
        yield asked(latin, FAILS, replaced, name="JSON in Latin-1")
        yield asked(b"", FAILS, name="nothing as JSON")
        yield asked(b"null", FAILS, name="null")
        yield asked(b"[]", FAILS, name="a list")
        yield asked(b"{}", FAILS, name="an empty object")
        for name, error in {
            "an error object": {"error": {"message": "no", "type": "server_error"}},
            "an error of text": {"error": "no"},
            "an error with a status": {
                "type": "error",
                "error": {"type": "overloaded_error", "message": "no"},
            },
            "an error without a name": {"object": "error", "message": "no", "code": 400},
            "a detail": {"detail": "Not found"},
        }.items():
            yield asked(json.dumps(error).encode(), FAILS, name=f"{name} in a 200")
            yield case(f"{name} for a stream", Scripted(json.dumps(error).encode(), WHOLE), FAILS)
            first = f"data: {json.dumps(error)}\n\n".encode()
            yield events(first, FAILS, name=f"{name} as the only event")
            yield events(
                texts[0].encode() + b"\n\n" + first, FAILS, name=f"{name} after the first event"
            )
        yield events(b"event: error\ndata: busy\n\n", FAILS, name="an error event of words")
        nothing = {"error": None, **whole(vendor)}
        yield asked(json.dumps(nothing).encode(), name="no error, said so")

        # ------------------------------------------------------------ encodings
        packed, halves = gzip.compress(plain), plain[: len(plain) // 2]
        members = gzip.compress(halves) + gzip.compress(plain[len(halves) :])
        gz = {"content-encoding": "gzip"}
        yield case("gzip", Scripted(packed, {**EVENTS, **gz}))
        yield case("gzip in small pieces", Scripted(packed, {**EVENTS, **gz}, piece=7))
        yield case("gzip of two members", Scripted(members, {**EVENTS, **gz}))
        yield case(
            "gzip of two members in small pieces", Scripted(members, {**EVENTS, **gz}, piece=7)
        )
        yield case(
            "gzip of an empty member", Scripted(gzip.compress(b"") + members, {**EVENTS, **gz})
        )
        half = len(value) // 2
        parts = gzip.compress(value[:half]) + gzip.compress(value[half:])
        yield case("gzip of JSON in two members", Scripted(parts, {**WHOLE, **gz}), stream=False)
        yield case(
            "gzip of JSON cut off",
            Scripted(gzip.compress(value)[:-30], {**WHOLE, **gz}),
            FAILS,
            stream=False,
        )
        broken = gzip.compress(value)[:-8] + b"\0" * 8
        yield case(
            "gzip of JSON with a wrong sum", Scripted(broken, {**WHOLE, **gz}), FAILS, stream=False
        )
        yield case(
            "gzip that is none", Scripted(value, {**WHOLE, **gz}), FAILS, RIGHT, stream=False
        )
        yield case(
            "x-gzip", Scripted(packed, {**EVENTS, "content-encoding": "x-gzip"}), RIGHT, FAILS
        )
        yield case(
            "zlib",
            Scripted(zlib.compress(plain), {**EVENTS, "content-encoding": "deflate"}),
            RIGHT,
            FAILS,
        )
        yield case("brotli", Scripted(plain, {**EVENTS, "content-encoding": "br"}), RIGHT, FAILS)
        yield case("identity", Scripted(plain, {**EVENTS, "content-encoding": "identity"}))
        yield case(
            "two encodings",
            Scripted(gzip.compress(packed), {**EVENTS, "content-encoding": "gzip, gzip"}),
            RIGHT,
            FAILS,
        )

        # ------------------------------------------------------------ HTTP
        yield case("chunks", http(ok, kind, te, body=chunked(plain)))
        yield case("chunks that cut letters", http(ok, kind, te, body=chunked(plain, 1)))
        yield case(
            "trailers",
            http(
                ok,
                kind,
                te,
                "trailer: x-sum",
                body=chunked(plain, 50, b"0\r\nx-sum: 1\r\ncontent-type: text/html\r\n\r\n"),
            ),
        )
        yield case(
            "chunk extensions",
            http(ok, kind, te, body=chunked(plain).replace(b"\r\ndata", b";a=b\r\ndata", 1)),
            RIGHT,
            FAILS,
        )
        yield case(
            "chunks without an end", http(ok, kind, te, body=chunked(plain, 50, b"")), RIGHT, FAILS
        )
        yield case(
            "JSON in chunks without an end",
            http(ok, as_json, te, body=chunked(value, 50, b"")),
            FAILS,
            RIGHT,
            stream=False,
        )
        yield case(
            "a chunk that is cut off",
            http(ok, as_json, te, body=b"fff\r\n" + value),
            FAILS,
            stream=False,
        )
        for number, words in ((100, "Continue"), (102, "Processing"), (103, "Early Hints")):
            before = f"HTTP/1.1 {number} {words}\r\nlink: </a>\r\n\r\n".encode()
            yield case(
                f"{number} first", http(ok, kind, te, body=chunked(plain), before=before * 2)
            )
            yield case(
                f"{number} before JSON",
                http(ok, as_json, f"content-length: {len(value)}", body=value, before=before),
                stream=False,
            )
        yield case(
            "101", http("HTTP/1.1 101 Switching", "upgrade: x", "connection: upgrade"), FAILS
        )
        yield case(
            "a length that is too long",
            http(ok, as_json, f"content-length: {len(value) + 9}", body=value),
            FAILS,
            stream=False,
        )
        yield case(
            "a length that is too short",
            http(ok, as_json, f"content-length: {len(value) - 9}", body=value),
            FAILS,
            stream=False,
        )
        yield case(
            "a stream with a long length",
            http(ok, kind, f"content-length: {len(plain) + 9}", body=plain),
            RIGHT,
            FAILS,
        )
        yield case(
            "a negative length",
            http(ok, as_json, "content-length: -1", body=value),
            FAILS,
            stream=False,
        )
        yield case(
            "two lengths",
            http(ok, as_json, "content-length: 5", f"content-length: {len(value)}", body=value),
            FAILS,
            stream=False,
        )
        yield case(
            "a length of none",
            http(ok, as_json, "content-length: 0", body=value),
            FAILS,
            stream=False,
        )
        yield case("HTTP/1.0", http("HTTP/1.0 200 OK", as_json, body=value), stream=False)
        yield case("HTTP/1.0 stream", http("HTTP/1.0 200 OK", kind, body=plain))
        yield case(
            "no reason", http("HTTP/1.1 200", as_json, body=value), RIGHT, FAILS, stream=False
        )
        yield case("no HTTP", http("SSH-2.0-OpenSSH", body=b""), FAILS)
        for status in (301, 302, 303, 307, 308):
            away = f"location: http://127.0.0.1:1/{status}"
            yield case(
                f"{status} elsewhere",
                http(f"HTTP/1.1 {status} Moved", away, "content-length: 0"),
                FAILS,
            )
        yield case("204", http("HTTP/1.1 204 No Content"), FAILS)
        yield case(
            "206 of JSON",
            http("HTTP/1.1 206 Part", as_json, body=value),
            FAILS,
            RIGHT,
            stream=False,
        )
        yield case(
            "201 of JSON",
            http("HTTP/1.1 201 Made", as_json, body=value),
            FAILS,
            RIGHT,
            stream=False,
        )


def changed() -> Iterator[Neighbour]:
    """Frames that are odd."""

    def case(vendor: str, name: str, told: Frames, *rights: dict[str, Any]) -> Neighbour:
        return Neighbour(
            f"{vendor}: {name}", vendor, Scripted(sse(told), EVENTS), rights or (RIGHT,)
        )

    def delta(text: Any, finish: Any = None, **more: Any) -> tuple[str, Any]:
        choice = {"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}
        return (
            "",
            {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]},
        )

    def say(*told: tuple[str, Any]) -> Frames:
        return list(told)

    end, late = delta(None, "stop"), {"text": "ab", "finish": "stop"}
    usage = ("", {"id": "c", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7}})
    a, b = delta("a"), delta("b")
    openai: dict[str, tuple[Frames, tuple[dict[str, Any], ...]]] = {
        "text after the finish": (say(a, b, end, delta("c")), (late,)),
        "text after the finish and the usage": (say(a, b, end, usage, delta("c")), (late,)),
        "text with the finish": (say(a, delta("b", "stop")), (late,)),
        "text with the finish, then more": (say(a, delta("b", "stop"), delta("c")), (late,)),
        "two finishes": (say(a, b, end, delta(None, "length")), (late,)),
        "the finish in every frame": (
            say(delta("a", "stop"), delta("b", "stop")),
            (late, {"text": "a", "finish": "stop"}),
        ),
        "an empty finish": (say(delta("a", ""), delta("b", ""), end), (late,)),
        "a finish of null at the end": (say(a, b), (FAILS,)),
        "a finish nobody knows": (
            say(a, b, delta(None, "tired")),
            ({"text": "ab", "finish": "not stop"}, FAILS),
        ),
        "a finish in capitals": (
            say(a, b, delta(None, "STOP")),
            (late, {"text": "ab", "finish": "not stop"}, FAILS),
        ),
        "usage twice": (say(a, b, end, usage, usage), ({**late, "usage": [5, 7]},)),
        "usage in every frame": (
            say(
                *[
                    ("", {**f, "usage": {"prompt_tokens": 5, "completion_tokens": i}})
                    for i, (_, f) in enumerate((a, b, end), 5)
                ]
            ),
            ({**late, "usage": [5, 7]},),
        ),
        "empty choices first": (say(("", {"id": "c", "choices": []}), a, b, end), (late,)),
        "choices of null first": (say(("", {"id": "c", "choices": None}), a, b, end), (late,)),
        "no choices first": (say(("", {"id": "c"}), a, b, end), (late,)),
        "content of null between": (say(a, delta(None), b, end), (late,)),
        "content of nothing between": (say(a, delta(""), b, end), (late,)),
        "a delta of null": (
            say(
                a,
                ("", {"id": "c", "choices": [{"index": 0, "delta": None, "finish_reason": None}]}),
                b,
                end,
            ),
            (late,),
        ),
        "no delta": (
            say(a, ("", {"id": "c", "choices": [{"index": 0, "finish_reason": None}]}), b, end),
            (late,),
        ),
        "no index": (
            say(
                *[
                    (
                        "",
                        {
                            **f,
                            "choices": [{k: v for k, v in f["choices"][0].items() if k != "index"}],
                        },
                    )
                    for _, f in (a, b, end)
                ]
            ),
            (late,),
        ),
        "another id each time": (
            say(*[("", {**f, "id": str(i)}) for i, (_, f) in enumerate((a, b, end))]),
            (late,),
        ),
        "the role each time": (
            say(delta("a", role="assistant"), delta("b", role="assistant"), end),
            (late,),
        ),
        "a message in place of a delta": (
            say(
                (
                    "",
                    {
                        "id": "c",
                        "choices": [
                            {
                                "index": 0,
                                "message": {"role": "assistant", "content": "ab"},
                                "finish_reason": "stop",
                            }
                        ],
                    },
                )
            ),
            (late,),
        ),
        "content of a number": (say(delta(5), end), (FAILS, {"text": "5", "finish": "stop"})),
        "content of an object": (
            say(delta({"text": "a"}), end),
            (FAILS, {"text": "a", "finish": "stop"}),
        ),
        "content of parts": (
            say(delta([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), end),
            (late,),
        ),
        "an error after the finish": (
            say(a, b, end, ("", {"error": {"message": "no"}})),
            (late, FAILS),
        ),
        "a frame of a list": (say(a, ("", [1]), b, end), (FAILS, late)),
        "a frame of null": (say(a, ("", None), b, end), (FAILS, late)),
    }

    def call(index: Any, id: Any, name: Any, arguments: Any) -> tuple[str, Any]:
        def there(told: dict[str, Any]) -> dict[str, Any]:
            return {key: value for key, value in told.items() if value is not ...}

        function = there({"name": name, "arguments": arguments})
        told = {"index": index, "id": id, "type": "function", "function": function}
        return delta(None, tool_calls=[there(told)])

    done = delta(None, "tool_calls")
    f, g = ["f", {"a": 1}], ["g", {}]
    both = {"calls": [f, g], "finish": "tool_calls"}
    one = {"calls": [f], "finish": "tool_calls"}
    openai |= {
        "calls that jump": (
            say(call(0, "x", "f", '{"a":1}'), call(5, "y", "g", "{}"), done),
            (both,),
        ),
        "calls that begin at 1": (
            say(call(1, "x", "f", '{"a":1}'), call(2, "y", "g", "{}"), done),
            (both,),
        ),
        "calls from behind": (
            say(call(1, "x", "f", '{"a":1}'), call(0, "y", "g", "{}"), done),
            (both, {**both, "calls": [g, f]}),
        ),
        "calls in turn": (
            say(
                call(0, "x", "f", '{"a"'),
                call(1, "y", "g", "{"),
                call(0, ..., ..., ":1}"),
                call(1, ..., ..., "}"),
                done,
            ),
            (both,),
        ),
        "arguments of an object": (say(call(0, "x", "f", {"a": 1}), done), (one,)),
        "arguments of null": (
            say(call(0, "x", "f", None), call(0, ..., ..., '{"a":1}'), done),
            (one,),
        ),
        "the id each time": (
            say(call(0, "x", "f", '{"a"'), call(0, "x", ..., ":1}"), done),
            (one,),
        ),
        "the id and the name each time": (
            say(call(0, "x", "f", '{"a"'), call(0, "x", "f", ":1}"), done),
            (one, FAILS),
        ),
        "an empty id later": (say(call(0, "x", "f", '{"a"'), call(0, "", "", ":1}"), done), (one,)),
        "an id of null": (say(call(0, None, "f", '{"a":1}'), done), (one,)),
        "no index": (say(call(..., "x", "f", '{"a":1}'), call(..., "y", "g", "{}"), done), (both,)),
        "an index of text": (say(call("0", "x", "f", '{"a":1}'), done), (one, FAILS)),
        "calls that end with stop": (
            say(call(0, "x", "f", '{"a":1}'), delta(None, "stop")),
            (one,),
        ),
        "a call after the finish": (say(a, b, end, call(0, "x", "f", "{}")), (late, FAILS)),
    }
    for name, (told, rights) in openai.items():
        yield case("openai", name, told, *rights)
    yield from _anthropic(case)
    yield from _responses(case)


Make = Callable[..., Neighbour]


def _anthropic(case: Make) -> Iterator[Neighbour]:
    told, calls = frames("anthropic"), frames("anthropic", calls=True)
    start, stop, last = told[0], told[-1], told[-2]
    block, over = told[1], told[-3]
    body = told[2:-3]
    ping = ("ping", {"type": "ping"})
    late = (
        "content_block_delta",
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "late"},
        },
    )
    for name, made, rights in (
        ("pings everywhere", [one for f in told for one in (f, ping)], ()),
        ("a ping first", [ping, *told], ()),
        ("the start twice", [start, *told], (RIGHT, FAILS)),
        ("no start", told[1:], (RIGHT, FAILS)),
        ("no stop of the block", [start, block, *body, last, stop], ()),
        ("no start of the block", [start, *body, over, last, stop], (RIGHT, FAILS)),
        ("no message_stop", told[:-1], ()),
        ("text after the stop", [*told, late], ()),
        ("text after the reason", [*told[:-1], late, stop], ()),
        (
            "an index that jumps",
            [(n, {**f, "index": 7} if "index" in f else f) for n, f in told],
            (),
        ),
        ("no event names", [("", f) for _, f in told], ()),
        ("wrong event names", [("ping", f) for _, f in told], ()),
        ("an unknown event", [start, ("news", {"type": "news"}), *told[1:]], ()),
        (
            "an unknown block",
            [
                start,
                (
                    "content_block_start",
                    {"type": "content_block_start", "index": 0, "content_block": {"type": "news"}},
                ),
                ("content_block_stop", {"type": "content_block_stop", "index": 0}),
                *[(n, {**f, "index": 1} if "index" in f else f) for n, f in told[1:]],
            ],
            (),
        ),
        (
            "an unknown delta",
            [
                start,
                block,
                (
                    "content_block_delta",
                    {"type": "content_block_delta", "index": 0, "delta": {"type": "news"}},
                ),
                *told[2:],
            ],
            (),
        ),
        (
            "no finish reason",
            [
                *told[:-2],
                (
                    "message_delta",
                    {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 7}},
                ),
                stop,
            ],
            (FAILS, {"text": TEXT, "finish": "not stop"}),
        ),
        (
            "a reason nobody knows",
            [
                *told[:-2],
                ("message_delta", {"type": "message_delta", "delta": {"stop_reason": "tired"}}),
                stop,
            ],
            (FAILS, {"text": TEXT, "finish": "not stop"}),
        ),
        ("the reason twice", [*told[:-1], last, stop], ()),
        (
            "usage twice",
            [
                *told[:-1],
                (
                    "message_delta",
                    {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9}},
                ),
                stop,
            ],
            ({**RIGHT, "usage": [5, 9]}, {**RIGHT, "usage": [5, 7]}),
        ),
        (
            "an error at the end",
            [
                *told[:-2],
                (
                    "error",
                    {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
                ),
            ],
            (FAILS,),
        ),
        (
            "text in the start of the block",
            [
                start,
                (block[0], {**block[1], "content_block": {"type": "text", "text": TEXT}}),
                over,
                last,
                stop,
            ],
            (),
        ),
    ):
        yield case("anthropic", name, made, *(rights or (RIGHT,)))
    whole = [(n, f) for n, f in calls if f["type"] != "content_block_delta"]
    for _, f in whole:
        if f["type"] == "content_block_start":
            f["content_block"]["input"] = {"a": 1} if f["content_block"]["name"] == "f" else {}
    yield case("anthropic", "calls as objects", whole, CALLED)


def _responses(case: Make) -> Iterator[Neighbour]:
    told, calls = frames("responses"), frames("responses", calls=True)
    last = told[-1]
    late = (
        "response.output_text.delta",
        {
            "type": "response.output_text.delta",
            "output_index": 0,
            "item_id": "msg",
            "content_index": 0,
            "delta": "late",
        },
    )
    number = [(n, {**f, "sequence_number": i}) for i, (n, f) in enumerate(told)]
    quiet = {**last[1]["response"], "output": []}
    for name, made, rights in (
        ("the last event alone", [last], ()),
        ("no deltas", [f for f in told if "delta" not in f[1]], ()),
        ("no items", [f for f in told if "item" not in f[1]], ()),
        ("deltas and an empty end", [*told[:-1], (last[0], {**last[1], "response": quiet})], ()),
        ("numbers", number, ()),
        (
            "numbers from behind",
            [(n, {**f, "sequence_number": 9 - i}) for i, (n, f) in enumerate(told)],
            (),
        ),
        ("text after the end", [*told, late], ()),
        ("the end twice", [*told, last], ()),
        ("no end", told[:-1], (FAILS,)),
        ("no event names", [("", f) for _, f in told], ()),
        (
            "an unknown event",
            [told[0], ("response.news", {"type": "response.news"}), *told[1:]],
            (),
        ),
        (
            "failed",
            [
                *told[:-1],
                (
                    "response.failed",
                    {
                        "type": "response.failed",
                        "response": {
                            **quiet,
                            "status": "failed",
                            "error": {"code": "server_error", "message": "no"},
                        },
                    },
                ),
            ],
            (FAILS,),
        ),
        (
            "a status nobody knows",
            [
                *told[:-1],
                (last[0], {**last[1], "response": {**last[1]["response"], "status": "tired"}}),
            ],
            (FAILS, {"text": TEXT, "finish": "not stop"}, RIGHT),
        ),
        (
            "cut by a filter",
            [
                *told[:-1],
                (
                    "response.incomplete",
                    {
                        "type": "response.incomplete",
                        "response": {
                            **last[1]["response"],
                            "status": "incomplete",
                            "incomplete_details": {"reason": "content_filter"},
                        },
                    },
                ),
            ],
            ({"text": TEXT, "finish": "content_filter"},),
        ),
        (
            "cut by nobody says what",
            [
                *told[:-1],
                (
                    "response.incomplete",
                    {
                        "type": "response.incomplete",
                        "response": {
                            **last[1]["response"],
                            "status": "incomplete",
                            "incomplete_details": None,
                        },
                    },
                ),
            ],
            ({"text": TEXT, "finish": "not stop"}, FAILS),
        ),
        (
            "the text said again",
            [
                *told[:-2],
                (
                    "response.output_text.done",
                    {
                        "type": "response.output_text.done",
                        "output_index": 0,
                        "content_index": 0,
                        "item_id": "msg",
                        "text": TEXT,
                    },
                ),
                *told[-2:],
            ],
            (),
        ),
    ):
        yield case("responses", name, made, *(rights or (RIGHT,)))
    yield case(
        "responses", "calls without deltas", [f for f in calls if "delta" not in f[1]], CALLED
    )
    yield case("responses", "calls in the end alone", [calls[0], calls[-1]], CALLED)


ALL = [*carried(), *changed()]


async def judge(played: Stage, one: Neighbour) -> dict[str, list[str]]:
    """Door -> what is wrong with what its client sees; none of the doors that see what is right."""
    seen: dict[str, Any] = {}
    for door in DOORS:
        try:
            seen[door] = await played.answered(
                door, UPSTREAMS[one.upstream], one.answer, stream=one.stream
            )
        except (AssertionError, KeyError, ValueError, TypeError, OSError) as error:
            seen[door] = error
    rows, found = await played.rows(), {}
    for door, what in seen.items():
        if isinstance(what, BaseException):
            found[door] = [f"not in the dialect: {what!r}"]
            continue
        shown, id, asked = what
        wrong = [faults(right, door, shown, rows.get(id)) for right in one.rights]
        if asked > 2:
            wrong = [[*faulty, f"asked {asked} times"] for faulty in wrong]
        if all(wrong):
            found[door] = min(wrong, key=len)
    return found


async def _count(word: str) -> None:
    chosen, right = [one for one in ALL if word in one.name], 0
    with TemporaryDirectory(prefix="neighbours-") as folder:
        async with stage(Path(folder)) as played:
            for one in chosen:
                wrong = await judge(played, one)
                right += len(DOORS) - len(wrong)
                for door, why in wrong.items():
                    sys.stdout.write(f"    {one.name}, at {door}: {'; '.join(why)[:200]}\n")
    sys.stdout.write(f"{right} of {len(chosen) * len(DOORS)} views right, {len(chosen)} answers\n")


if __name__ == "__main__":
    asyncio.run(_count(sys.argv[1] if len(sys.argv) > 1 else ""))
