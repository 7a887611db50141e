"""What the holder of one key must not get of another's, and what a key must not do."""

from __future__ import annotations

import asyncio
import json

from tests.hostile.house import Cases, House
from tests.hostile.wire import CHAT, JSON, Reply, said

TENANTS = Cases()


# ---------------------------------------------------------------- credentials


@TENANTS("two keys in one request")
async def _two(house: House) -> None:
    alice, bob = house.keys["alice"], house.keys["bob"]
    a, x, k = "authorization", "x-api-key", "api-key"
    for lines in (
        [(a, f"Bearer {alice}"), (x, bob)],
        [(x, alice), (k, bob)],
        [(a, f"Bearer {alice}"), (k, bob)],
        [(a, f"Bearer {alice}"), (a, f"Bearer {bob}")],
        [(x, alice), (x, bob)],
        [(k, bob), (k, alice)],
        [(a, f"Bearer {alice}, Bearer {bob}")],
        [(x, f"{alice},{bob}")],
        [(x, f"{alice} {bob}")],
        [(a, f"Bearer {alice}"), (x, "sk-ss-nobody")],
        [(a, "Bearer sk-ss-nobody"), (x, alice)],
        [(a, f"Bearer {alice}"), (x, house.admin[0][1].removeprefix("Bearer "))],
    ):
        await house.refused(house.ask("POST", CHAT, lines, said("Hi")), 400, 401)


@TENANTS("the same key twice is one")
async def _same(house: House) -> None:
    alice = house.keys["alice"]
    for lines in (
        [("x-api-key", alice)],
        [("api-key", alice)],
        [("authorization", f"bearer {alice}")],
        [house.bearer(), ("x-api-key", alice)],
        [house.bearer(), house.bearer()],
    ):
        got = await house.ask("POST", CHAT, lines, said("Hi"))
        assert got.status == 200, f"{[n for n, _ in lines]}: {got}"


@TENANTS("a key in the URL")
async def _in_url(house: House) -> None:
    alice, bob = house.keys["alice"], house.keys["bob"]
    for name in ("key", "api_key", "api-key", "access_token", "token"):
        await house.refused(house.ask("POST", f"{CHAT}?{name}={alice}", [], said("Hi")), 400, 401)
    for name in ("key", "api_key"):
        target = f"{CHAT}?{name}={bob}"
        await house.refused(house.ask("POST", target, [house.bearer()], said("Hi")), 400)


for _name, _value in {
    "nothing": "",
    "a scheme alone": "Bearer",
    "a prefix": "Bearer KEY-",
    "a longer one": "Bearer KEYx",
    "capitals": "Bearer UPPER",
    "Basic": "Basic KEY",
    "quoted": 'Bearer "KEY"',
    "of an id": "Bearer ID",
    "SQL": "Bearer ' OR '1'='1",
    "a wildcard": "Bearer %",
    "a revoked one": "Bearer GONE",
    "100 kB": "Bearer " + "a" * 60_000,
    "letters beyond ASCII": "Bearer sk-ss-\u00e9\u6771",
    "a tab before it": "Bearer\tx",
    "a hash": "Bearer HASH",
    "null": "Bearer null",
    "bytes that are no text": "Bearer \udcff",
    "a JSON Web Token of none": "Bearer eyJhbGciOiJub25lIn0.e30.",
}.items():

    @TENANTS(f"credential: {_name}")
    async def _credential(house: House, value: str = _value) -> None:
        import hashlib

        key = house.keys["alice"]
        words = {
            "KEY-": key[:-1],
            "KEYx": key + "x",
            "UPPER": key.upper(),
            "KEY": key,
            "ID": house.ids["alice"],
            "GONE": house.keys["gone"],
            "HASH": hashlib.sha256(key.encode()).hexdigest(),
        }
        scheme, _, word = value.partition(" ")
        bare = word.strip('"')
        told = f"{scheme} {word.replace(bare, words[bare])}" if bare in words else value
        for path, method in ((CHAT, "POST"), ("/v1/models", "GET"), ("/v1/files", "GET")):
            body = said("Hi") if method == "POST" else None
            got = house.ask(method, path, [("authorization", told)], body)
            await house.refused(got, 400, 401, 431)


@TENANTS("a cookie is no credential")
async def _cookie(house: House) -> None:
    for name in ("key", "api_key", "authorization", "shortstop_console", "session"):
        line = ("cookie", f"{name}={house.keys['alice']}")
        await house.refused(house.ask("POST", CHAT, [line], said("Hi")), 401)


