"""CPU code for the engine other than its wheel's: found, tried in a child of its own, remembered.

llama.cpp's wheel is built for any x86-64 with AVX2. A module of the same ggml version, built for
this processor (`build.py`, or the wheel of `kernels/` in the repository), takes its place at run
time. Nothing here trusts it: it must load, say about the same as the wheel, and be faster.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from shortstop.errors import ShortstopError
from shortstop.serving.engines.measured import MeasuredFile
from shortstop.serving.engines.options import EngineOptions
from shortstop.serving.engines.speed import Speed, identity

log = logging.getLogger(__name__)

PATTERN = "libggml-cpu-*.so"
PACKAGE = "shortstop_kernels"
"""Where a wheel of modules is, once installed."""
GAIN, LOSS = 1.1, 0.9
"""A module is taken where it reads prompts or generates so much faster, and neither much slower."""


class ModuleVerdict(Struct, frozen=True):
    """What trying a module gave. `prefill` and `decode` are times the wheel's speed."""

    good: bool
    why: str
    prefill: float = 0.0
    decode: float = 0.0


class EngineRun(Struct, frozen=True):
    """One run of the engine: how fast, and the likeliest first tokens of one answer."""

    speed: Speed
    likeliest: tuple[str, ...]


Try = Callable[[EngineOptions], Awaitable[EngineRun]]
"""Runs the engine in a child that ends. Raises ShortstopError."""


def folders(setting: str, home: Path) -> list[Path]:
    """Where modules are looked for: what the operator names, else the data folder and the package
    of modules. `setting` is "auto", "wheel" or a path."""
    if setting == "wheel":
        return []
    if setting != "auto":
        return [Path(setting).expanduser()]
    packed = find_spec(PACKAGE)
    places = packed.submodule_search_locations if packed is not None else None
    return [home / "kernels", *map(Path, places or ())]


def found(setting: str, home: Path) -> list[str]:
    """Files of modules, or folders of which the child takes the best for its processor."""
    some = (one for one in folders(setting, home) if one.is_file() or any(one.glob(PATTERN)))
    return [str(one.absolute()) for one in some]


def judged(wheel: EngineRun, module: EngineRun) -> ModuleVerdict:
    """A module that computes something else agrees with the wheel on no likely word."""
    if not set(wheel.likeliest) & set(module.likeliest[:1]):
        return ModuleVerdict(False, "it says something else than the wheel")
    prefill = module.speed.prefill / wheel.speed.prefill
    decode = module.speed.decode / wheel.speed.decode
    good = max(prefill, decode) >= GAIN and min(prefill, decode) >= LOSS
    why = "faster" if good else "no faster than the wheel"
    return ModuleVerdict(good, why, round(prefill, 2), round(decode, 2))


def best_of(runs: list[EngineRun]) -> EngineRun:
    """Each speed as it was at best."""
    prefill = max(run.speed.prefill for run in runs)
    decode = max(run.speed.decode for run in runs)
    return replace(runs[0], speed=replace(runs[0].speed, prefill=prefill, decode=decode))


@dataclass(frozen=True, slots=True)
class ModuleBook:
    """Verdicts by engine, processor, model and the module's bytes, in one file."""

    path: Path
    setting: str = "auto"

    async def choose(self, model: Path, options: EngineOptions, attempt: Try) -> str:
        """The module to run the engine with; "" for the wheel's own code."""
        for module in found(self.setting, self.path.parent.parent):
            verdict = self.known(model, module) or await self._tried(
                model, options, module, attempt
            )
            if verdict.good:
                return module
        return ""

    def known(self, model: Path, module: str) -> ModuleVerdict | None:
        return self._file.find(_key(model, module))

    def keep(self, model: Path, module: str, verdict: ModuleVerdict) -> None:
        self._file.keep(_key(model, module), verdict)

    @property
    def _file(self) -> MeasuredFile[ModuleVerdict]:
        return MeasuredFile(self.path, ModuleVerdict, "the verdict on a CPU module")

    async def _tried(
        self, model: Path, options: EngineOptions, module: str, attempt: Try
    ) -> ModuleVerdict:
        """In turn, twice: other work slows one run down, and none speeds one up."""
        wheels, modules = [], []
        for _ in range(2):
            wheels.append(await attempt(replace(options, cpu="")))
            try:
                modules.append(await attempt(replace(options, cpu=module)))
            except ShortstopError as error:
                verdict = ModuleVerdict(False, error.message[:200])
                break
        else:
            verdict = judged(best_of(wheels), best_of(modules))
        log.info("the CPU module %s: %s", module, verdict.why)
        self.keep(model, module, verdict)
        return verdict


def _key(model: Path, module: str) -> str:
    path = Path(module)
    files = [path] if path.is_file() else sorted(path.glob("libggml-*.so"))
    digest = hashlib.sha256(identity(model).encode())
    for file in files:
        digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
