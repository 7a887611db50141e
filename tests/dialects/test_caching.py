"""Breakpoints where an agent's requests begin alike, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from shortstop import dialects
from shortstop.dialects.anthropic.caching import EPHEMERAL, MARK, with_breakpoints
from shortstop.types import Json, Party

CLAUDE = dialects.get("anthropic.messages")
LONG = "You are an agent. " * 300
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
DIALOGUE = [
    {"role": "user", "content": "Where is it?"},
    {
        "role": "assistant",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "here"},
]


def sent(
    messages: list[Any], scope: str | None = "", system: Any = LONG, tools: Any = (TOOL,)
) -> Json:
    body = {
        "model": "auto",
        "messages": [{"role": "system", "content": system}, *messages],
        "tools": list(tools),
    }
    request = dialects.get("openai.chat").decode_request(body, "req_1")
    encoded = CLAUDE.encode_request(replace(request, cache_scope=scope), "claude-opus-5-5")
    result: Json = json.loads(encoded)
    return result


def marks(body: Json) -> int:
    return json.dumps(body).count(MARK)


def test_an_agent_s_step_is_marked_at_three_ends() -> None:
    body = sent(DIALOGUE)
    assert body["tools"][-1][MARK] == EPHEMERAL
    assert body["system"][-1][MARK] == EPHEMERAL
    assert body["messages"][-1]["content"][-1][MARK] == EPHEMERAL
    assert marks(body) == 3


def test_the_next_step_begins_with_all_of_the_last_one() -> None:
    more = [*DIALOGUE, {"role": "assistant", "content": "Here."}, {"role": "user", "content": "Ok"}]

    def plain(body: Json) -> str:
        return json.dumps(body).replace(f', "{MARK}": {{"type": "ephemeral"}}', "")

    before, after = sent(DIALOGUE), sent(more)
    assert plain(before["system"]) == plain(after["system"])
    for one, other in zip(before["messages"], after["messages"], strict=False):
        blocks = other["content"]
        text = blocks if isinstance(blocks, list) else [{"type": "text", "text": blocks}]
        mine = one["content"]
        mine = mine if isinstance(mine, list) else [{"type": "text", "text": mine}]
        assert plain(mine) == plain(text)


def test_a_request_alone_is_marked_up_to_its_system_text() -> None:
    body = sent([{"role": "user", "content": "Hello"}])
    assert isinstance(body["messages"][-1]["content"], str)
    assert marks(body) == 2


def test_nothing_is_marked_that_is_short_or_that_nobody_wants_marked() -> None:
    assert marks(sent(DIALOGUE, system="Short.")) == 0
    assert marks(sent(DIALOGUE, scope=None)) == 0


def test_who_marks_places_keeps_them() -> None:
    own = [{"type": "text", "text": LONG, MARK: EPHEMERAL}]
    assert marks(sent(DIALOGUE, system=own)) == 1


def test_a_client_of_the_dialect_itself_is_left_alone() -> None:
    body = {"model": "auto", "max_tokens": 9, "system": LONG, "messages": DIALOGUE[:1]}
    request = replace(CLAUDE.decode_request(body, "req_1"), cache_scope="")
    assert marks(json.loads(CLAUDE.encode_request(request, "claude"))) == 0


def test_tenants_that_share_an_account_share_no_hit() -> None:
    one, other, again = (sent(DIALOGUE, scope=name) for name in ("one", "other", "one"))
    assert one == again
    assert one["system"][0] != other["system"][0]
    assert MARK not in one["tools"][-1], "what comes before the scope is marked by nobody"
    assert "one" not in one["system"][0]["text"], "the vendor is not told who it is"
    assert marks(one) == 2


def test_thinking_cannot_be_marked() -> None:
    thinking = {"type": "thinking", "thinking": LONG, "signature": "s"}
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": [thinking]}]
    assert marks(with_breakpoints({"messages": messages}, "")) == 0


def test_who_asks_survives_privacy_s_rewriting() -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "a"}]}
    request = dialects.get("openai.chat").decode_request(body, "req_1")
    request = replace(request, party=Party("tenant", "key"))
    assert dialects.redecoded(request, body).party == request.party
