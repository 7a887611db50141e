"""What a try takes: as its target told it, and an estimate where it did not."""

from __future__ import annotations

from shortstop.errors import ShortstopError, UpstreamTimeout
from shortstop.faults import contained
from shortstop.serving.gather import Gathering
from shortstop.tokens import counted_usage, estimated_usage
from shortstop.types import Reply, Request, Target, Usage

NOT_COUNTED = Usage(estimated=True)
"""Of an answer whose tokens could not even be estimated."""


def usage_of_stream(request: Request, gathering: Gathering) -> Usage:
    """Of a stream as far as it came: what was told, or more where it was cut off."""
    with contained("gathering a stream"):
        return counted(request, gathering.reply("", ""), ended=gathering.finished)
    return gathering.usage or NOT_COUNTED


def unanswered(target: Target, request: Request, error: ShortstopError) -> Usage | None:
    """What a vendor bills for a request that it may be answering still, though nobody waits."""
    sent = isinstance(error, UpstreamTimeout) and error.sent
    return estimated(request, None) if sent and not target.local else None


def counted(request: Request, reply: Reply, *, ended: bool) -> Usage:
    """Of an answer; `ended` where it has its end. Never raises."""
    with contained("the estimate of tokens"):
        return counted_usage(request, reply, reply.usage, ended=ended)
    return reply.usage or NOT_COUNTED


def estimated(request: Request, reply: Reply | None) -> Usage:
    """Of an answer whose target tells nothing; None: there is no answer. Never raises."""
    with contained("the estimate of tokens"):
        return estimated_usage(request, reply)
    return NOT_COUNTED
