"""HTTP that no client library sends: framing, heads, slow and half-closed clients, paths, verbs."""

from __future__ import annotations

import gzip
import json
import zlib

from tests.hostile.house import Cases, House
from tests.hostile.wire import CHAT, JSON, Reply, head, request, said, talk

SHAPES = Cases()
BODY = json.dumps(said("What is it?")).encode()
KIND = JSON


def _lines(house: House, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("host", "127.0.0.1"), house.bearer(), KIND, *more]


async def _raw(house: House, *pieces: bytes, shut: bool = False, replies: int = 1) -> list[Reply]:
    return await talk(house.port, *pieces, shut=shut, replies=replies)


async def _one(house: House, *pieces: bytes, shut: bool = False) -> Reply:
    return (await _raw(house, *pieces, shut=shut))[0]


# ---------------------------------------------------------------- framing

for _name, _more in {
    "two lengths": [("content-length", str(len(BODY))), ("content-length", "5")],
    "two lengths in one line": [("content-length", f"{len(BODY)}, 5")],
    "length and chunked": [("content-length", str(len(BODY))), ("transfer-encoding", "chunked")],
    "a length with a sign": [("content-length", f"+{len(BODY)}")],
    "a negative length": [("content-length", "-1")],
    "a length in hexadecimal": [("content-length", hex(len(BODY)))],
    "a length with an underscore": [("content-length", "1_0")],
    "a length of a float": [("content-length", f"{len(BODY)}.0")],
    "a length beyond 64 bits": [("content-length", "9" * 40)],
    "a length in Arabic digits": [("content-length", "\u0661\u0660")],
    "an empty length": [("content-length", "")],
    "an encoding nobody knows": [("transfer-encoding", "xchunked")],
    "chunked twice": [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
    "chunked, then identity": [("transfer-encoding", "chunked, identity")],
    "chunked behind a vertical tab": [("transfer-encoding", "\x0bchunked")],
    "gzip as a transfer": [("transfer-encoding", "gzip, chunked")],
    "an unusual space before the colon": [("content-length ", str(len(BODY)))],
}.items():

    @SHAPES(f"framing: {_name}")
    async def _framed(house: House, more: list[tuple[str, str]] = _more) -> None:
        raw = head("POST", CHAT, _lines(house, *more)) + BODY
        smuggled = b"GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        before = house.spent()
        got = await _raw(house, raw + smuggled, replies=2)
        assert len(got) == 1, "a second request was read from a broken body"
        assert got[0].status in (400, 411, 413, 415, 431, 501), str(got[0])
        assert house.spent() == before


def _chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


for _name, _content in {
    "a size with 0x": b"0x%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "a size with a sign": b"+%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "a negative size": b"-5\r\n%s\r\n0\r\n\r\n" % BODY,
    "a size beyond 64 bits": b"1%016x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "an empty size": b"\r\n%s\r\n0\r\n\r\n" % BODY,
    "no line after a chunk": b"%x\r\n%s0\r\n\r\n" % (len(BODY), BODY),
    "a size of letters": b"zz\r\n%s\r\n0\r\n\r\n" % BODY,
    "a space before the size": b" %x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "a bare LF after the size": b"%x\n%s\n0\n\n" % (len(BODY), BODY),
    "an extension of 1 MB": b"%x;%s\r\n%s\r\n0\r\n\r\n" % (len(BODY), b"a" * 1_000_000, BODY),
    "a bare LF in an extension": b"%x;a\nb\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
}.items():

    @SHAPES(f"chunks: {_name}")
    async def _chunks(house: House, content: bytes = _content) -> None:
        raw = head("POST", CHAT, _lines(house, ("transfer-encoding", "chunked"))) + content
        before = house.spent()
        got = await _raw(house, raw, replies=2)
        assert len(got) == 1 and got[0].status in (0, 400, 413, 431), str(got[0])
        assert house.spent() == before


@SHAPES("chunks that are right")
async def _chunks_right(house: House) -> None:
    lines = _lines(house, ("transfer-encoding", "chunked"))
    for content in (
        _chunked(BODY),
        _chunked(*(BODY[i : i + 1] for i in range(len(BODY)))),
        b"%X;a=b;c\r\n%s\r\n000\r\nx-trailer: 1\r\n\r\n" % (len(BODY), BODY),
    ):
        got = await _one(house, head("POST", CHAT, lines) + content)
        assert got.status == 200, str(got)


@SHAPES("a key in a trailer is no key")
async def _trailer(house: House) -> None:
    lines = [("host", "127.0.0.1"), KIND, ("transfer-encoding", "chunked")]
    key = ": ".join(house.bearer()).encode()
    content = b"%x\r\n%s\r\n0\r\n%s\r\n\r\n" % (len(BODY), BODY, key)
    await house.refused(_one(house, head("POST", CHAT, lines) + content), 400, 401)


@SHAPES("a trailer changes nothing")
async def _trailers(house: House) -> None:
    lines = _lines(house, ("transfer-encoding", "chunked"), ("trailer", "host"))
    for trailer in (
        b"host: evil.example",
        b"content-length: 5",
        b"x-forwarded-for: 1.1.1.1",
        b"transfer-encoding: chunked",
        b"origin: https://evil.example",
    ):
        content = b"%x\r\n%s\r\n0\r\n%s\r\n\r\n" % (len(BODY), BODY, trailer)
        got = await _raw(house, head("POST", CHAT, lines) + content, replies=1)
        assert got[0].status in (200, 400), str(got[0])


@SHAPES("a trailer that never ends")
async def _long_trailer(house: House) -> None:
    lines = _lines(house, ("transfer-encoding", "chunked"))
    content = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY) + b"x-a: b\r\n" * 100_000
    got = await _one(house, head("POST", CHAT, lines) + content)
    assert got.status in (0, 400, 413, 431), str(got)


