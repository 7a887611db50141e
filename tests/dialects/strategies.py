"""Requests, answers, streams and garbage for the tests of every dialect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from shortstop.dialects import DescribedDialect
from shortstop.errors import InvalidRequest, UpstreamFailed
from shortstop.types import Chunk, Finish, Request, Sampling, ToolDelta, Usage

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


def values(names: Iterable[str]) -> st.SearchStrategy[Any]:
    """Any JSON, whose objects have fields of these names."""
    keys = st.sampled_from(sorted(names)) | st.text(max_size=4)
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys, inner | texts, max_size=4)
        ),
        max_leaves=12,
    )


def bodies(dialect: DescribedDialect, more: Iterable[str] = ()) -> st.SearchStrategy[Any]:
    """Objects with the dialect's own fields and anything in them."""
    words = dialect.description.words.names | {"type", *more}
    fields = st.sampled_from(sorted(words | dialect.description.fields))
    return st.dictionaries(fields, values(words), max_size=6).map(lambda b: {"model": "m", **b})


def read_or_refused(dialect: DescribedDialect, body: Any) -> Request | None:
    """The request; None for one that is refused with the field at fault. Nothing else may be."""
    try:
        return dialect.decode_request(body, "r")
    except InvalidRequest as error:
        assert error.param
        return None


def heard_or_failed(dialect: DescribedDialect, data: bytes) -> list[Chunk] | None:
    """The chunks; None where the upstream failed. No other error may come of any bytes."""
    decoder = dialect.stream_decoder()
    try:
        return decoder.feed(data)
    except UpstreamFailed:
        return None


samplings = st.builds(
    Sampling,
    max_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.floats(0, 1),
    top_p=st.none() | st.floats(0, 0.99),
    top_k=st.none() | st.integers(0, 100),
    seed=st.none() | st.integers(0, 2**31),
    stop=st.lists(texts.filter(lambda s: s.strip() != ""), max_size=4).map(tuple),
    frequency_penalty=st.none() | st.floats(-2, 2),
    presence_penalty=st.none() | st.floats(-2, 2),
    logit_bias=st.none() | st.dictionaries(st.just("1"), st.integers(-9, 9), min_size=1),
    logprobs=st.booleans(),
    top_logprobs=st.none(),
    n=st.just(1),
    reasoning_effort=st.none() | st.sampled_from(["low", "medium", "high"]),
    thinking_budget=st.none() | st.integers(1, 9999),
)
usages = st.builds(
    Usage,
    input=st.integers(1, 999),
    cache_read=st.integers(0, 999),
    cache_write=st.integers(0, 999),
    output=st.integers(1, 999),
    reasoning=st.integers(0, 999),
)


@st.composite
def streams(
    draw: st.DrawFn, finishes: Sequence[Finish] = ("stop", "length"), *, tools: bool = True
) -> list[Chunk]:
    """One choice as a well-behaved model streams it: text, then calls, each in pieces."""
    pieces = st.lists(texts, max_size=3)
    chunks = [Chunk(text=piece) for piece in draw(pieces)]
    for index in range(draw(st.integers(0, 2)) if tools else 0):
        chunks.append(Chunk(tools=(ToolDelta(index, f"call_{index}", f"f{index}"),)))
        arguments = [*draw(pieces), "7"]
        chunks += [Chunk(tools=(ToolDelta(index, arguments=piece),)) for piece in arguments]
    finish: Finish = draw(st.sampled_from(finishes))
    if finish == "stop" and any(chunk.tools for chunk in chunks):
        finish = "tool_calls"
    return [*chunks, Chunk(finish=finish), Chunk(usage=draw(usages))]


def told_again(dialect: DescribedDialect, chunks: Sequence[Chunk], request: Request) -> list[Chunk]:
    """The stream encoded and decoded again, its end included."""
    encoder, decoder = dialect.stream_encoder(request, 1), dialect.stream_decoder()
    data = b"".join([encoder.encode(chunk) for chunk in chunks]) + encoder.finish()
    again = decoder.feed(data)
    assert decoder.done
    return again


def content(chunks: Iterable[Chunk]) -> tuple[str, dict[int, tuple[str | None, str]]]:
    """The text, and by index each call's name and arguments."""
    text, calls = "", dict[int, tuple[str | None, str]]()
    for chunk in chunks:
        text += chunk.text
        for delta in chunk.tools:
            name, arguments = calls.get(delta.index, (None, ""))
            calls[delta.index] = name or delta.name, arguments + delta.arguments
    return text, calls


def last_finish(chunks: Iterable[Chunk]) -> Finish | None:
    return next((c.finish for c in reversed(list(chunks)) if c.finish is not None), None)


def last_usage(chunks: Iterable[Chunk]) -> Usage | None:
    return next((c.usage for c in reversed(list(chunks)) if c.usage is not None), None)