# ---------------------------------------------------------------- a key's models, rates, role


@TENANTS("a key's models hold on every route")
async def _models(house: House) -> None:
    before, key = len(house.gateway.frontier.received), house.bearer("local")
    texts = [{"role": "user", "content": "Which?"}]
    asks = {
        CHAT: said("Which?"),
        "/v1/responses": {"model": "big", "input": "Which?"},
        "/v1/completions": {"model": "big", "prompt": "Which?"},
        "/v1/messages": {"model": "big", "max_tokens": 5, "messages": texts},
        "/v1/messages/count_tokens": {"model": "big", "messages": texts},
        "/v1/embeddings": {"model": "big", "input": "Which?"},
    }
    for path, body in asks.items():
        got = await house.ask("POST", path, [key], body)
        assert got.status in (403, 404), f"{path}: {got}"
    for model in ("frontier", "BIG", " big", "big ", "vendor/big", "small,big", "big\u200b", "bi*"):
        got = await house.ask("POST", CHAT, [key], said("Which?", model))
        assert 400 <= got.status < 500, f"{model}: {got}"
    for model in ("auto", "small", "local"):
        await house.ask("POST", CHAT, [key], said("!status 500", model))
    assert len(house.gateway.frontier.received) == before


@TENANTS("a key sees its models alone")
async def _seen(house: House) -> None:
    key = house.bearer("local")
    shown = [
        await house.ask("GET", "/v1/models", [key]),
        await house.ask("GET", "/v1/models/big", [key]),
        await house.ask("POST", CHAT, [key], said("Which?", "bigg")),
        await house.ask("POST", CHAT, [key], said("Which?", "small")),
    ]
    for got in shown:
        told = got.text.replace("bigg", "").replace("The model 'big' does not exist", "")
        told += str(got.headers)
        assert '"big"' not in told and "'big'" not in told and " big" not in told, str(got)


@TENANTS("a rate holds on every route")
async def _rates(house: House) -> None:
    texts = [{"role": "user", "content": "How many?"}]
    body = {"model": "big", "messages": texts}
    got = [
        (await house.ask("POST", "/v1/messages/count_tokens", [house.bearer("rated")], body)).status
        for _ in range(6)
    ]
    assert got.count(429) >= 3, got
    for method, path, more in (
        ("POST", CHAT, body),
        ("POST", "/v1/embeddings", {"model": "big", "input": "a"}),
        ("POST", "/v1/responses", {"model": "big", "input": "a"}),
        ("GET", "/v1/models", None),
        ("POST", "/v1/feedback", {"request_id": "a", "score": 1}),
        ("GET", "/v1/responses/a", None),
        ("GET", "/v1/files", None),
        ("GET", "/v1/batches", None),
    ):
        one = await house.ask(method, path, [house.bearer("rated")], more)
        assert one.status == 429, f"{path}: {one}"


@TENANTS("a key is no administrator")
async def _admin(house: House) -> None:
    for key in ("alice", "viewer", "operator"):
        for method, path, body in (
            ("GET", "/admin/keys", None),
            ("POST", "/admin/keys", {"name": "mine"}),
            ("POST", "/admin/reload", None),
            ("DELETE", f"/admin/keys/{house.ids['bob']}", None),
            ("PATCH", f"/admin/keys/{house.ids['alice']}", {"team": None}),
            ("POST", f"/admin/keys/{house.ids['bob']}/rotate", {}),
            ("DELETE", "/admin/conversations/b/c", None),
            ("GET", "/admin/team", None),
            ("POST", "/admin/teams", {"name": "t"}),
            ("DELETE", "/admin/sessions", None),
            ("POST", "/admin/sessions", {"id_token": "x"}),
        ):
            got = await house.ask(method, path, [house.bearer(key)], body)
            assert got.status in (400, 401, 403, 404), f"{key} {path}: {got}"
            assert path.endswith("sessions") or got.status in (401, 403, 404), (
                f"{key} {path}: {got}"
            )


