"""Logs of other programs as traces: the same rows that a gateway would have recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from shortstop.dialects.logs import LogLine, read_line
from shortstop.errors import ShortstopError
from shortstop.flywheel.examples import Decode
from shortstop.routing.task import task_of
from shortstop.types import Caller, Clearance, Decision, Request, Trace

Judge = Callable[[Request, Caller], Clearance]
"""Privacy's verdict over a logged request."""


def logged_traces(
    lines: Iterable[bytes],
    bad: list[tuple[int, str]],
    *,
    decode: Decode,
    judge: Judge,
    tenant: str,
    now: float,
) -> Iterator[Trace]:
    """One for each line that can be read; `bad` is told of the others, by number and why. A line
    without a time is from `now` (Unix seconds). The same line has the same id each time."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            calls = [one for one in read_line(line) if one.body is not None]
            if not calls:
                raise ValueError("a row without the request")
            id = "log-" + blake2b(line.strip(), digest_size=10).hexdigest()
            names = [id] if len(calls) == 1 else [f"{id}-{n}" for n in range(len(calls))]
            traces = [
                logged_trace(
                    one, name, decode(one.dialect, one.body or {}, name), judge, tenant, now
                )
                for one, name in zip(calls, names, strict=True)
            ]
        except (ShortstopError, ValueError) as error:
            bad.append((number, str(error)))
            continue
        yield from traces


def logged_trace(
    one: LogLine, id: str, request: Request, judge: Judge, tenant: str, now: float
) -> Trace:
    """A call that was logged, as the row that a gateway would have kept. A call without a time, or
    with one that has not come yet, is from `now`."""
    caller = Caller(tenant)
    target = one.model or "logged"
    at = one.at if one.at is not None and one.at <= now else now
    return Trace(
        id=id, at=at, tenant=tenant, dialect=one.dialect, model=target,
        outcome="ok" if one.answer is not None else "interrupted", status=200, stream=False,
        seconds=0.0, clearance=judge(request, caller).recorded(),
        decision=Decision((target,), one.task or task_of(request, caller), 0, 0, 1, "log"),
        target=target, usage=one.usage, request=one.body, response=one.answer,
        conversation=one.conversation,
    )  # fmt: skip
