"""Every error that a client can meet."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from scripts.reference.markdown import code, table
from shortstop import errors
from shortstop.errors import ConfigError, ModelFileError, ShortstopError, StateUnfit

ABOUT = (
    "OpenAI's body is `{\"error\": {message, type, param, code}}`; Anthropic's has the same words"
    " in its own form. An upstream's refusal keeps its own status and code. `Retry-After` stands"
    " where the same request may succeed later."
)
OURS = (ConfigError, ModelFileError, StateUnfit)
"""What an operator meets at the start, and no client."""


def page() -> str:
    rows = [
        [code(kind.code) if kind.code else "none", str(kind.status), code(kind.type), _when(kind)]
        for kind in kinds()
    ]
    return f"# Errors\n\n{ABOUT}\n\n" + table(("code", "status", "type", "when"), rows)


def kinds() -> Iterator[type[ShortstopError]]:
    """One class for each pair of code and status, in the code's order."""
    known: set[tuple[str | None, int]] = set()
    for kind in vars(errors).values():
        if not inspect.isclass(kind) or not issubclass(kind, ShortstopError):
            continue
        if kind is not ShortstopError and not issubclass(kind, OURS):
            if (kind.code, kind.status) not in known:
                yield kind
            known.add((kind.code, kind.status))


def _when(kind: type[ShortstopError]) -> str:
    """Its docstring without the paragraphs about attributes."""
    return (inspect.getdoc(kind) or "").partition("\n\n")[0]
