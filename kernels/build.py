"""Builds CPU modules for the engine: llama.cpp's CPU code for processors that its wheel ignores.

    python kernels/build.py --sdist xllamacpp-VERSION.tar.gz --out DIR [--variants haswell,zen4]

The source is the pinned xllamacpp's own source distribution (its hash is checked), so that the ggml
version is the engine's. Needs cmake and a C++ compiler; some 80 seconds of CPU time a variant. What
lies in DIR is found by `[engine] cpu = "DIR"`, or by "auto" in the data folder's `kernels`.
Uses nothing but the standard library and knows nothing of Shortstop.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "2026.10.11549"
SHA256 = "c17ee1163006f70726abb9f72137830818f3d8cb60bfc34cb232d08428eaa22b"
VARIANTS = ("haswell", "zen4", "sapphirerapids")
"""AVX2, AVX-512 with VNNI and BF16, AMX: the best in a folder for the processor is taken."""
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


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU modules for the engine.")
    parser.add_argument("--sdist", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    args = parser.parse_args()
    missing = [tool for tool in ("cmake", "c++") if shutil.which(tool) is None]
    if missing:
        absent = " and ".join(missing)
        sys.stderr.write(f"Not built: {absent} not found. Install a C++ compiler and cmake.\n")
        return 2
    if hashlib.sha256(args.sdist.read_bytes()).hexdigest() != SHA256:
        sys.stderr.write(f"Not built: {args.sdist} is not the source of xllamacpp {VERSION}.\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        build(args.sdist, args.out, args.variants.split(","), Path(folder))
    return 0


def build(sdist: Path, out: Path, variants: list[str], work: Path) -> None:
    """Leave modules and their base library in `out`."""
    with tarfile.open(sdist) as packed:
        packed.extractall(work, filter="data")
    source = work / f"xllamacpp-{VERSION}" / "thirdparty" / "llama.cpp" / "ggml"
    mend(source)
    made = work / "made"
    flags = [f"-D{name}={value}" for name, value in FLAGS.items()]
    run("cmake", "-S", str(source), "-B", str(made), *flags)
    targets = [f"ggml-cpu-{variant}" for variant in variants]
    run("cmake", "--build", str(made), "-j", str(os.cpu_count() or 1), "--target", *targets)
    out.mkdir(parents=True, exist_ok=True)
    for pattern in ("libggml-base.so*", "libggml-cpu-*.so"):
        for file in made.rglob(pattern):
            shutil.copy(file, out / file.name)
    shutil.copy(source.parent / "LICENSE", out / "LICENSE")


def mend(source: Path) -> None:
    """What the source distribution lacks, and what a compiler gets wrong."""
    (source / "ggml.pc.in").touch()
    tiles = source / "src" / "ggml-cpu" / "amx" / "mmq.cpp"
    text = tiles.read_text(encoding="utf-8")
    if text.count(LOADS_TILES) != 1:
        raise SystemExit(f"{tiles} is not as expected: look at it before you build.")
    tiles.write_text(text.replace(LOADS_TILES, READ_WHOLE + LOADS_TILES), encoding="utf-8")


def run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
