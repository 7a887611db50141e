"""The one estimate of tokens: everything that is sent counts, and it is marked as a guess."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop import tokens
from shortstop.tokens import (
    IMAGE_TOKENS,
    assumed_usage,
    estimated_usage,
    prompt_tokens,
    reply_tokens,
    text_tokens,
    written,
)
from shortstop.types import (
    Choice,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Reply,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)


def request(*parts: Part, **changes: Any) -> Request:
    base = Request("r", "openai.chat", {}, "auto", (Message("user", parts),))
    return replace(base, **changes)


def reply(*choices: tuple[Part, ...]) -> Reply:
    return Reply("r", "m", tuple(Choice(index=i, parts=p) for i, p in enumerate(choices)))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("We called the emergency number twice, but nobody came.", 11),
        ("Wir haben zweimal die Notfallnummer angerufen.", 10),
        ("Мы дважды звонили в аварийную службу.", 13),
        ("我们打了两次紧急电话,但是没有人来。", 15),
        ("緊急の電話番号に二回かけましたが、誰も来ませんでした。", 21),
        ('{"type": "object", "properties": {}}', 11),
    ],
)
def test_tokens_are_counted_by_the_script(text: str, tokens: int) -> None:
    """The counts are those of a vocabulary of 131,000 tokens for many languages."""
    assert prompt_tokens(request(Text(text))) == pytest.approx(tokens, rel=0.25, abs=1)
    assert reply_tokens(reply((Text(text),))) == prompt_tokens(request(Text(text)))
    assert prompt_tokens(request(Text(text)), 3.5) == int(len(text.encode()) / 3.5) or len(text) < 4


def test_tools_and_their_schemas_count() -> None:
    tool = Tool("pay", "Pays a bill.", {"type": "object", "properties": {"n": {"type": "number"}}})
    assert prompt_tokens(request(Text("x"), tools=(tool,))) > 15


def test_an_image_counts_as_many_tokens_as_the_caller_says() -> None:
    image = Media("image", url="https://example.com/a.png")
    assert prompt_tokens(request(image)) == IMAGE_TOKENS
    assert prompt_tokens(request(image, image), image_tokens=3000) == 6000


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Text("a"), "a"),
        (Thinking("hm", "signature"), "hm"),
        (Refusal("no"), "no"),
        (ToolCall("c", "pay", '{"n":1}'), 'pay {"n":1}'),
        (ToolResult("c", (Text("a"), Text("b"))), "a\nb"),
        (Opaque("openai.chat", {"x": 1}), "{'x': 1}"),
    ],
)
def test_every_part_is_written_out(part: Part, text: str) -> None:
    assert written(part) == text


def test_usage_that_nobody_reports_is_marked_as_an_estimate() -> None:
    asked = request(Text("l" * 41))
    assert estimated_usage(asked, None) == Usage(input=15, output=0, estimated=True)
    used = estimated_usage(asked, reply((Text("l" * 70),), (Text("l" * 35),)))
    assert used == Usage(input=15, output=38, estimated=True)


def test_calls_and_thinking_are_output_too() -> None:
    answer = reply((Thinking("l" * 35), ToolCall("c", "pay", "{" + "l" * 30)))
    assert estimated_usage(request(Text("x")), answer).output == 24


@pytest.mark.parametrize(
    ("sampling", "output"),
    [(Sampling(), 150), (Sampling(max_tokens=40), 40), (Sampling(max_tokens=40, n=3), 120)],
)
def test_no_answer_is_longer_than_the_request_allows(sampling: Sampling, output: int) -> None:
    used = assumed_usage(request(Text("l" * 70), sampling=sampling), 150)
    assert used == Usage(input=25, output=output, estimated=True)


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_is_never_fewer_tokens(one: str, other: str) -> None:
    both = prompt_tokens(request(Text(one), Text(other)))
    assert both >= max(prompt_tokens(request(Text(one))), prompt_tokens(request(Text(other))))
    assert both <= prompt_tokens(request(Text(one))) + prompt_tokens(request(Text(other))) + 1


@pytest.mark.parametrize("text", ["All work, no play: [1] {2}.\n", "Größe 東京 🦀 \t", "\ud800é"])
@pytest.mark.parametrize("times", [1, 40, 9000])
def test_a_long_text_counts_as_its_parts(text: str, times: int) -> None:
    exact = sum(map(tokens._tokens_of, (text * times).encode("utf-8", "replace")))
    assert text_tokens(text * times) == pytest.approx(exact, abs=1)
