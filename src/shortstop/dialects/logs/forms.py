"""Which form a line of a log has, seen by what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.dialects.logs import bodies, exports, line
from shortstop.dialects.logs.line import LogLine, NoModelCall
from shortstop.types import Json, Usage

BATCH = "batch"
_TIMES = ("at", "created_at", "timestamp", "created", "time", "ts", "date")
_NEITHER = "neither a request body with `messages` nor a wrapper around one"


def read_line(told: str | bytes) -> list[LogLine]:
    """The calls of models that a line holds.

    Raises NoModelCall for a row of something else, ValueError for what is no row of a log.
    """
    tree = line.tree_of(told)
    for has, read in _FORMS:
        if has(tree):
            return [_with_model(one) for one in read(tree)]
    raise ValueError(_NEITHER)


def _with_model(one: LogLine) -> LogLine:
    """Some logs name the model beside the request only."""
    if one.body is None or one.body.get("model"):
        return one
    return replace(one, body={**one.body, "model": one.model or "auto"})


def _ours(tree: Json) -> Iterator[LogLine]:
    """A row of `shortstop traces export`."""
    if tree.get("outcome") not in (None, "ok"):
        raise NoModelCall(f"a row with outcome {tree['outcome']!r}")
    decision, bill = line.get(tree, "decision"), line.get(tree, "bill")
    body, dialect = line.table(tree.get("request")), str(tree.get("dialect") or bodies.CHAT)
    yield LogLine(
        form="shortstop",
        dialect=dialect,
        body=body,
        answer=bodies.answer_of(dialect, tree.get("response")),
        model=line.text(line.get(tree, "target", "model")),
        usage=_own_usage(tree.get("usage")) or bodies.usage_in(tree),
        cost=line.money(line.get(bill, "cost")),
        at=line.moment(tree.get("at")),
        task=line.text(line.get(decision, "task")),
        user=line.text(tree.get("user")),
        conversation=line.text(tree.get("conversation")),
        tags=line.names(tree.get("tags")),
        local=tree.get("local") is True,
    )


def _own_usage(told: Any) -> Usage | None:
    """Our own classes of tokens, each left out where it is nothing."""
    if not isinstance(told, dict) or not told:
        return None
    if not told.keys() <= set(Usage.__struct_fields__):
        return None
    try:
        return msgspec.convert(told, Usage)
    except msgspec.ValidationError:
        return None


def _openai_batch(tree: Json) -> Iterator[LogLine]:
    """A line that goes into a batch, or one that comes out of it: they share `custom_id`."""
    response = line.table(tree.get("response"))
    join = str(tree["custom_id"])
    if response is None and line.get(tree, "error"):
        raise NoModelCall("a request of a batch that failed")
    if response is not None:
        told = line.table(response.get("body"))
        if told is None or told.get("error") or (response.get("status_code") or 200) >= 400:
            raise NoModelCall("a request of a batch that failed")
        yield _batched(_call("batch", line.table(tree.get("request")), told, tree), join)
        return
    body = line.table(line.get(tree, "body", "params"))
    if isinstance(tree.get("url"), str):
        bodies.dialect_of(None, None, tree["url"])
    if not bodies.asks(body):
        raise ValueError(_NEITHER)
    yield replace(_call("batch", body, None, tree), join=join)


def _anthropic_batch(tree: Json) -> Iterator[LogLine]:
    result = line.table(tree.get("result")) or {}
    if result.get("type") != "succeeded":
        raise NoModelCall(f"a request of a batch that {result.get('type') or 'has no result'}")
    told = line.table(result.get("message"))
    yield _batched(_call("batch", None, told, tree), str(tree["custom_id"]))


def _batched(one: LogLine, join: str) -> LogLine:
    """What is answered in a batch has a tariff of its own."""
    usage = one.usage
    if usage is not None and BATCH not in usage.served:
        usage = replace(usage, served=tuple(sorted((*usage.served, BATCH))))
    return replace(one, usage=usage, join=join)


def _wrapper(tree: Json) -> Iterator[LogLine]:
    """A request with its answer, under the names that programs give them."""
    if isinstance(tree.get("url"), str):
        bodies.dialect_of(None, None, tree["url"])
    body = line.table(line.get(tree, "request", "body", "request_body"))
    while body is not None and not bodies.asks(body):
        body = line.table(line.get(body, "request", "body", "json"))
    if body is None:
        raise ValueError(_NEITHER)
    told = line.value(line.get(tree, "response", "response_body", "completion", "output"))
    inner = line.table(line.get(told, "body"))
    yield _call("pairs", body, told if inner is None else inner, tree)


def _body(tree: Json) -> Iterator[LogLine]:
    """A bare request, an answer perhaps its last message or beside it."""
    told = line.value(line.get(tree, "response", "completion"))
    body, last = (tree, None) if told is not None else bodies.spoken(tree)
    body = {k: v for k, v in body.items() if k not in ("response", "completion")}
    yield _call("pairs" if told is not None else "requests", body, told or last, tree)


def _answer(tree: Json) -> Iterator[LogLine]:
    """An answer alone: what it cost is known, what was asked is not."""
    yield _call("answers", None, tree, tree)


def _call(form: str, body: Json | None, told: Any, tree: Json) -> LogLine:
    url = tree.get("url") if isinstance(tree.get("url"), str) else None
    dialect = bodies.dialect_of(body, told, url)
    metadata = line.get(body, "metadata") or line.get(tree, "metadata")
    whose = line.get(metadata, "user_id") or line.get(body, "user")
    moments = (line.moment(line.get(place, name)) for place in (tree, told) for name in _TIMES)
    return LogLine(
        form=form,
        dialect=dialect,
        body=body,
        answer=bodies.answer_of(dialect, told) if told is not None else None,
        model=line.text(
            line.get(told, "model") or line.get(tree, "target") or line.get(body, "model")
        ),
        usage=bodies.usage_in(tree, told),
        cost=_cost(tree),
        at=next((at for at in moments if at is not None), None),
        task=line.text(line.get(tree, "task")),
        user=line.text(line.get(tree, "user")) or line.text(whose),
        conversation=line.text(line.get(tree, "conversation", "session_id")),
        tags=line.names(tree.get("tags")),
    )


def _cost(tree: Json) -> Decimal | None:
    return line.money(line.get(tree, "cost", "cost_usd", "total_cost"))


def _is_answer(tree: Json) -> bool:
    kind = tree.get("object") or tree.get("type")
    return isinstance(kind, str) and "usage" in tree and ("choices" in tree or "content" in tree)


_FORMS: tuple[tuple[Callable[[Json], bool], Callable[[Json], Iterator[LogLine]]], ...] = (
    (lambda t: "clearance" in t and "dialect" in t, _ours),
    (lambda t: "call_type" in t and ("spend" in t or "startTime" in t), exports.litellm),
    (lambda t: "generation_id" in t and "tokens_prompt" in t, exports.openrouter),
    (lambda t: "request_created_at" in t or "response_created_at" in t, exports.helicone),
    (lambda t: "traceId" in t or "observations" in t, exports.langfuse),
    (lambda t: "projectId" in t and "input" in t and "output" in t, exports.langfuse),
    (lambda t: "custom_id" in t and "result" in t, _anthropic_batch),
    (lambda t: "custom_id" in t, _openai_batch),
    (bodies.asks, _body),
    (_is_answer, _answer),
    (lambda t: any(k in t for k in ("request", "body", "request_body")), _wrapper),
)
"""In the order of looking: the first that fits."""
