"""Answers that are given again to the very same question, where the operator or the client says so.

Exact: the key is everything that is asked, in no vendor's words, for one tenant under one version
of the configuration. In memory, so that nothing lasts that nobody can find; an erasure empties it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from hashlib import blake2b

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.config import CacheConfig
from shortstop.pipeline.record import RequestRecord
from shortstop.ports import Clock
from shortstop.serving.call import Call
from shortstop.serving.cascade import Asking, Served
from shortstop.types import Chunk, Decision, Reply, Request, Target, Tier

CACHE = Target("cache", "cache", local=True, provider="shortstop", context=1_000_000)
"""Who answers: on this machine, for next to nothing."""
CACHED = "cached"
"""The reason of the decision."""
COMPLETE = frozenset(["stop", "tool_calls"])
LARGEST = 1 << 20
"""Bytes of an answer that is kept."""

Epoch = Callable[[], object]
"""Changes whenever a conversation is erased, in this process or another."""


class KeptReply(Struct, frozen=True):
    """An answer as bytes, with the task that its question was recognised as."""

    at: float
    data: bytes
    task: str


class ReplyCache:
    """`version` is that of the configuration: whatever changes what an answer would be."""

    def __init__(
        self, config: CacheConfig, version: bytes, clock: Clock, epoch: Epoch = lambda: 0
    ) -> None:
        self._config = config
        self._version = version
        self._clock = clock
        self._epoch = epoch
        self._seen = epoch()
        self._kept: OrderedDict[bytes, KeptReply] = OrderedDict()
        self._bytes = 0
        self._tier = Tier[config.max_tier]
        self._limit = int(config.max_mb * 1_000_000)

    @property
    def size(self) -> int:
        """What it holds now."""
        return self._bytes

    def key(self, record: RequestRecord) -> bytes | None:
        """Under which the answer is kept; None where it is neither looked for nor kept."""
        caller = record.caller
        if caller.cache == "bypass" or record.step is not None:
            return None
        settings = self._config
        asked = caller.tenant in settings.tenants or caller.key in settings.keys
        if not (asked or caller.cache == "use") and settings.use != "all":
            return None
        if record.clearance.tier > self._tier or record.request.continues is not None:
            return None
        return _key(self._version, record)

    def find(self, key: bytes) -> KeptReply | None:
        self._follow()
        kept = self._kept.get(key)
        if kept is None:
            return None
        if not 0 <= self._clock.time() - kept.at < self._config.seconds:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def again(self, key: bytes, record: RequestRecord) -> tuple[Served, Asking] | None:
        """The answer as if it had just been given, and on the books as such."""
        kept = self.find(key)
        if kept is None:
            return None
        record.cache_key = None
        decision = record.decision = decided(kept)
        asking = Asking(record.request, record.clearance, decision, record.attempts)
        return served_again(asking, kept, self._clock), asking

    def keep(self, key: bytes, record: RequestRecord, reply: Reply, tier: Tier) -> None:
        """An answer to the record's request, if it is whole and no more sensitive than is kept."""
        if tier > self._tier or not all(c.finish in COMPLETE for c in reply.choices):
            return
        data = msgspec.msgpack.encode(replace(reply, body=None, dialect=None))
        if len(data) > min(LARGEST, self._limit):
            return
        self._follow()
        self._drop(key)
        task = record.decision.task if record.decision is not None else ""
        self._kept[key] = KeptReply(self._clock.time(), data, task)
        self._bytes += len(data)
        while self._bytes > self._limit:
            self._drop(next(iter(self._kept)))

    def _follow(self) -> None:
        """An erasure, of whatever conversation, leaves nothing: an answer is several's."""
        epoch = self._epoch()
        if epoch != self._seen:
            self._seen = epoch
            self._kept.clear()
            self._bytes = 0

    def _drop(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        self._bytes -= len(kept.data) if kept is not None else 0


def _key(version: bytes, record: RequestRecord) -> bytes:
    request, caller = record.request, record.caller
    state = blake2b(version, digest_size=24)
    whose = (caller.tenant, sorted(caller.targets), caller.task)
    state.update(msgspec.msgpack.encode((whose, _asked(request))))
    return state.digest()


def _asked(request: Request) -> tuple[object, ...]:
    """What the answer depends on, in no vendor's words."""
    return (
        request.model,
        request.messages,
        request.tools,
        request.tool_choice,
        request.parallel_tool_calls,
        request.sampling,
        request.format,
        request.extra,
        sorted(request.betas),
        sorted(request.headers.items()),
    )


def decided(kept: KeptReply) -> Decision:
    return Decision(
        plan=(CACHE.name,),
        task=kept.task,
        score=1.0,
        threshold=0.0,
        propensity=1.0,
        router=CACHE.name,
        reasons=(CACHED,),
        verify=False,
    )


def served_again(asking: Asking, kept: KeptReply, clock: Clock) -> Served:
    """The kept answer as if it had just been given: whole, or as a stream."""
    request, call = asking.request, Call(CACHE, clock)
    reply = msgspec.msgpack.decode(kept.data, type=Reply)
    reply = replace(reply, id=request.id)
    asking.attempts.append(call.end("ok", reply.usage))
    if not request.stream:
        return Served(call, reply=reply)
    return Served(call, chunks=_flowing(reply, asking))


async def _flowing(reply: Reply, asking: Asking) -> AsyncGenerator[Chunk, None]:
    for chunk in reply.chunks():
        asking.delivered.add(chunk)
        yield chunk