# ---------------------------------------------------------------- heads

for _name, _raw_head in {
    "a header of 200 kB": b"x-a: " + b"a" * 200_000,
    "5,000 headers": b"\r\n".join(b"x-%d: a" % i for i in range(5000)),
    "a name of 100 kB": b"a" * 100_000 + b": b",
    "a NUL in a value": b"x-a: b\0c",
    "a bare CR in a value": b"x-a: b\rx-b: c",
    "a space in a name": b"x a: b",
    "a line without a colon": b"nothing",
    "a folded line": b"x-a: b\r\n c",
    "an empty name": b": b",
    "a name in Cyrillic": "\u0445-a: b".encode(),
    "DEL in a name": b"x\x7f: b",
    "a first line that is folded": b" x: y",
}.items():

    @SHAPES(f"head: {_name}")
    async def _headed(house: House, line: bytes = _raw_head) -> None:
        start = head("POST", CHAT, _lines(house, ("content-length", str(len(BODY)))))[:-2]
        await house.refused(_one(house, start + line + b"\r\n\r\n" + BODY), 0, 400, 431)


for _line in (
    b"GET /health",
    b"GET /health HTTP/1.1 x",
    b"GET /health HTTP/9.9",
    b"GET /health HTTP/2.0",
    b"GET /hea lth HTTP/1.1",
    b"GET /health http/1.1",
    b"GET\t/health\tHTTP/1.1",
    b"GET /health\0 HTTP/1.1",
    b"GET /\xff\xfe HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET health HTTP/1.1",
    b"G(T /health HTTP/1.1",
    b"GET /health HTTP/1.1\x0b",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1",
):

    @SHAPES(f"request line {_line[:24]!r}")
    async def _request_line(house: House, line: bytes = _line) -> None:
        got = await _one(house, line + b"\r\nhost: 127.0.0.1\r\n\r\n")
        assert got.status == 0 or (400 <= got.status <= 505 and got.status != 500), str(got)


