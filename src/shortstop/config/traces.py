"""`[traces]`: what is kept of requests, where and for how long."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from shortstop.config.addresses import is_local_url, problem_of_url
from shortstop.config.section import Lifetime, Positive, Probability, Section, Variable


class LakeConfig(Section, frozen=True):
    """`[traces.lake]`: what was asked and answered in Parquet files (zstd), not in the database.

    `folder`, an absolute path or `s3://BUCKET/PREFIX`, the same for all machines with one database,
    turns it on and needs the extra `[lake]`. A bucket is reached at `endpoint`, else at AWS's of
    `region`; credentials come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    `AWS_SESSION_TOKEN`), AWS's own files or the machine's role. `sample` is the share of requests
    whose content goes there, chosen by their id; that of the others stays in the database. Rows
    wait up to `gather_seconds` in the journal, so that files are not too small. What may be kept,
    and how it is sealed, is as without it. With `sample = 0` nothing new is written; what is there
    is read, erased and deleted.
    """

    lifetime: ClassVar[Lifetime] = "process"

    folder: str | None = None
    endpoint: str | None = None
    region: str | None = None
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


_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?")
_REGION = re.compile(r"[a-z0-9-]{1,64}")
LakeProblem = tuple[str, str, str]
"""A key of the table, what is wrong with it, and what to do."""


def bucket_of(folder: str | None) -> str | None:
    """The address of a bucket, None where it is a folder's path."""
    return folder if folder is not None and folder.startswith("s3://") else None


def problem_of_lake(config: LakeConfig, *, airgap: bool) -> LakeProblem | None:
    """Why files cannot be kept there; None where they can."""
    folder = config.folder
    if bucket_of(folder) is not None:
        return _problem_of_bucket(config, airgap=airgap)
    for key in ("endpoint", "region"):
        if getattr(config, key) is not None:
            return key, "is a bucket's, and `folder` names none.", 'folder = "s3://BUCKET/PREFIX"'
    if folder is None or PurePosixPath(folder).is_absolute():
        return None
    if "://" in folder:
        hint = 'Write a path, or "s3://BUCKET/PREFIX" and the `endpoint` of an S3-compatible store.'
        return "folder", "is neither a path nor a bucket.", hint
    return "folder", "is no absolute path: each command would look elsewhere.", "Begin it with /."


def _problem_of_bucket(config: LakeConfig, *, airgap: bool) -> LakeProblem | None:
    endpoint = config.endpoint
    if not _BUCKET.fullmatch(config.folder or "") or "/../" in f"{config.folder}/":
        return (
            "folder",
            "is no bucket's address.",
            'Write "s3://BUCKET/PREFIX", without credentials.',
        )
    if config.region is not None and not _REGION.fullmatch(config.region):
        return "region", f"{config.region!r} is no region.", 'Write it as "eu-central-1".'
    if endpoint is not None and (wrong := problem_of_url(endpoint)):
        return "endpoint", wrong, ""
    if endpoint is not None and endpoint.rstrip("/").count("/") > 2:
        return "endpoint", "ends with its port: the bucket stands in `folder`.", ""
    if airgap and (endpoint is None or not is_local_url(endpoint)):
        problem = "airgap = true allows no bucket beyond this machine or private network."
        return ("folder" if endpoint is None else "endpoint"), problem, ""
    return None
