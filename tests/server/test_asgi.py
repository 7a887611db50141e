"""Dispatch: our own routes first, mounted applications by prefix, and nothing in between."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from shortstop import dialects
from shortstop.config import ServerConfig
from shortstop.server.asgi import create, first_segment, plain

SITE = "https://app.example"


class Answer:
    def __init__(self, messages: list[Message]) -> None:
        head, *rest = messages
        self.status: int = head["status"]
        self.headers = {name.decode(): value.decode() for name, value in head["headers"]}
        self.body = b"".join(message.get("body", b"") for message in rest)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def call(
    app: ASGIApp,
    path: str,
    method: str = "GET",
    query: bytes = b"",
    host: str = "gateway",
    **headers: str,
) -> Answer:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [
            (b"host", host.encode()),
            (b"origin", SITE.encode()),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        ],
        "server": ("gateway", 80),
        "client": ("127.0.0.1", 1),
        "scheme": "http",
    }
    await app(scope, receive, send)
    return Answer(messages)


def gateway(**server: Any) -> Any:
    refused: list[int] = []
    settings = {"allowed_hosts": ("gateway",), "cors_origins": (SITE,), **server}
    return SimpleNamespace(
        server=ServerConfig(**settings),
        dialect=dialects.get,
        refused=refused.append,
        follow=lambda load: None,
    )


async def show(request: Request) -> Response:
    """Where the application believes to be, and which of its pages was asked for."""
    return JSONResponse(
        {
            "root": request.scope["root_path"],
            "page": request.path_params.get("page", ""),
            "link": str(request.url_for("page", page="other")),
            "query": request.url.query,
        }
    )


PANEL = Starlette(routes=[Route("/", show), Route("/{page}", show, name="page")])


@pytest.fixture
def app() -> ASGIApp:
    return create(gateway(), {"/panel": PANEL})


async def test_a_mounted_application_sees_its_own_paths(app: ASGIApp) -> None:
    answer = await call(app, "/panel/keys", query=b"a=b")
    assert answer.status == 200
    link = "http://gateway/panel/other"
    assert answer.json == {"root": "/panel", "page": "keys", "link": link, "query": "a=b"}
    assert answer.headers["x-request-id"].startswith("req_")
    assert (await call(app, "/panel/")).json["page"] == ""
    assert (await call(app, "/panel/keys", "POST")).status == 405, "its own answer"
    assert (await call(app, "/panel/a/b")).body == b"Not Found", "its own answer"


async def test_the_prefix_alone_leads_to_the_directory(app: ASGIApp) -> None:
    answer = await call(app, "/panel")
    assert answer.status in (301, 307, 308)
    assert answer.headers["location"] == "/panel/"


async def test_only_the_prefix_itself_is_taken(app: ASGIApp) -> None:
    for path in ("/panels", "/v1/panel", "/v1/panel/keys", "/pane", "/keys"):
        answer = await call(app, path)
        assert answer.status == 404
        assert answer.json["error"]["code"] == "not_found"
    assert (await call(app, "/health")).status == 200
    assert (await call(app, "/chat/completions")).status == 405


async def test_several_applications(app: ASGIApp) -> None:
    both = create(gateway(), {"/one": PANEL, "/two": PANEL})
    for prefix in ("/one", "/two"):
        assert (await call(both, f"{prefix}/x")).json["root"] == prefix


async def test_browsers_may_read_a_mounted_applications_answers() -> None:
    app = create(gateway(), {"/panel": PANEL})
    headers = (await call(app, "/panel/x")).headers
    assert headers["access-control-allow-origin"] == SITE
    assert "x-request-id" in headers["access-control-expose-headers"]


PREFLIGHT = {"access_control_request_method": "POST", "access_control_request_headers": "x"}


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/models", "/nowhere", "/panel/x"])
async def test_a_named_page_gets_leave_under_our_own_name_only(app: ASGIApp, path: str) -> None:
    given = await call(app, path, "OPTIONS", **PREFLIGHT)
    assert given.status == 200
    assert given.headers["access-control-allow-origin"] == SITE
    for host in ("evil.com", "gateway.evil.com", "", "a@gateway"):
        refused = await call(app, path, "OPTIONS", host=host, **PREFLIGHT)
        assert refused.status in (400, 403)
        assert not any(name.startswith("access-control") for name in refused.headers)


@pytest.mark.parametrize("path", ["/admin/keys", "/v1/admin/keys", "/admin/", "/admin/reload"])
async def test_a_named_page_gets_no_leave_to_administer(app: ASGIApp, path: str) -> None:
    for method in ("OPTIONS", "GET", "POST", "DELETE", "HEAD", "BREW"):
        refused = await call(app, path, method, **PREFLIGHT)
        assert refused.status == 403
        assert not any(name.startswith("access-control") for name in refused.headers)


async def test_a_refusal_can_be_read_by_a_named_page(app: ASGIApp) -> None:
    refused = await call(app, "/chat/completions", "POST", content_length="5")
    assert refused.status == 415
    assert refused.headers["access-control-allow-origin"] == SITE


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "/",
        "/console",
        "panel",
        "/panel/",
        "/a/b",
        "/v1",
        "/models",
        "/admin",
        "/chat",
        "/responses",
    ],
)
def test_nothing_is_mounted_over_our_own_routes(prefix: str) -> None:
    with pytest.raises(ValueError, match="mounted"):
        create(gateway(), {prefix: PANEL})


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/v1/models/", "/models"),
        ("/models", "/models"),
        ("/v1", "/v1"),
        ("/", "/"),
        ("///", "/"),
        ("/v1/v1/models", "/v1/models"),
        ("/v10/models", "/v10/models"),
    ],
)
def test_paths_without_the_version(path: str, short: str) -> None:
    assert plain(path) == short


def test_first_segments() -> None:
    assert [first_segment(path) for path in ("/a/b", "/a", "a/b", "/", "")] == [
        "/a", "/a", "/a", "/", "/",
    ]  # fmt: skip