@TENANTS("headers and fields that would make another tenant of one")
async def _tenant(house: House) -> None:
    lines = [
        ("x-shortstop-tenant", "b"),
        ("x-tenant", "b"),
        ("openai-organization", "b"),
        ("openai-project", "b"),
        ("x-shortstop-key", house.ids["bob"]),
        ("x-shortstop-role", "admin"),
    ]
    done = await house.chat("Who am I?", lines, user="b", metadata={"tenant": "b"})
    assert done.status == 200
    mine = await _row(house, done, "operator")
    assert mine.status == 404, "tenant b's operator sees tenant a's row"


async def _row(house: House, answer: Reply, key: str) -> Reply:
    return await house.ask(
        "GET", f"/admin/traces/{answer.header('x-request-id')}", [house.bearer(key)]
    )


@TENANTS("explain is for operators, of their own tenant")
async def _explain(house: House) -> None:
    plain = house.ask("POST", f"{CHAT}?explain=1", [house.bearer()], said("Why?"))
    await house.refused(plain, 401, 403)
    other = house.ask(
        "POST", f"{CHAT}?explain=1&tenant=a", [house.bearer("operator")], said("Why?")
    )
    told = await other
    assert told.status in (200, 400, 403, 404)
    own = house.ask("POST", f"{CHAT}?explain=1", [house.bearer("operator")], said("Why?"))
    assert told.status != 200 or told.body == (await own).body, "explained as another tenant's"


# ---------------------------------------------------------------- another tenant's things


@TENANTS("stored responses of others")
async def _responses(house: House) -> None:
    stored = await house.ask(
        "POST", "/v1/responses", [house.bearer()], {"model": "big", "input": "!say CANARY-1"}
    )
    id = stored.json["id"]
    for name in ("bob", "ann", "local", "operator"):
        bob = house.bearer(name)
        for method in ("GET", "DELETE"):
            got = await house.ask(method, f"/v1/responses/{id}", [bob])
            if name == "ann":
                continue  # of the same tenant: either is right
            assert got.status == 404, f"{name} {method}: {got}"
        if name == "ann":
            stored = await house.ask(
                "POST",
                "/v1/responses",
                [house.bearer()],
                {"model": "big", "input": "!say CANARY-1"},
            )
            id = stored.json["id"]
            continue
        before = house.spent()
        model = "small" if name == "local" else "big"
        body = {"model": model, "input": "What did I say?", "previous_response_id": id}
        got = await house.ask("POST", "/v1/responses", [bob], body)
        assert got.status in (400, 404) and house.spent() == before, f"{name}: {got}"
        assert "CANARY" not in got.text
    mine = await house.ask("GET", f"/v1/responses/{id}", [house.bearer()])
    assert mine.status == 200 and "CANARY-1" in mine.text, str(mine)


@TENANTS("an idempotency key of another")
async def _idempotent(house: House) -> None:
    line = [("idempotency-key", "the-same")]
    first = await house.chat("!say mine", line)
    assert first.status == 200
    for name in ("bob", "ann"):
        got = await house.chat("!say mine", line, name)
        assert got.status == 200 and not got.header("idempotency-replayed"), f"{name}: {got}"
        other = await house.chat("!say other", [("idempotency-key", f"of-{name}")], name)
        assert other.status == 200, str(other)
    again = await house.chat("!say mine", line)
    assert again.header("idempotency-replayed") == "true"
    assert again.body == first.body
    assert (await house.chat("!say else", line)).status == 422
    local = await house.chat("!say mine", line, "local")
    assert local.status in (403, 404), str(local)


@TENANTS("a kept answer of another")
async def _cached(house: House) -> None:
    line = [("x-shortstop-cache", "use")]
    first = await house.chat("What is the capital of CANARY?", line)
    again = await house.chat("What is the capital of CANARY?", line)
    assert again.header("x-shortstop-target") == "cache", "the test's own cache must work"
    assert first.status == 200
    got = await house.chat("What is the capital of CANARY?", line, "bob")
    assert got.status == 200
    assert got.header("x-shortstop-target") != "cache"
    held = await house.chat("What is the capital of CANARY?", line, "local", model="auto")
    assert held.header("x-shortstop-target") != "cache"


