"""The way out as its table says: addresses, headers, queries, trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shortstop.config import UpstreamConfig, UpstreamModel
from shortstop.dialects import Vendor
from shortstop.errors import ConfigError
from shortstop.serving.outward import (
    base_of,
    doubts,
    egress_for,
    lister_for,
    place_of,
    tls_of,
    way_of,
)
from shortstop.serving.upstreams import dialect_of, vendor_of
from shortstop.types import Clearance, Cleared, Message, Reach, Request, Text, Tier
from tests.certificates import Authority
from tests.server.scripted import ScriptedModel

ASKED = Cleared(
    Request("r", "openai.chat", {}, "auto", (Message("user", (Text("hi"),)),)),
    Clearance(Tier.S0, Reach.ANYWHERE),
    "far",
)


def upstream(url: str = "https://h", **more: Any) -> UpstreamConfig:
    return UpstreamConfig(base_url=url, models={"far": UpstreamModel()}, **more)


def vendor(dialect: str = "openai") -> Vendor:
    return vendor_of(dialect_of(upstream(dialect=dialect), name="acme"))


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("dialect", "url", "asked"),
    [
        ("openai", "https://h", "https://h/v1/chat/completions"),
        ("openai", "https://h/", "https://h/v1/chat/completions"),
        ("openai", "https://h/v1", "https://h/v1/chat/completions"),
        ("openai", "https://h/v1/", "https://h/v1/chat/completions"),
        ("openai", "https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("openai", "https://h/v1/chat/completions/", "https://h/v1/chat/completions"),
        ("openai", "https://h/a/b", "https://h/a/b/chat/completions"),
        ("openai", "https://h/a/b/", "https://h/a/b/chat/completions"),
        (
            "openai",
            "https://h:8443/v1beta/openai/",
            "https://h:8443/v1beta/openai/chat/completions",
        ),
        ("openai", "http://[::1]:8000", "http://[::1]:8000/v1/chat/completions"),
        ("anthropic", "https://h", "https://h/v1/messages"),
        ("anthropic", "https://h/v1/", "https://h/v1/messages"),
        ("anthropic", "https://h/a/v1/messages", "https://h/a/v1/messages"),
        ("responses", "https://h/v1/responses", "https://h/v1/responses"),
        ("responses", "https://h", "https://h/v1/responses"),
    ],
)
def test_a_path_and_a_slash_may_be_there_or_not(dialect: str, url: str, asked: str) -> None:
    assert base_of(url, vendor(dialect)) + vendor(dialect).path == asked
    assert place_of(url, vendor(dialect), "m") == ""


@pytest.mark.parametrize(
    ("url", "model", "asked"),
    [
        ("https://h/openai/deployments/{model}", "gpt-6", "/openai/deployments/gpt-6"),
        ("https://h/openai/deployments/{model}/", "gpt-6", "/openai/deployments/gpt-6"),
        (
            "https://h/openai/deployments/{model}/chat/completions",
            "a/b",
            "/openai/deployments/a%2Fb",
        ),
        ("https://h/{model}/v1", "../x?", "/..%2Fx%3F/v1"),
    ],
)
def test_a_model_may_have_an_address_of_its_own(url: str, model: str, asked: str) -> None:
    base = base_of(url, vendor())
    assert base + place_of(url, vendor(), model) == f"https://h{asked}"


def test_a_query_of_the_address_stays() -> None:
    url = "https://h/openai/deployments/{model}?api-version=1"
    assert base_of(url, vendor()) == "https://h/openai/deployments?api-version=1"


# ---------------------------------------------------------------- what is sent


async def heads(env: dict[str, str] | None = None, path: str = "", **more: Any) -> list[str]:
    """The first lines and headers of an answer's request and of a list's."""
    async with ScriptedModel("far").running() as model:
        config = upstream(model.url + path, **more)
        way = egress_for(config, vendor(), env or {}, name="acme")
        await way.post(ASKED, "/chat/completions", lambda _: b'{"messages":[{"content":"!say x"}]}')
        await way.close()
    return model.received[0].split(b"\r\n\r\n")[0].decode().split("\r\n")


async def test_queries_are_added_to_every_request() -> None:
    added = {"api-version": "2026-10-21", "a b": "c&d"}
    lines = await heads(path="/openai/v1?tier=1", query=added)
    path = "/openai/v1/chat/completions?tier=1&api-version=2026-10-21&a+b=c%26d"
    assert lines[0] == f"POST {path} HTTP/1.1"


async def test_headers_are_added_and_filled_from_the_environment() -> None:
    lines = await heads(
        {"KEY": "sk-1", "APIM": "apim-2", "BASIC": "YTpi"},
        api_key_env="KEY",
        headers={
            "Ocp-Apim-Subscription-Key": "$APIM",
            "authorization": "Basic $BASIC",
            "x-team": "search, $5 a day",
            "User-Agent": "acme/1",
        },
    )
    assert "ocp-apim-subscription-key: apim-2" in lines
    assert "authorization: Basic YTpi" in lines
    assert "x-team: search, $5 a day" in lines
    assert "user-agent: acme/1" in lines
    assert not any("sk-1" in line or "shortstop" in line for line in lines), "replaced, not doubled"


@pytest.mark.parametrize("value", [None, "", "two words", "line\r\nbreak", "'quoted'"])
async def test_a_variable_that_is_not_usable_is_named_and_not_shown(value: str | None) -> None:
    env = {} if value is None else {"APIM": value}
    with pytest.raises(ConfigError, match="APIM") as raised:
        await heads(env, headers={"x-key": "$APIM"})
    assert not value or value not in str(raised.value)


async def test_a_list_of_models_takes_the_same_way(tmp_path: Path) -> None:
    config = upstream("http://h", socket="/run/s", headers={"x-team": "a"}, query={"v": "1"})
    lister = lister_for(config, vendor(), {}, name="acme")
    assert lister._client.base_url == "http://h/v1?v=1"
    assert "x-team: a\r\n" in lister._client._head
    proxied = way_of(upstream("http://h"), {"HTTP_PROXY": "http://p:1"}, name="acme")
    assert str(proxied.proxy) == "http://p:1"


# ---------------------------------------------------------------- trust


def test_whom_to_trust_is_only_asked_where_there_is_tls(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    assert tls_of(upstream("https://h"), {}, name="x") is None, "the system's list"
    assert tls_of(upstream("http://h", ca_file="/gone"), {}, name="x") is None
    own = tls_of(upstream("HTTPS://h", ca_file=str(ca.file)), {}, name="x")
    assert own is not None
    assert [c["subject"] for c in own.get_ca_certs()] == [((("commonName", "Test CA"),),)]
    with pytest.raises(ConfigError, match=r"`upstreams\.x\.ca_file`: cannot read /gone"):
        tls_of(upstream("https://h", ca_file="/gone"), {}, name="x")


def test_the_environments_bundle_adds_to_the_systems(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    context = tls_of(upstream("https://h"), {"SSL_CERT_FILE": str(ca.file)}, name="x")
    assert context is not None
    assert ((("commonName", "Test CA"),),) in [c["subject"] for c in context.get_ca_certs()]


def test_what_has_expired_is_said_before_it_is_needed(tmp_path: Path) -> None:
    old, good = Authority(tmp_path, "Old CA", days=-3), Authority(tmp_path, "Good CA")
    cert, key = map(str, good.sign(called="us", days=-1))
    config = upstream(ca_file=str(old.file), client_cert=cert, client_key=key)
    lines = list(doubts(config, name="x"))
    assert len(lines) == 2
    assert "upstreams.x.ca_file" in lines[0]
    assert "has expired on" in lines[1]
    both = tmp_path / "both.pem"
    both.write_bytes(old.file.read_bytes() + good.file.read_bytes())
    assert list(doubts(upstream(ca_file=str(both)), name="x")) == [], "one of them is good"
    assert list(doubts(upstream(), name="x")) == []
