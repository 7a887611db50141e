"""What headers say of a caller: read narrowly, and never written down as the client wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.server.caller import (
    MAX_FORWARDED,
    caller_of,
    conversation_id,
    conversation_in,
    with_betas,
    with_headers,
)
from shortstop.types import UNNAMED, Caller, Message, Request, Text

CALLER = Caller(tenant="acme", key="key_1", targets=frozenset(["small"]), role="judge")


def request(*texts: str) -> Request:
    """A dialogue: system, user, assistant, user, ..."""
    roles = ("system", "user", "assistant", "user", "assistant")
    messages = tuple(Message(role, (Text(text),)) for role, text in zip(roles, texts, strict=False))
    return Request("r", "openai.chat", {}, "auto", messages)


def test_a_caller_stays_who_it_is() -> None:
    headers = {b"x-shortstop-conversation": b"c", b"x-shortstop-task": b"sort mail"}
    named = caller_of(CALLER, headers, request("s", "u"))
    assert named.task == "sort mail"
    assert replace(named, conversation=None, task=None) == CALLER
    assert caller_of(CALLER, {}, request("s", "u")).task is None


@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_a_conversations_name_is_known_by_its_digest_alone(name: str) -> None:
    id = conversation_id(name)
    assert id == conversation_id(name)
    assert len(id) == 24
    assert int(id, 16) >= 0
    assert id != conversation_id(name + " ")


def test_a_named_conversation_is_one_whatever_is_said_in_it() -> None:
    headers = {b"x-shortstop-conversation": b" Jane Doe's divorce "}
    ids = {caller_of(CALLER, headers, request("s", text)).conversation for text in ("a", "b")}
    assert ids == {conversation_id("Jane Doe's divorce")}
    assert conversation_in({}) is None
    assert conversation_in({b"x-shortstop-conversation": b"  "}) is None


def test_an_unnamed_conversation_is_known_by_its_opening() -> None:
    def id(*texts: str) -> str:
        conversation = caller_of(CALLER, {}, request(*texts)).conversation
        assert conversation is not None
        assert conversation.startswith(UNNAMED)
        return conversation

    opening = id("system", "hello")
    assert id("system", "hello", "hi", "how are you?") == opening
    assert id("system", "other") != opening
    assert id("other", "hello") != opening
    assert id("systemhello", "") != opening, "the border between messages counts"


@pytest.mark.parametrize(
    ("value", "task"),
    [(b"", None), (b"  ", None), (b" mail ", "mail"), (b"x" * 500, "x" * 128), (b"\xe9", "é")],
)
def test_a_task_is_short_text(value: bytes, task: str | None) -> None:
    assert caller_of(CALLER, {b"x-shortstop-task": value}, request("s", "u")).task == task


def betas(header: bytes) -> tuple[str, ...]:
    messages = replace(request("s", "u"), dialect="anthropic.messages")
    assert with_betas(request("s", "u"), {b"anthropic-beta": header}).betas == ()
    return with_betas(messages, {b"anthropic-beta": header}).betas


def test_betas_are_passed_on_once_and_in_order() -> None:
    plain = request("s", "u")
    assert with_betas(plain, {}) is plain
    names = "output-128k-2025-02-19", "context-management-2025-06-27"
    assert betas(", ".join([*names, names[0]]).encode()) == names
    many = [f"beta-{chr(97 + i)}{chr(97 + j)}-2025-01-01" for i in range(8) for j in range(8)]
    assert betas(",".join(many).encode()) == tuple(many[:32])


def test_only_named_headers_are_passed_on() -> None:
    asked, names = request("s", "u"), frozenset([b"traceparent", b"x-source"])
    headers = {b"traceparent": b" 00-1 ", b"x-other": b"no", b"authorization": b"Bearer sk"}
    assert with_headers(asked, headers, names).headers == {"traceparent": "00-1"}
    assert with_headers(asked, {}, names) is asked
    assert with_headers(asked, headers, frozenset()) is asked


@pytest.mark.parametrize(
    "value", [b"", b"  ", b"caf\xe9", b"a\tb", b"a\x00b", b"x" * (MAX_FORWARDED + 1)]
)
def test_what_no_header_should_hold_is_left_out(value: bytes) -> None:
    asked = request("s", "u")
    assert with_headers(asked, {b"traceparent": value}, [b"traceparent"]) is asked


@pytest.mark.parametrize(
    "header",
    [
        b"jane.doe@example.org",
        b"AKIAQ3EGRV5XKJ2HNW7T",
        b"akiaq3egrv5xkj2hnw7t-2025-01-01",
        b"4111111111111111-2025-01-01",
        b"fine-2025-01-01 Jane Doe",
        b"fine-2025",
        b"",
    ],
)
def test_what_has_no_betas_shape_goes_nowhere(header: bytes) -> None:
    assert betas(header) == ()


@given(st.binary(max_size=200))
def test_any_header_is_read_without_an_error(value: bytes) -> None:
    headers = dict.fromkeys(
        (b"x-shortstop-conversation", b"x-shortstop-task", b"anthropic-beta"), value
    )
    caller_of(CALLER, headers, request("s", "u"))
    with_betas(request("s", "u"), headers)


@pytest.mark.parametrize(
    ("headers", "body", "user", "tag"),
    [
        ({b"x-shortstop-user": b"ana", b"x-shortstop-tag": b"shop"}, {}, "ana", "shop"),
        ({}, {"user": "bo"}, "bo", None),
        ({}, {"metadata": {"user_id": "cy", "tags": "shop, web"}}, "cy", "shop"),
        ({b"x-shortstop-user": b"ana"}, {"user": "bo", "metadata": {"tag": "x"}}, "ana", "x"),
        ({}, {"metadata": {"user_id": 7, "tags": [], "tag": None}}, None, None),
        ({b"x-shortstop-tag": b" " * 9}, {"user": "u" * 500}, "u" * 128, None),
    ],
)
def test_for_whom_and_under_which_tag(
    headers: dict[bytes, bytes], body: dict[str, object], user: str | None, tag: str | None
) -> None:
    named = caller_of(CALLER, headers, replace(request("s", "u"), **body))
    assert (named.user, named.tag) == (user, tag)
