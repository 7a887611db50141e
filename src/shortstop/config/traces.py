"""`[traces]`: what is kept of requests, where and for how long."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from shortstop.config.section import Lifetime, Positive, Probability, Section, Variable


class LakeConfig(Section, frozen=True):
    """`[traces.lake]`: what was asked and answered in Parquet files (zstd), not in the database.

    `folder`, an absolute path that all machines with one database share, turns it on and needs the
    extra `[lake]`. `sample` is the share of requests whose content goes there, chosen by their id;
    that of the others stays in the database. Rows wait up to `gather_seconds` in the journal, so
    that files are not too small. What may be kept, and how it is sealed, is as without it. With
    `sample = 0` nothing new is written; what is there is read, erased and deleted.
    """

    lifetime: ClassVar[Lifetime] = "process"

    folder: str | None = None
    sample: Probability = 1.0
    gather_seconds: Annotated[float, Meta(ge=0, le=600)] = 5.0


class TracesConfig(Section, frozen=True):
    """Where rows are kept, for how long, and how much of a request they hold.

    `content` governs what is kept of requests and answers; `sensitive_content` the same for those
    of tier S3. `users` says how rows name the end users whom clients name: as digests, plainly, or
    not at all. `queue` bounds the rows that wait to be written. `fsync` makes rows survive a power
    cut too, at a disk flush for every answer. What is kept of content is encrypted: with the key in
    the environment variable `key_env`, else with one that the first start makes in the data folder
    (`content.key`).
    """

    lifetime: ClassVar[Lifetime] = "process"

    path: str | None = None
    retention_days: Annotated[float, Meta(gt=0)] = 190
    content: Literal["full", "redacted", "digest"] = "full"
    sensitive_content: Literal["full", "redacted", "digest"] = "digest"
    users: Literal["hashed", "plain", "off"] = "hashed"
    queue: Positive = 10_000
    fsync: bool = False
    key_env: Variable = "SHORTSTOP_TRACES_KEY"
    lake: LakeConfig = LakeConfig()


def problem_of_lake(config: LakeConfig) -> tuple[str, str] | None:
    """Why its folder is none, and what to do; None where it is one."""
    folder = config.folder
    if folder is None or PurePosixPath(folder).is_absolute():
        return None
    if "://" in folder:
        return "is a URL, and files are kept in folders alone.", "Mount the store, name its folder."
    return "is no absolute path: each command would look elsewhere.", "Begin it with /."