@TENANTS("feedback on another's request")
async def _feedback(house: House) -> None:
    done = await house.chat("How good?", model="auto")
    id = done.header("x-request-id")
    for name in ("bob", "local", "operator"):
        got = await house.ask(
            "POST", "/v1/feedback", [house.bearer(name)], {"request_id": id, "score": 0}
        )
        assert got.status == 404, f"{name}: {got}"
    for source in ("judge", "reviewer", "admin"):
        body = {"request_id": id, "score": 0, "source": source}
        got = await house.ask("POST", "/v1/feedback", [house.bearer()], body)
        assert got.status in (400, 403), f"{source}: {got}"
    for odd in ("nan", "Infinity", [], {}, "high"):
        body = {"request_id": id, "score": odd}
        got = await house.ask("POST", "/v1/feedback", [house.bearer()], body)
        assert got.status == 400, f"{odd!r} is no score: {got}"
    mine = await house.ask("POST", "/v1/feedback", [house.bearer()], {"request_id": id, "score": 1})
    assert mine.status == 200, str(mine)


@TENANTS("a run of another")
async def _run(house: House) -> None:
    lines = [("x-shortstop-run", "shared-name"), ("x-shortstop-run-max-steps", "1")]
    assert (await house.chat("Step one.", lines)).status == 200
    assert (await house.chat("Step two.", lines)).status == 429
    named = [("x-shortstop-run", "shared-name")]
    assert (await house.chat("Step one.", named, "bob")).status == 200
    body = {"run": "shared-name-2", "score": 0}
    await house.chat("Step one.", [("x-shortstop-run", "shared-name-2")])
    got = await house.ask("POST", "/v1/feedback", [house.bearer("bob")], body)
    assert got.status == 404, str(got)


@TENANTS("a conversation of another")
async def _conversation(house: House) -> None:
    line = [("x-shortstop-conversation", "c-1")]
    await house.chat("My IBAN is DE89370400440532013000.", line, model="auto")
    got = await house.chat("Hello there.", line, "bob")
    assert got.status == 200 and got.header("x-shortstop-target") == "big", str(got)
    erased = await house.ask("DELETE", "/admin/conversations/a/c-1", [house.bearer("bob")])
    assert erased.status in (401, 403)


@TENANTS("rows of another")
async def _rows(house: House) -> None:
    done = await house.chat("!say CANARY-ROW")
    for key in ("bob", "viewer", "operator"):
        for path in ("/admin/traces?tenant=a", "/admin/traces/export?format=jsonl&tenant=a"):
            got = await house.ask("GET", path, [house.bearer(key)])
            assert got.status in (400, 401, 403) or "CANARY-ROW" not in got.text, f"{key}: {got}"
            assert done.header("x-request-id") not in got.text
        assert (await _row(house, done, key)).status in (401, 403, 404)


# ---------------------------------------------------------------- files and batches


def _form(*parts: tuple[str, bytes], boundary: str = "bound", end: bytes = b"--") -> bytes:
    mark = f"--{boundary}".encode()
    made = b"".join(
        mark
        + b"\r\ncontent-disposition: form-data; "
        + name.encode()
        + b"\r\n\r\n"
        + content
        + b"\r\n"
        for name, content in parts
    )
    return made + mark + end + b"\r\n"


def _line(id: str, url: str = CHAT, method: str = "POST", **more: object) -> bytes:
    body = {**said("In a batch"), **more}
    return (
        json.dumps({"custom_id": id, "method": method, "url": url, "body": body}).encode() + b"\n"
    )


BATCH = ('name="purpose"', b"batch")


def _file(content: bytes, name: str = "in.jsonl") -> tuple[str, bytes]:
    return (f'name="file"; filename="{name}"', content)


async def _upload(house: House, content: bytes, key: str = "alice", kind: str = "") -> Reply:
    line = ("content-type", kind or "multipart/form-data; boundary=bound")
    return await house.ask("POST", "/v1/files", [house.bearer(key), line], content)


