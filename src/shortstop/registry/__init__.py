"""Models on disk: immutable, checked by their hashes, found by name."""

from shortstop.registry.catalogue import CatalogueEntry, catalogue
from shortstop.registry.gguf import GgufInfo, read_info
from shortstop.registry.pull import pull
from shortstop.registry.store import ModelRecord, Registry, home, home_path, open

__all__ = [
    "CatalogueEntry",
    "GgufInfo",
    "ModelRecord",
    "Registry",
    "catalogue",
    "home",
    "home_path",
    "open",
    "pull",
    "read_info",
]
