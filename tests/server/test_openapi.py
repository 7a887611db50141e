"""The OpenAPI document is true: to the router, and to what a fuzzer finds on a real gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.routing import Route

from shortstop.config import ServerConfig
from shortstop.server.api import api
from shortstop.server.asgi import Dispatcher, plain
from shortstop.server.capacity import Capacity
from shortstop.server.openapi import document
from tests.server.conftest import Gateway, running_gateway
from tests.server.fuzzing import cases_in, fuzz

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = cast(Any, SimpleNamespace(server=ServerConfig()))


async def test_every_route_is_in_the_document_and_nothing_else() -> None:
    routed = {(path, "POST") for path in Dispatcher(NOBODY).hot}
    for route in api(NOBODY, Capacity(ServerConfig)).routes:
        assert isinstance(route, Route)
        path = route.path.replace(":path}", "}")
        routed |= {(path, method) for method in (route.methods or ()) if method != "HEAD"}
    documented = {(plain(path), method.upper()) for path, method, _ in operations()}
    assert documented == routed


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_the_document_is_served(shared_gateway: Gateway) -> None:
    async with shared_gateway.http.get("/openapi.json") as answer:
        assert answer.status == 200
        assert await answer.json() == document()
    async with shared_gateway.http.get("/") as answer:
        assert (await answer.json())["openapi"] == "/openapi.json"


async def test_a_fuzzer_finds_no_crash_and_nothing_undocumented(tmp_path: Path) -> None:
    """Without keys: the one that it makes would lock everybody else out."""
    async with running_gateway(tmp_path, server='auth = "off"') as gateway:
        kept, said = await fuzz(gateway.url, examples=15, seed=20261124)
        assert kept, said[:4000] + "\n...\n" + said[-3000:]
        assert cases_in(said) > 500
        assert b"Traceback" not in gateway.log
        assert b" ERROR " not in gateway.log
