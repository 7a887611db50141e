"""The table `[batches]` of shortstop.toml."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from shortstop.config.section import Lifetime, Seconds, Section


class BatchesConfig(Section, frozen=True):
    """`[batches]`: files of requests that are answered while no client waits.

    Each process of the gateway has at most `concurrency` lines of batches under way. A file has
    at most `max_file_mb` megabytes and `max_requests` lines, each of at most `server.max_body_mb`.
    All files together may hold `disk_mb` megabytes, those of one key at most half of it: beyond
    that nothing more is taken, and answers of batches that were taken are kept all the same. Files
    and ended batches are deleted after `keep_days`, unless the client has asked for less.

    `usd_per_day` is what the lines of one key's batches may cost in a UTC day. The key's own budget
    is then for its other requests alone; its team's and organisation's hold for all. Without it
    lines are paid by the key's budget.

    Where an upstream says `batch = true`, lines for its models are gathered for `gather_seconds`
    into a batch of the vendor's, about which it is asked every `poll_seconds`. Of each batch at
    most `forwarded_lines` wait at vendors at a time, in memory; further lines wait for them.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    concurrency: Annotated[int, Meta(ge=1, le=256)] = 4
    max_file_mb: Annotated[float, Meta(gt=0, le=1024)] = 100
    max_requests: Annotated[int, Meta(ge=1, le=1_000_000)] = 50_000
    disk_mb: Annotated[float, Meta(gt=0, le=10_000_000)] = 4000
    gather_seconds: Seconds = 60
    poll_seconds: Seconds = 60
    forwarded_lines: Annotated[int, Meta(ge=1, le=50_000)] = 2000
    keep_days: Annotated[float, Meta(ge=2, le=3650)] = 30
    usd_per_day: Annotated[float, Meta(gt=0, lt=1_000_000)] | None = None