@SHAPES("control characters in what is told back")
async def _told_back(house: House) -> None:
    for model in ("a\r\nx-evil: 1", "a\x1b[31m", "a\nb", "\u202ebig", "a\0"):
        got = await house.ask("POST", CHAT, [house.bearer()], said("Hi", model))
        assert got.status in (400, 403, 404), str(got)
        assert not got.header("x-evil")
        assert b"\x1b" not in got.body
        assert b"\0" not in got.body


# ---------------------------------------------------------------- slow, half, many


@SHAPES("a head that stops")
async def _slow_head(house: House) -> None:
    got = await _one(house, b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n")
    assert got.status in (0, 408), str(got)


@SHAPES("a body that stops")
async def _slow_body(house: House) -> None:
    raw = head("POST", CHAT, _lines(house, ("content-length", str(len(BODY)))))
    await house.refused(_one(house, raw + BODY[:20]), 0, 408)


@SHAPES("a body that is cut off")
async def _cut_body(house: House) -> None:
    raw = head("POST", CHAT, _lines(house, ("content-length", str(len(BODY)))))
    await house.refused(_one(house, raw + BODY[:20], shut=True), 0, 400, 408)
    chunked = head("POST", CHAT, _lines(house, ("transfer-encoding", "chunked")))
    await house.refused(_one(house, chunked + b"%x\r\n" % len(BODY) + BODY[:20], shut=True), 0, 400)


@SHAPES("a client that closes its side and waits for its answer")
async def _half_closed(house: House) -> None:
    for key in (None, "alice"):
        raw = request("GET", "/health", [], host="127.0.0.1")
        if key:
            raw = request("POST", CHAT, [house.bearer(key)], said("Half closed?"))
        got = await _one(house, raw, shut=True)
        assert got.status == 200, str(got)


@SHAPES("a client that closes its side and waits for a stream")
async def _half_closed_stream(house: House) -> None:
    raw = request("POST", CHAT, [house.bearer()], said("Half closed, streamed?", stream=True))
    got = await _one(house, raw, shut=True)
    assert got.status == 200 and b"[DONE]" in got.body, str(got)


@SHAPES("two requests and then the client closes its side")
async def _half_closed_two(house: House) -> None:
    raw = request("GET", "/health") + request("GET", "/v1/models", [house.bearer()])
    got = await _raw(house, raw, shut=True, replies=2)
    assert [one.status for one in got] == [200, 200], [str(one) for one in got]


@SHAPES("pipelined requests each need a key")
async def _pipelined(house: House) -> None:
    good = request("POST", CHAT, [house.bearer()], said("One"))
    bare = request("POST", CHAT, [], said("Two"))
    got = await _raw(house, good + bare + good, replies=3)
    assert [one.status for one in got][:2] == [200, 401], [str(one) for one in got]
    named = request("GET", "/v1/models", [house.bearer("local")])
    other = request("GET", "/v1/models", [house.bearer("alice")])
    listed = await _raw(house, named + other, replies=2)
    assert b'"big"' not in listed[0].body
    assert b'"big"' in listed[1].body


@SHAPES("nothing is read after close")
async def _after_close(house: House) -> None:
    raw = request("GET", "/health", [("connection", "close")]) + request("GET", "/health")
    assert len(await _raw(house, raw, replies=2)) == 1


@SHAPES("Expect: 100-continue")
async def _expect(house: House) -> None:
    lines = _lines(house, ("content-length", str(len(BODY))), ("expect", "100-continue"))
    got = await _one(house, head("POST", CHAT, lines), BODY)
    assert got.status == 200, str(got)
    bare = [("host", "127.0.0.1"), KIND, ("content-length", str(len(BODY)))]
    refused = await _one(house, head("POST", CHAT, [*bare, ("expect", "100-continue")]), BODY)
    assert refused.status == 401, str(refused)
    odd = _lines(house, ("content-length", str(len(BODY))), ("expect", "a miracle"))
    assert (await _one(house, head("POST", CHAT, odd) + BODY)).status in (200, 400, 417)


@SHAPES("HTTP/1.0 with a key")
async def _old(house: House) -> None:
    lines = _lines(house, ("content-length", str(len(BODY))))
    got = await _one(house, head("POST", CHAT, lines, "1.0") + BODY)
    assert got.status == 200 and not got.header("transfer-encoding"), str(got)
    streamed = json.dumps(said("Stream", stream=True)).encode()
    lines = _lines(house, ("content-length", str(len(streamed))))
    got = await _one(house, head("POST", CHAT, lines, "1.0") + streamed)
    assert got.status == 200 and not got.header("transfer-encoding"), str(got)
    assert b"[DONE]" in got.body


# ---------------------------------------------------------------- encodings of a body

MEMBERS = gzip.compress(BODY[:30]) + gzip.compress(BODY[30:])
for _name, _encoding, _content, _right in (
    ("gzip", "gzip", gzip.compress(BODY), (200,)),
    ("x-gzip", "x-gzip", gzip.compress(BODY), (200, 415)),
    ("GZIP", "GZIP", gzip.compress(BODY), (200,)),
    ("several members", "gzip", MEMBERS, (200,)),
    ("an empty member between", "gzip", MEMBERS + gzip.compress(b""), (200,)),
    ("identity", "identity", BODY, (200, 415)),
    ("brotli", "br", BODY, (415,)),
    ("gzip of gzip", "gzip, gzip", gzip.compress(gzip.compress(BODY)), (400, 415)),
    ("gzip that is none", "gzip", BODY, (400,)),
    ("gzip that is cut off", "gzip", gzip.compress(BODY)[:-9], (400,)),
    ("gzip with a wrong sum", "gzip", gzip.compress(BODY)[:-8] + b"\0" * 8, (400,)),
    ("gzip with rubbish behind", "gzip", gzip.compress(BODY) + b"rubbish", (400,)),
    ("zlib", "deflate", zlib.compress(BODY), (200, 400, 415)),
    ("a bomb", "gzip", gzip.compress(b" " * 20_000_000 + BODY), (400, 413)),
    (
        "a bomb in members",
        "gzip",
        gzip.compress(b" " * 10_000) * 3000 + gzip.compress(BODY),
        (400, 413),
    ),
    (
        "many empty members",
        "gzip",
        gzip.compress(b"") * 50_000 + gzip.compress(BODY),
        (200, 400, 413),
    ),
):

    @SHAPES(f"body: {_name}")
    async def _encoded(
        house: House,
        encoding: str = _encoding,
        content: bytes = _content,
        right: tuple[int, ...] = _right,
    ) -> None:
        lines = [house.bearer(), KIND, ("content-encoding", encoding)]
        got = await house.ask("POST", CHAT, lines, content)
        assert got.status in right, str(got)


# ---------------------------------------------------------------- paths and verbs

for _target in (
    "//admin/keys",
    "/admin//keys",
    "/./admin/keys",
    "/v1/../admin/keys",
    "/%61dmin/keys",
    "/admin%2fkeys",
    "/ADMIN/keys",
    "/admin/keys/",
    "/admin/keys.",
    "/admin/keys;x=1",
    "/admin/keys%00",
    "/admin/keys%20",
    "/admin/keys/..;/keys",
    "/v1/models/..%2f..%2fadmin/keys",
    "/v1/models/%2e%2e/%2e%2e/admin/keys",
    "\\admin\\keys",
    "/v1\\..\\admin/keys",
    "/admin/./keys",
    "/admin/keys?x=/health",
    "/health/../admin/keys",
    "/health%2f..%2fadmin%2fkeys",
    "/admin/%6beys",
    "/%2561dmin/keys",
    "/admin/keys#/health",
    "/console/../admin/keys",
    "/admin/traces/%2e%2e/keys",
    "/admin/keys/%2e",
    "/;/admin/keys",
    "/\u00e0dmin/keys",
    "/%c0%afadmin/keys",
    "/admin/keys%0d%0ax-evil:1",
    "/v1/%2e%2e/admin/keys",
):

    @SHAPES(f"path {_target}")
    async def _path(house: House, target: str = _target) -> None:
        for lines in ([], [house.bearer()], [house.bearer("viewer")]):
            got = await house.ask("GET", target, lines)
            assert 400 <= got.status < 500, f"{lines[:1]}: {got}"
            assert "sk-ss-" not in got.text
            assert house.ids["bob"] not in got.text
            assert not got.header("x-evil")


for _target in (
    "/console/static/../../../../../../etc/passwd",
    "/console/static/..%2f..%2fapp.py",
    "/console/static/%2e%2e/%2e%2e/session.py",
    "/console/static//etc/passwd",
    "/console/static/console.css%00.py",
    "/console/static/",
    "/console/static/.",
    "/console//evil.example",
    "/console/%2f%2fevil.example",
    "//evil.example/%2e%2e",
    "/console/\\evil.example",
    "/console/.//evil.example",
    "/console/today//evil.example",
):

    @SHAPES(f"file or way out {_target}")
    async def _file(house: House, target: str = _target) -> None:
        got = await house.ask("GET", target)
        assert got.status in (303, 307, 400, 403, 404, 405), str(got)
        assert b"root:" not in got.body
        assert b"import " not in got.body
        where = got.header("location")
        assert not where.replace("\\", "/").startswith("//")
        assert "://" not in where.split("?")[0]


ROUTES = {
    "/": "GET",
    "/health": "GET",
    "/ready": "GET",
    "/metrics": "GET",
    "/openapi.json": "GET",
    "/docs": "GET",
    "/v1/models": "GET",
    "/v1/models/big": "GET",
    CHAT: "POST",
    "/v1/responses": "POST",
    "/v1/completions": "POST",
    "/v1/messages": "POST",
    "/v1/messages/count_tokens": "POST",
    "/v1/embeddings": "POST",
    "/v1/responses/r": "GET",
    "/v1/feedback": "POST",
    "/v1/files": "GET",
    "/v1/files/f": "GET",
    "/v1/files/f/content": "GET",
    "/v1/batches": "GET",
    "/v1/batches/b": "GET",
    "/v1/batches/b/cancel": "POST",
    "/admin/reload": "POST",
    "/admin/keys": "GET",
    "/admin/keys/k": "GET",
    "/admin/team": "GET",
    "/admin/traces": "GET",
    "/admin/traces/t": "GET",
    "/admin/traces/export": "GET",
    "/admin/sessions": "GET",
    "/admin/teams": "GET",
    "/admin/conversations/a/b": "DELETE",
    "/console": "GET",
    "/console/login": "GET",
    "/console/today": "GET",
    "/console/settings": "GET",
}
for _target, _verb in ROUTES.items():

    @SHAPES(f"verbs at {_target}")
    async def _verbs(house: House, target: str = _target, verb: str = _verb) -> None:
        for method in ("TRACE", "CONNECT", "PROPFIND", "FOO", "get", "PUT"):
            got = await house.ask(method, target, [("x-secret", "echoed")])
            assert 400 <= got.status < 500 or got.status == 501, f"{method}: {got}"
            assert b"echoed" not in got.body
        options = await house.ask("OPTIONS", target)
        assert options.status < 500 and options.status != 0, str(options)
        shown = await house.ask("HEAD", target, [house.bearer()])
        assert shown.status < 500 and shown.status != 0, str(shown)
        wrong = "DELETE" if verb == "POST" else "POST"
        if verb != "DELETE" and target not in ("/admin/keys", "/v1/files", "/v1/batches"):
            got = await house.ask(wrong, target, [house.bearer()])
            assert 400 <= got.status < 500, f"{wrong}: {got}"


@SHAPES("HEAD has no body")
async def _bodiless(house: House) -> None:
    raw = request("HEAD", "/health") + request("GET", "/health")
    reader_sees = await talk(house.port, raw, replies=2, bodiless=True, seconds=3)
    assert [one.status for one in reader_sees][:2] in ([200, 200], [405, 200])
