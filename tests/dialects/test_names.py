"""Names of tools and ids of calls fit their target, stay apart, and come back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from shortstop.dialects.describe import Limits
from shortstop.dialects.names import ToolNames, fitted_id
from shortstop.types import Choice, Chunk, Reply, Request, Tool, ToolCall, ToolDelta
from tests.dialects.strategies import texts

LIMITS = Limits(tool_name=20, call_id=12, plain_call_ids=True)
FITS = re.compile(r"[a-zA-Z0-9_-]{1,20}")
tools = st.lists(
    st.tuples(st.sampled_from(["", "mcp__a__", "b.c"]), texts | st.just("n" * 30)), unique=True
)


@given(tools)
def test_names_fit_differ_and_come_back(named: list[tuple[str, str]]) -> None:
    offered = tuple(Tool(n, extra={"namespace": space} if space else {}) for space, n in named)
    names = ToolNames.of(Request("r", "openai.chat", {}, "m", (), tools=offered), LIMITS)
    sent = [names.sent[key] for key in named]
    assert len(set(sent)) == len(sent)
    assert all(FITS.fullmatch(name) for name in sent)
    for (namespace, name), called in zip(named, sent, strict=True):
        reply = Reply("", "", (Choice(parts=(ToolCall("c", called, "{}"),)),))
        (part,) = names.reply(reply).choices[0].parts
        assert isinstance(part, ToolCall)
        assert (part.extra.get("namespace") or "", part.name) == (namespace, name)
        (delta,) = names.chunk(Chunk(tools=(ToolDelta(0, "c", called),))).tools
        assert (delta.namespace or "", delta.name) == (namespace, name)


def test_names_that_fit_are_sent_as_they_are() -> None:
    asked = Request("r", "openai.chat", {}, "m", (), tools=(Tool("read_file"),))
    assert ToolNames.of(asked, LIMITS).request(asked) is asked


@given(texts)
def test_an_id_fits_and_is_the_same_each_time(id: str) -> None:
    fitted = fitted_id(id, Limits(call_id=40, plain_call_ids=True))
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", fitted)
    assert fitted == fitted_id(fitted, Limits(call_id=40, plain_call_ids=True))
