"""The registry's folder: one manifest beside each model file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.config import BUILTIN_MODEL
from shortstop.registry.gguf import GgufInfo, read_info


def home(data_dir: str | None, env: Mapping[str, str]) -> Path:
    """Where everything is kept: the setting, $SHORTSTOP_HOME, or ~/.local/share/shortstop."""
    chosen = data_dir or env.get("SHORTSTOP_HOME")
    path = Path(chosen) if chosen else Path.home() / ".local" / "share" / "shortstop"
    path.mkdir(parents=True, exist_ok=True)
    return path


class ModelRecord(Struct, frozen=True):
    name: str
    path: Path
    sha256: str
    source: str
    licence: str = ""

    def gguf(self) -> GgufInfo:
        return read_info(self.path)


class Registry:
    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, name: str) -> ModelRecord | None:
        """By name; `builtin` is the default model; a path to a GGUF is its own record."""
        if name.endswith(".gguf") and Path(name).exists():
            return ModelRecord(Path(name).stem, Path(name), "", "file")
        manifest = self.root / (BUILTIN_MODEL if name == "builtin" else name) / "model.json"
        if not manifest.exists():
            return None
        return msgspec.json.decode(manifest.read_bytes(), type=ModelRecord, dec_hook=_path)


def _path(kind: type, value: object) -> object:
    return Path(str(value)) if kind is Path else value


def open(home: Path) -> Registry:
    return Registry(home / "models")
