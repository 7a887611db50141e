"""Which models a server says it has: the answers of vendors, vLLM, LM Studio, Ollama and others."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from shortstop import bounded
from shortstop.errors import UpstreamFailed

MOST = 5_000
"""Models of one list that are believed; the largest of 2026 hold a few hundred."""
LONGEST_ID = 200
LARGEST_CONTEXT = 100_000_000
CONTEXTS = ("max_model_len", "context_length", "max_context_length", "max_input_tokens")
"""What servers call the tokens that a model takes: vLLM, OpenRouter, LM Studio, Anthropic."""


class Offered(Struct, frozen=True):
    """A model that an upstream has; `context` in tokens where it says so."""

    id: str
    context: int | None = None


def decode_offers(body: bytes) -> tuple[Offered, ...]:
    """The models in an answer to a request for the list. Raises UpstreamFailed when it is none."""
    try:
        rows = bounded.decode(body)["data"]
        found = [offered for row in rows[:MOST] if (offered := _offered(row)) is not None]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UpstreamFailed("The server's list of models cannot be read.") from error
    if rows and not found:
        raise UpstreamFailed("The server's list of models names none.")
    return tuple({one.id: one for one in found}.values())


def _offered(row: Any) -> Offered | None:
    id = row.get("id") if isinstance(row, dict) else None
    if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
        return None
    if not id.isprintable() or " " in id:
        return None
    sizes = [row.get(name) for name in CONTEXTS]
    known = [s for s in sizes if type(s) is int and 256 <= s <= LARGEST_CONTEXT]
    return Offered(id, known[0] if known else None)
