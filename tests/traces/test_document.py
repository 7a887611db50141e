"""The document of a trace: what is written is read back, and so is what earlier versions wrote."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.traces.content import ContentPolicy
from shortstop.traces.document import (
    decode,
    divided,
    emptied,
    encode,
    joined,
    parts,
    place_of,
    without_content,
)
from shortstop.types import (
    Choice,
    Clearance,
    Decision,
    Finding,
    Json,
    Reach,
    Refusal,
    Text,
    Thinking,
    Tier,
    TokenLogprob,
    ToolCall,
    Trace,
    TraceContext,
    Verified,
)
from tests.traces.example import LOCAL, trace

EARLIER = (
    b'{"id":"req_0","at":1795000000.0,"tenant":"acme","dialect":"openai.chat","model":"auto",'
    b'"outcome":"ok","status":200,"stream":false,"seconds":0.1,"clearance":{"tier":0,"reach":0,'
    b'"labels":[],"reasons":[],"policy":"builtin-1","findings":[]},"decision":null,'
    b'"target":"small","local":true,"attempts":[],"first_byte":null,"usage":null,"bill":null,'
    b'"key":null,"conversation":null,"template":"","digest":"d0","request":{"messages":[]},'
    b'"response":{"choices":[{"index":0,"parts":[{"type":"text","text":"Hello.","extra":{}}],'
    b'"finish":"stop","stop_sequence":null,"logprobs":[]}]},"error":null,"version":1}'
)
"""As written before answers were typed."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PARTS = st.one_of(
    st.builds(Text, TEXT),
    st.builds(ToolCall, TEXT, TEXT, TEXT),
    st.builds(Refusal, TEXT),
    st.builds(Thinking, TEXT, signature=st.none() | TEXT),
)
CHOICES = st.lists(
    st.builds(
        Choice,
        index=st.integers(0, 3),
        parts=st.lists(PARTS, max_size=3).map(tuple),
        finish=st.sampled_from(["stop", "length", "tool_calls"]),
        logprobs=st.lists(st.builds(TokenLogprob, TEXT, st.floats(-30, 0)), max_size=3).map(tuple),
    ),
    max_size=2,
).map(tuple)


def written(original: Trace) -> bytes:
    return ContentPolicy(TracesConfig()).seal(original)


@given(st.none() | CHOICES)
def test_what_is_written_is_read_back(choices: tuple[Choice, ...] | None) -> None:
    original = trace(response=choices)
    assert decode(written(original)) == original


def test_a_row_keeps_its_place_in_a_trace_and_its_times() -> None:
    """So that who finds one finds the other."""
    context = TraceContext("4" * 32, "5" * 16, "6" * 16, state="vendor=abc")
    attempt = replace(LOCAL.attempts[0], began=0.02, verified=Verified(0.06, 0.07))
    original = trace(
        "a", trace_context=context, cleared=0.01, decided=0.02, attempts=(attempt,), response=None
    )
    read = decode(written(original))
    assert (read.trace_context, read.cleared, read.decided) == (context, 0.01, 0.02)
    assert read.attempts == (attempt,)


def test_what_earlier_versions_wrote_is_read() -> None:
    found = decode(EARLIER)
    assert (found.id, found.digest, found.request) == ("req_0", "d0", {"messages": []})
    assert found.response is not None
    assert [choice.text for choice in found.response] == ["Hello."]


def test_an_answer_keeps_the_shape_that_earlier_versions_wrote() -> None:
    """So that what reads the file with SQL or another tool goes on reading it."""
    earlier: Json = msgspec.json.decode(EARLIER)
    now: Json = msgspec.json.decode(written(decode(EARLIER)))
    assert now["response"] == earlier["response"]
    assert set(earlier) - set(now) == {"template", "version"}
    assert set(now) - set(earlier) == {
        "run", "run_refusal", "tag", "user", "specialist", "cleared", "decided", "trace_context",
    }  # fmt: skip


def test_an_answer_that_cannot_be_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    tree = msgspec.json.decode(EARLIER) | {"response": {"choices": [{"parts": "none"}]}}
    assert decode(msgspec.json.encode(tree)).response is None
    assert "cannot be read" in caplog.text


def test_an_emptied_document_keeps_its_figures_and_nothing_that_was_said() -> None:
    clearance = Clearance(Tier.S1, Reach.ANYWHERE, findings=(Finding("X", Tier.S1, "x", "$.a"),))
    left = decode(emptied(written(trace(clearance=clearance))))
    assert (left.request, left.response) == (None, None)
    assert left.clearance.findings[0].path == ""
    assert (left.bill, left.attempts) == (LOCAL.bill, LOCAL.attempts)
    assert without_content(written(LOCAL)) == trace(request=None, response=None)


@pytest.mark.parametrize(("shadow", "expected"), [("small", ("small",)), (None, ())])
def test_one_target_that_was_asked_unseen_is_still_known(
    shadow: str | None, expected: tuple[str, ...]
) -> None:
    """Earlier versions asked at most one; everything else of the decision is as it was."""
    decision = Decision(("big", "small"), "mail", 0.6, 0.5, 0.98, "brain-3", shadow=expected)
    whole = written(trace(decision=decision))
    tree = msgspec.json.decode(whole)
    tree["decision"]["shadow"] = shadow
    document = msgspec.json.encode(tree)
    assert decode(document) == decode(whole)
    assert decode(emptied(document)).decision == decision


def test_what_is_no_document_is_refused() -> None:
    for data in (
        b"",
        b"[]",
        b"{}",
        b'{"id": 1}',
        EARLIER.replace(b'"decision":null', b'"decision":5'),
    ):
        with pytest.raises(msgspec.DecodeError):
            decode(data)


@pytest.mark.parametrize(
    "document",
    [
        encode(LOCAL, {"a": "content_file"}, None),
        encode(LOCAL, None, {"b": 'x"content_file":"y"', "content_file": "z"}),
    ],
)
def test_content_apart_and_joined_is_the_same_document(document: bytes) -> None:
    found = divided(document, "day=1/part")
    assert found is not None
    left, content = found
    assert place_of(left) == "day=1/part"
    assert without_content(left) == without_content(document)
    assert parts(left)[1:] == (None, None)
    assert joined(left, content) == document
    assert place_of(document) is None
    assert place_of(emptied(left)) is None


def test_without_content_there_is_nothing_to_part() -> None:
    assert divided(encode(LOCAL, None, None), "f") is None
