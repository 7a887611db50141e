"""What is done at the command line, written into the chain that the gateway's console keeps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from shortstop.app.audits import Audits
from shortstop.app.clock import CLOCK
from shortstop.config import Config
from shortstop.errors import ShortstopError, StoreError
from shortstop.privacy.audit import AuditEvent, files, head_of
from shortstop.stores import Paths
from shortstop.traces.keyfile import reading_seal


def note_act(
    config: Config, env: Mapping[str, str], paths: Paths, what: str, *, needed: bool
) -> str:
    """Write down what is about to be done. Raises ShortstopError where that cannot be and is
    `needed`; else says why not, "" also where no gateway has kept such a log yet."""
    try:
        with ExitStack() as opened:
            audits = Audits(env, opened, paths.changes, lambda: changes_key(config, env, paths))
            audits.use(config.privacy)
            detail = f"command line, uid {os.getuid()}: {what}"
            log = audits.changes()
            log.append(AuditEvent(CLOCK.time(), "command", "", "", detail=detail))
            if os.geteuid() == 0:
                _give_back(log.path)
    except ShortstopError as error:
        if needed:
            raise
        kept = config.privacy.audit is not None or paths.changes.exists()
        return str(error) if kept else ""
    return ""


def _give_back(log: Path) -> None:
    """What root has made in another user's folder must not lock that user's gateway out."""
    owner = log.parent.stat()
    for path in (*files(log), head_of(log)):
        if path.lstat().st_uid != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def changes_key(config: Config, env: Mapping[str, str], paths: Paths) -> bytes:
    """What the gateway seals that log with. A key that we made here would lock the gateway out of
    its own log. Raises StoreError where there is none yet."""
    seal = reading_seal(config.traces, env, paths.content_key)
    if seal is None:
        raise StoreError(
            "The key of the log of changes, in which what is done to teams is written down, is not"
            " known here.",
            hint="Start the gateway once, which makes it, or set"
            f" ${config.traces.key_env} as the gateway has it.",
        )
    return seal.digest(b"console changes", 32)