@TENANTS("files of another")
async def _files(house: House) -> None:
    made = await _upload(house, _form(BATCH, _file(_line("CANARY-FILE"))))
    assert made.status == 200, str(made)
    id = made.json["id"]
    for name in ("bob", "ann", "operator"):
        key = house.bearer(name)
        for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            got = await house.ask(method, f"/v1/files/{id}{path}", [key])
            assert got.status == 404, f"{name} {method} {path}: {got}"
        listed = await house.ask("GET", f"/v1/files?after={id}", [key])
        assert id not in (await house.ask("GET", "/v1/files", [key])).text
        assert listed.status in (200, 400, 404)
        body = {"input_file_id": id, "endpoint": CHAT, "completion_window": "24h"}
        got = await house.ask("POST", "/v1/batches", [key], body)
        assert got.status in (400, 404), f"{name}: {got}"
    body = {"input_file_id": id, "endpoint": CHAT, "completion_window": "24h"}
    batch = await house.ask("POST", "/v1/batches", [house.bearer()], body)
    assert batch.status == 200, str(batch)
    for name in ("bob", "ann"):
        for method, path in (("GET", ""), ("POST", "/cancel")):
            got = await house.ask(
                method, f"/v1/batches/{batch.json['id']}{path}", [house.bearer(name)]
            )
            assert got.status == 404, f"{name} {method} {path}: {got}"
        listed = await house.ask("GET", "/v1/batches", [house.bearer(name)])
        assert batch.json["id"] not in listed.text
    done = await _ended(house, batch.json["id"])
    assert done["status"] == "completed", done
    output = await house.ask(
        "GET", f"/v1/files/{done['output_file_id']}/content", [house.bearer("bob")]
    )
    assert output.status == 404


async def _ended(house: House, id: str, key: str = "alice") -> dict[str, object]:
    while True:
        got = (await house.ask("GET", f"/v1/batches/{id}", [house.bearer(key)])).json
        if got["status"] not in ("validating", "in_progress", "finalizing"):
            return dict(got)
        await asyncio.sleep(0.05)


for _name, _content in {
    "an administrator's route": _line("a", "/admin/keys"),
    "a way up": _line("a", "/v1/../admin/keys"),
    "another server": _line("a", "http://evil.example/v1/chat/completions"),
    "another route than the batch's": _line("a", "/v1/embeddings"),
    "GET": _line("a", method="GET"),
    "a stream": _line("a", stream=True),
    "an id twice": _line("a") + _line("a"),
    "no JSON": b"nothing\n",
    "a list": b"[]\n",
    "depth": b"[" * 100_000 + b"\n",
    "bytes that are no text": b"\xff\xfe\n",
    "an id of an object": b'{"custom_id":{},"url":"/v1/chat/completions","body":{}}\n',
    "a body of a string": b'{"custom_id":"a","url":"/v1/chat/completions","body":"a"}\n',
    "no lines": b"\n\n",
    "a model nobody knows": _line("a", model="nobody"),
}.items():

    @TENANTS(f"a batch line with {_name}")
    async def _batch_line(house: House, content: bytes = _content) -> None:
        before = house.spent()
        made = await _upload(house, _form(BATCH, _file(content)))
        if made.status != 200:
            assert made.status == 400, str(made)
            return
        body = {"input_file_id": made.json["id"], "endpoint": CHAT, "completion_window": "24h"}
        batch = await house.ask("POST", "/v1/batches", [house.bearer()], body)
        if batch.status != 200:
            assert batch.status == 400, str(batch)
            return
        done = await _ended(house, batch.json["id"])
        assert done["status"] == "failed" and house.spent() == before, done


@TENANTS("a batch asks no model that its key may not")
async def _batch_models(house: House) -> None:
    before = len(house.gateway.frontier.received)
    made = await _upload(house, _form(BATCH, _file(_line("a"))), "local")
    body = {"input_file_id": made.json["id"], "endpoint": CHAT, "completion_window": "24h"}
    batch = await house.ask("POST", "/v1/batches", [house.bearer("local")], body)
    if batch.status == 200:
        done = await _ended(house, batch.json["id"], "local")
        counts = done["request_counts"]
        assert done["status"] == "failed" or counts["failed"] == 1, done  # type: ignore[index]
    assert len(house.gateway.frontier.received) == before


