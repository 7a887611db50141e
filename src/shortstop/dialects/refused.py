"""Which of a request's options a vendor refuses, and the request without it.

The gateway picks a model for `auto`, so an option that this model does not take is no fault of the
client: it is asked again without it, where the question stays the same.
"""

from __future__ import annotations

import re

import msgspec

from shortstop.dialects.words import words
from shortstop.errors import TargetError, UpstreamRejected
from shortstop.types import Json

OPTIONS = words(
    "temperature top_p top_k seed frequency_penalty presence_penalty logprobs top_logprobs"
    " logit_bias verbosity text reasoning_effort reasoning thinking output_config"
    " parallel_tool_calls service_tier user metadata store prompt_cache_key safety_identifier"
    " max_tokens"
)
"""Top-level fields without which a request asks the same."""
NEWER_LIMIT = "max_completion_tokens"
_STATUSES = (400, 422)


def refused_option(error: TargetError, body: bytes) -> str | None:
    """The option in the request's `body` that the error is about; None where it is about none."""
    if not isinstance(error, UpstreamRejected) or error.status not in _STATUSES:
        return None
    sent = msgspec.json.decode(body).keys() & OPTIONS
    if error.param:
        return error.param if error.param in sent else None
    named = [name for name in sent if re.search(rf"\b{name}\b", error.message)]
    return min(named, key=error.message.index) if named else None


def without(body: bytes, options: frozenset[str]) -> bytes:
    """The request's body without these options. The limit of the answer's length keeps its value
    under its newer name."""
    tree: Json = msgspec.json.decode(body)
    kept = {name: value for name, value in tree.items() if name not in options}
    if "max_tokens" in options and "max_tokens" in tree:
        kept.setdefault(NEWER_LIMIT, tree["max_tokens"])
    return msgspec.json.encode(kept)
