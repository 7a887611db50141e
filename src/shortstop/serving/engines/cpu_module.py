"""In the engine's process: llama.cpp's CPU code replaced by a module of the same ggml version.

The wheel exports ggml's registry, so its built-in CPU backend can be unloaded and another loaded
before the first model. ggml itself checks an API number only; here the whole version must agree.
Imports nothing heavy.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

MODULES, BASE = "libggml-cpu-*.so", "libggml-base.so"


def load_cpu_module(extension: str, place: str) -> None:
    """Have the library in the file `extension` compute with the module at `place`, a file or a
    folder of which the best for this processor is taken. Raises RuntimeError."""
    engine = ctypes.CDLL(extension)
    ours, theirs = _version(engine), _version(_base(Path(place)))
    module = best_module(Path(place))
    if not ours or ours != theirs:
        raise RuntimeError(f"error: {module.name} is of ggml {theirs}, the engine of {ours}")
    engine.ggml_backend_reg_by_name.restype = ctypes.c_void_p
    engine.ggml_backend_reg_by_name.argtypes = [ctypes.c_char_p]
    engine.ggml_backend_unload.argtypes = [ctypes.c_void_p]
    engine.ggml_backend_load.restype = ctypes.c_void_p
    engine.ggml_backend_load.argtypes = [ctypes.c_char_p]
    built_in = engine.ggml_backend_reg_by_name(b"CPU")
    if built_in is None:
        raise RuntimeError("error: the engine has no CPU backend to replace")
    engine.ggml_backend_unload(built_in)
    if engine.ggml_backend_load(str(module).encode()) is None:
        raise RuntimeError(f"error: ggml could not load {module}")


def best_module(place: Path) -> Path:
    """The module that says it suits this processor best. Raises RuntimeError where none does."""
    files = [place] if place.is_file() else sorted(place.glob(MODULES))
    scored = [(_score(file), file) for file in files]
    score, best = max(scored, default=(0, place))
    if score <= 0:
        raise RuntimeError(f"error: no CPU module in {place} suits this processor")
    return best


def _base(place: Path) -> ctypes.CDLL:
    """What a module is linked to, from beside it; loaded first, it is found under its name."""
    base = (place.parent if place.is_file() else place) / BASE
    try:
        return ctypes.CDLL(str(base))
    except OSError as error:
        raise RuntimeError(f"error: no CPU module: {error}") from error


def _score(module: Path) -> int:
    try:
        ask = ctypes.CDLL(str(module)).ggml_backend_score
    except (OSError, AttributeError) as error:
        raise RuntimeError(f"error: no CPU module: {module} ({error})") from error
    ask.restype = ctypes.c_int
    return int(ask())


def _version(library: ctypes.CDLL) -> str:
    try:
        ask = library.ggml_version
    except AttributeError:
        return ""
    ask.restype = ctypes.c_char_p
    return str((ask() or b"").decode())
