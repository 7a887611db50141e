"""The specialists' process: `python -m shortstop.app.specialists FOLDER`, questions on stdin."""

from __future__ import annotations

import os
import signal
import sys
from functools import cache
from pathlib import Path

from shortstop import registry
from shortstop.routing import packaged
from shortstop.serving.engines.parent import die_with_parent
from shortstop.serving.specialists.reading import OpenSpecialists, opener
from shortstop.specialists import kinds
from shortstop.specialists.encoder import SentenceEncoder
from shortstop.specialists.opinion import Specialist


def main() -> None:
    """Answer until stdin ends. It ends with its parent, however the parent ends."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    die_with_parent(signal.SIGKILL)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to stderr
    OpenSpecialists(Path(sys.argv[1]), opener(_load)).serve(sys.stdin.buffer, output)


def _load(kind: str, files: dict[str, bytes]) -> Specialist:
    return kinds.load(kind, files, _encoder)


@cache
def _encoder() -> SentenceEncoder:
    """Raises StoreError where it is not installed."""
    file = registry.encoder_file(Path(sys.argv[1]).parent)
    vocabulary, _, _ = packaged().embedder.parts()
    return SentenceEncoder(file, vocabulary)


if __name__ == "__main__":
    main()
