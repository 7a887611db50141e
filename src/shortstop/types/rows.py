"""What stores are given to keep: content has been reduced and sealed by then."""

from __future__ import annotations

from typing import Any, NamedTuple

from shortstop.types.privacy import Tier

COLUMNS = (
    "id", "at", "tenant", "key", "conversation", "dialect", "model", "digest",
    "outcome", "status", "stream", "task", "target", "local", "tier", "reach", "attempts",
    "escalated", "explored", "seconds", "first_byte", "prompt_tokens", "completion_tokens",
    "tokens_estimated", "cost_pico", "cost_local_pico", "cost_remote_pico",
    "counterfactual_pico", "baseline", "unpriced", "prices", "joules", "joules_low",
    "joules_high", "joules_basis", "counterfactual_joules", "counterfactual_joules_low",
    "counterfactual_joules_high", "gco2", "gco2_low", "gco2_high",
)  # fmt: skip
"""What reports filter and group by. Money in whole pico-dollars, time in seconds."""


class Row(NamedTuple):
    """A trace on its way into a store: one value for each of COLUMNS, and all of it as JSON.

    Not the trace itself: what a request is made of would else wait in memory until it is written,
    and fall out of every cache.
    """

    columns: tuple[Any, ...]
    document: bytes


class ResponseRow(NamedTuple):
    """A stored response of the Responses API. `turn` and `response` are JSON or sealed.

    `owner` alone may read it; `tenant` and `conversation` are what it is erased by.
    """

    id: str
    owner: str
    parent: str | None
    at: float
    turn: bytes
    response: bytes
    tenant: str = ""
    conversation: str = ""


class SealedSurrogates(NamedTuple):
    """A conversation's surrogates: its key, wrapped by its tenant's, and what that key sealed."""

    key: bytes
    sealed: bytes


class TaintRow(NamedTuple):
    """The highest tier that a conversation has held."""

    tenant: str
    conversation: str
    tier: Tier