GOOD = _file(_line("a"))
for _name, _kind, _content, _right in (
    ("no boundary", "multipart/form-data", _form(BATCH, GOOD), (400, 415)),
    ("an empty boundary", "multipart/form-data; boundary=", _form(BATCH, GOOD), (400, 415)),
    (
        "a boundary of 1 kB",
        f"multipart/form-data; boundary={'b' * 1000}",
        _form(BATCH, GOOD, boundary="b" * 1000),
        (200, 400),
    ),
    ("another boundary", "multipart/form-data; boundary=other", _form(BATCH, GOOD), (400,)),
    ("no end", "", _form(BATCH, GOOD, end=b""), (400,)),
    ("no file", "", _form(BATCH), (400,)),
    ("no purpose", "", _form(GOOD), (400,)),
    ("a purpose nobody knows", "", _form(('name="purpose"', b"assistants"), GOOD), (400,)),
    ("a purpose twice", "", _form(BATCH, ('name="purpose"', b"vision"), GOOD), (400,)),
    ("two files", "", _form(BATCH, GOOD, GOOD), (400,)),
    ("a field nobody knows", "", _form(BATCH, ('name="owner"', b"bob"), GOOD), (200, 400)),
    ("an empty file", "", _form(BATCH, _file(b"")), (200, 400)),
    ("a field of 1 MB", "", _form(('name="purpose"', b"b" * 1_000_000), GOOD), (400, 413)),
    (
        "a part's head of 1 MB",
        "",
        _form(BATCH, (f'name="file"; filename="{"a" * 1_000_000}"', b"a")),
        (400, 413),
    ),
    ("a part's head without end", "", b"--bound\r\n" + b"x-a: b\r\n" * 100_000, (400, 413)),
    ("10,000 parts", "", _form(*[(f'name="a{i}"', b"") for i in range(10_000)]), (400, 413)),
    ("JSON", "application/json", json.dumps({"purpose": "batch"}).encode(), (400, 415)),
    ("mixed", "multipart/mixed; boundary=bound", _form(BATCH, GOOD), (400, 415)),
    (
        "a long expiry",
        "",
        _form(
            BATCH,
            ('name="expires_after[anchor]"', b"created_at"),
            ('name="expires_after[seconds]"', b"9" * 30),
            GOOD,
        ),
        (400,),
    ),
    (
        "an expiry below 0",
        "",
        _form(
            BATCH,
            ('name="expires_after[anchor]"', b"created_at"),
            ('name="expires_after[seconds]"', b"-1"),
            GOOD,
        ),
        (400,),
    ),
):

    @TENANTS(f"form: {_name}")
    async def _formed(
        house: House, kind: str = _kind, content: bytes = _content, right: tuple[int, ...] = _right
    ) -> None:
        got = await _upload(house, content, kind=kind)
        assert got.status in right, str(got)


for _name in (
    "../../../../tmp/evil.jsonl",
    "/etc/passwd",
    "..\\..\\evil",
    "a\\",
    "%2e%2e%2fevil",
    "a\0b.jsonl",
    "<script>alert(1)</script>.jsonl",
    "\x1b[31m.jsonl",
    "a" * 5000,
    "",
):

    @TENANTS(f"a file called {_name[:30]!r}")
    async def _file_name(house: House, name: str = _name) -> None:
        got = await _upload(house, _form(BATCH, _file(_line("a"), name)))
        assert got.status in (200, 400), str(got)
        assert b"\x1b" not in got.body
        assert b"\0" not in got.body
        outside = [p for p in house.gateway.home.parent.iterdir() if "evil" in p.name]
        assert outside == []
        inside = [
            p.name for p in house.gateway.home.rglob("*") if "evil" in p.name or "script" in p.name
        ]
        assert inside == []


for _id in (
    "../traces.db",
    "..%2f..%2ftraces.db",
    "%2e%2e",
    "file-%00",
    "' OR 1=1 --",
    "*",
    "%",
    "a" * 5000,
):

    @TENANTS(f"an id {_id[:20]!r}")
    async def _odd_id(house: House, id: str = _id) -> None:
        told = id.replace(" ", "%20")
        for path in (
            f"/v1/files/{told}/content",
            f"/v1/files/{told}",
            f"/v1/batches/{told}",
            f"/v1/responses/{told}",
            f"/v1/models/{told}",
        ):
            got = await house.ask("GET", path, [house.bearer()])
            assert 400 <= got.status < 500, f"{path[:40]}: {got}"
            assert b"SQLite" not in got.body


@TENANTS("another type where a form is not expected")
async def _form_at_chat(house: House) -> None:
    line = ("content-type", "multipart/form-data; boundary=bound")
    await house.refused(house.ask("POST", CHAT, [house.bearer(), line], _form(BATCH, GOOD)), 415)
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/jsonl",
    ):
        asked = house.ask(
            "POST", CHAT, [house.bearer(), ("content-type", kind)], json.dumps(said("a")).encode()
        )
        await house.refused(asked, 415)
    for kind in ("application/json; charset=utf-16", "APPLICATION/JSON", "application/vnd.x+json"):
        got = await house.ask(
            "POST", CHAT, [house.bearer(), ("content-type", kind)], json.dumps(said("a")).encode()
        )
        assert got.status == 200, f"{kind}: {got}"
    assert JSON
