"""Recorded traffic on disk, as a gateway leaves it, and a workshop over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec.structs import replace

from shortstop.app.workshop import Workshop
from shortstop.config import Config, parse
from shortstop.flywheel.examples import Example
from shortstop.stores import Paths, open_stores
from shortstop.traces import TraceStore
from shortstop.traces.keyfile import content_seal
from shortstop.types import (
    Choice,
    Clearance,
    Decision,
    Grade,
    Reach,
    Text,
    Tier,
    Trace,
)
from tests.flywheel.traffic import WordEncoder

TOML = """
[upstreams.vendor]
base_url = "http://127.0.0.1:9"
teacher = true
[upstreams.vendor.models.big]
[learning]
target = 0.9
"""
NOW = 2_000_000_000.0


class FixedClock:
    """A clock that stands at `now` (Unix seconds)."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def config(home: Path, more: str = "", toml: str = TOML) -> Config:
    return replace(parse(toml + more, {}), data_dir=str(home))


def trace_of(example: Example, system: str = "Sort the mail.") -> Trace:
    """As the frontier answered it."""
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": example.query.text},
    ]
    return Trace(
        id=example.id, at=example.at, tenant=example.tenant, dialect="openai.chat", model="auto",
        outcome="ok", status=200, stream=False, seconds=0.5,
        clearance=Clearance(Tier.S0, Reach.ANYWHERE),
        decision=Decision((example.teacher,), example.task, 0, 0, 1, "r"), target=example.teacher,
        conversation=example.conversation, request={"model": "auto", "messages": messages},
        response=(Choice(parts=(Text(example.answer),), finish="stop"),),
    )  # fmt: skip


@contextmanager
def _store(settings: Config, now: float) -> Iterator[TraceStore]:
    """Of the data folder of `settings`, sealed as a gateway seals it."""
    paths = Paths.of(Path(settings.data_dir or ""), settings)
    paths.home.mkdir(parents=True, exist_ok=True)
    seal = content_seal(settings.traces, {}, paths.content_key)
    rows, clock = open_stores(paths).rows(), FixedClock(now)
    with closing(TraceStore(rows, paths.journal, settings.traces, clock, None, seal)) as store:
        yield store


def record(settings: Config, traces: Sequence[Trace], grades: Sequence[Grade] = ()) -> None:
    with _store(settings, max(trace.at for trace in traces) + 1) as store:
        for trace in traces:
            store.append(trace)
        assert store.flush(60)
        for grade in grades:
            store.grade(grade)
        assert store.flush(60)


def erase(settings: Config, tenant: str, conversation: str) -> None:
    with _store(settings, NOW + 1) as store:
        assert store.forget(tenant, conversation)


def dated(examples: Sequence[Example], last: float = NOW, step: float = 60.0) -> list[Example]:
    """The same in their order, one each `step` seconds, the last one at `last`."""
    first = last - step * len(examples)
    return [replace(e, at=first + step * (n + 1)) for n, e in enumerate(examples)]


def workshop_of(settings: Config) -> Workshop:
    """With an encoder that needs no file."""
    workshop = Workshop(settings, {})
    workshop.__dict__["encoder"] = WordEncoder()
    return workshop
