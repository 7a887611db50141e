"""Inline images stay, unless a policy lets them go; what stands around them is always read."""

from __future__ import annotations

import base64

import pytest

from shortstop.config import PrivacyConfig, PrivacyPolicy
from shortstop.dialects import get, redecoded, wire_words
from shortstop.privacy import BodyFormat, PrivacyGuard, ephemeral_guard
from shortstop.privacy.images import without_images
from shortstop.types import Caller, Clearance, Json, Reach, Target

WORDS = wire_words()
PIXELS = base64.b64encode(bytes(range(256)) * 8).decode()
BIG = Target("big", "big", False, "vendor", 128_000)


def guard(images: str) -> PrivacyGuard:
    policy = PrivacyPolicy(images=images)
    config = PrivacyConfig(policies={"default": policy})
    return ephemeral_guard(config, BodyFormat(redecoded, WORDS))


def chat(text: str, url: str = f"data:image/png;base64,{PIXELS}") -> Json:
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    return {"model": "auto", "messages": [{"role": "user", "content": parts}]}


def claude(text: str) -> Json:
    source = {"type": "base64", "media_type": "image/png", "data": PIXELS}
    parts = [{"type": "text", "text": text}, {"type": "image", "source": source}]
    message = {"role": "user", "content": parts}
    return {"model": "auto", "max_tokens": 9, "messages": [message]}


def judged(body: Json, dialect: str, images: str) -> tuple[Clearance, PrivacyGuard, object]:
    judge = guard(images)
    request = get(dialect).decode_request(body, "r1")
    return judge.clear(request, Caller()), judge, request


@pytest.mark.parametrize(
    ("body", "dialect"), [(chat, "openai.chat"), (claude, "anthropic.messages")]
)
def test_an_image_leaves_only_where_the_policy_lets_it(body: object, dialect: str) -> None:
    asked = body("what is this?")
    pinned, _, _ = judged(asked, dialect, "pin")
    assert pinned.reach >= Reach.LOCAL_ONLY
    free, judge, request = judged(asked, dialect, "allow")
    assert free.reach == Reach.ANYWHERE
    assert judge.release(request, free, BIG).request.body == asked, "untouched"


@pytest.mark.parametrize(
    ("body", "dialect"), [(chat, "openai.chat"), (claude, "anthropic.messages")]
)
def test_what_stands_beside_it_is_read(body: object, dialect: str) -> None:
    asked = body("my key is AKIAQ3EGRXQPZ7WJ2YHT")
    assert judged(asked, dialect, "allow")[0].reach >= Reach.LOCAL_ONLY


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{PIXELS}?key=AKIAQ3EGRXQPZ7WJ2YHT",
        f"data:text/plain;base64,{base64.b64encode(b'key AKIAQ3EGRXQPZ7WJ2YHT').decode()}",
        "https://h.example/i.png?k=AKIAQ3EGRXQPZ7WJ2YHT",
        f"data:application/pdf;base64,{PIXELS}",
    ],
)
def test_what_is_no_image_is_none(url: str) -> None:
    assert judged(chat("see", url), "openai.chat", "allow")[0].reach >= Reach.LOCAL_ONLY


def test_only_the_data_is_left_out() -> None:
    body = claude("hello")
    assert without_images(body, WORDS)["messages"][0]["content"][0] == {
        "type": "text",
        "text": "hello",
    }
    named = {"type": "base64", "media_type": "text/plain", "data": PIXELS}
    assert without_images(named, WORDS) == named
