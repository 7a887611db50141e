"""Models on disk: immutable, hashed, found by name."""

from shortstop.registry.gguf import GgufInfo, read_info
from shortstop.registry.store import ModelRecord, Registry, home, open

__all__ = ["GgufInfo", "ModelRecord", "Registry", "home", "open", "read_info"]
