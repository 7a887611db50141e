"""The wheel is of one platform: it holds compiled modules, and no Python of its own."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PlatformWheel(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not list(Path(self.root).glob("src/shortstop_kernels/libggml-cpu-*.so")):
            raise RuntimeError("no modules were built: run `make kernels`")
        tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"
