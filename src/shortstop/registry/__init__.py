"""Models on disk: immutable, checked by their hashes, found by name."""

from shortstop.registry.catalogue import CatalogueEntry, catalogue
from shortstop.registry.encoder import ENCODER, encoder_file, encoder_path, pull_encoder
from shortstop.registry.gguf import GgufInfo, read_info
from shortstop.registry.missing import can_be_fetched, remedy
from shortstop.registry.pull import pull
from shortstop.registry.store import (
    ModelRecord,
    Registry,
    home,
    home_path,
    open,
    require_sha256,
)

__all__ = [
    "ENCODER",
    "CatalogueEntry",
    "GgufInfo",
    "ModelRecord",
    "Registry",
    "can_be_fetched",
    "catalogue",
    "encoder_file",
    "encoder_path",
    "home",
    "home_path",
    "open",
    "pull",
    "pull_encoder",
    "read_info",
    "remedy",
    "require_sha256",
]
