"""CPU modules made here: llama.cpp's code for processors that the engine's wheel ignores.

The source is the pinned xllamacpp's own source distribution (its hash is checked), so that the ggml
version is the engine's. Needs cmake and a C++ compiler; some 80 seconds of processor time a
variant. What is made is found by `[engine] cpu`, and taken where it is sound and faster
(`modules.py`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from shortstop.errors import ConfigError, ModelFileError
from shortstop.registry import require_sha256

VERSION = "2026.10.11549"
SHA256 = "c17ee1163006f70726abb9f72137830818f3d8cb60bfc34cb232d08428eaa22b"
SOURCE = f"xllamacpp=={VERSION}"
VARIANTS = ("haswell", "zen4", "sapphirerapids")
"""AVX2, AVX-512 with VNNI and BF16, AMX: the best in a folder for the processor is taken."""
TOOLS = ("cmake", "c++")
FLAGS = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "ON",
    "CMAKE_BUILD_WITH_INSTALL_RPATH": "ON",
    "CMAKE_INSTALL_RPATH": "$ORIGIN",
    "GGML_BACKEND_DL": "ON",
    "GGML_CPU_ALL_VARIANTS": "ON",
    "GGML_NATIVE": "OFF",
    "GGML_OPENMP": "ON",
    "GGML_LLAMAFILE": "ON",
    "GGML_BUILD_TESTS": "OFF",
    "GGML_BUILD_EXAMPLES": "OFF",
}
LOADS_TILES = "    _tile_loadconfig(&tc);\n"
READ_WHOLE = '    __asm__ volatile("" :: "m"(tc) : "memory");\n'
"""gcc 12 believes that loading a tile configuration reads 8 of its 64 bytes, and drops the rest."""
PERCENT = re.compile(r"\[\s*(\d+)%\]")
"""How far cmake's generated build is."""
REMEMBERED = 8
"""Last lines of a tool that are told when it fails."""

Progress = Callable[[str, int], object]
"""Told what is done now, and how much of it in percent."""


def suitable(simd: Collection[str]) -> list[str]:
    """The variants that may be worth building for a processor with these instructions."""
    if any(name.startswith("amx") for name in simd):
        return ["sapphirerapids", "zen4"]
    return ["zen4"] if any(name.startswith("avx512") for name in simd) else ["haswell"]


def build_modules(
    out: Path, variants: Sequence[str], progress: Progress, sdist: Path | None = None
) -> list[Path]:
    """Leave modules and their base library in `out`; without `sdist` pip downloads the source.

    Raises ConfigError where a tool or a variant is not there, ModelFileError where the source is
    another one, cannot be downloaded or does not compile. What lay in `out` before stays until all
    is made.
    """
    _require(variants)
    with tempfile.TemporaryDirectory(prefix="shortstop-engine-") as folder:
        work = Path(folder)
        progress("source", 0)
        made = _compiled(sdist or _downloaded(work), work, variants, progress)
        return _kept(made, out)


def _require(variants: Sequence[str]) -> None:
    unknown = sorted(set(variants) - set(VARIANTS))
    if unknown or not variants:
        raise ConfigError(
            f"No CPU variant is named {unknown[0]!r}." if unknown else "No CPU variant is named.",
            hint=f"There are {', '.join(VARIANTS)}.",
        )
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise ConfigError(
            f"Nothing can be built: {' and '.join(missing)} not found.",
            hint="Install cmake and a C++ compiler (Debian: apt-get install cmake g++).",
        )


def _downloaded(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--no-binary=xllamacpp", "--disable-pip-version-check", "--dest", str(work)]
    try:
        _run([*command, SOURCE], lambda line: None)
    except ModelFileError as error:
        raise ModelFileError(
            f"pip could not download the source of {SOURCE}: {error.message}",
            hint="Check the network, or download it elsewhere and give it with --sdist FILE.",
        ) from error
    return work / f"xllamacpp-{VERSION}.tar.gz"


def _compiled(sdist: Path, work: Path, variants: Sequence[str], progress: Progress) -> Path:
    """The folder of what was made."""
    if not sdist.is_file():
        raise ModelFileError(f"There is no file {sdist}.")
    require_sha256(sdist, SHA256)
    with tarfile.open(sdist) as packed:
        packed.extraction_filter = getattr(tarfile, "data_filter", None)  # since Python 3.11.4
        packed.extractall(work)  # noqa: S202 - its hash is known
    source = work / f"xllamacpp-{VERSION}" / "thirdparty" / "llama.cpp" / "ggml"
    _mend(source)
    made = work / "made"
    flags = [f"-D{name}={value}" for name, value in FLAGS.items()]
    progress("configure", 0)
    _run(["cmake", "-S", str(source), "-B", str(made), *flags], lambda line: None)
    shutil.copy(source.parent / "LICENSE", made / "LICENSE")
    for variant in variants:

        def told(line: str, variant: str = variant) -> None:
            if found := PERCENT.match(line):
                progress(variant, int(found[1]))

        parallel = ["-j", str(os.cpu_count() or 1)]
        _run(["cmake", "--build", str(made), *parallel, "--target", f"ggml-cpu-{variant}"], told)
    return made


def _mend(source: Path) -> None:
    """What the source distribution lacks, and what a compiler gets wrong."""
    (source / "ggml.pc.in").touch()
    tiles = source / "src" / "ggml-cpu" / "amx" / "mmq.cpp"
    text = tiles.read_text(encoding="utf-8")
    if text.count(LOADS_TILES) != 1:
        raise ModelFileError(f"{tiles} is not as expected: look at it before you build.")
    tiles.write_text(text.replace(LOADS_TILES, READ_WHOLE + LOADS_TILES), encoding="utf-8")


def _kept(made: Path, out: Path) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    kept = []
    for pattern in ("libggml-base.so*", "libggml-cpu-*.so", "LICENSE"):
        for file in sorted(made.rglob(pattern)):
            half = out / f".{file.name}"
            shutil.copy(file, half)
            kept.append(half.replace(out / file.name))
    return kept


def _run(command: Sequence[str], told: Callable[[str], object]) -> None:
    """Raises ModelFileError with the tool's last words."""
    last: deque[str] = deque(maxlen=REMEMBERED)
    with subprocess.Popen(  # noqa: S603 - tools by name, arguments of our own
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as tool:
        assert tool.stdout is not None
        for line in tool.stdout:
            last.append(line.strip())
            told(line)
    if tool.returncode:
        said = next((line for line in reversed(last) if "rror" in line), last[-1] if last else "")
        raise ModelFileError(f"{Path(command[0]).name} failed: {said or 'no reason given'}.")
