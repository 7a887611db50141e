"""CPU modules are built from one known source, with what the machine has; the failures have words.

The compiler's part is played by a script named cmake, so that minutes become milliseconds.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tarfile
from pathlib import Path

import pytest

from shortstop.errors import ConfigError, ModelFileError
from shortstop.serving.engines import build
from shortstop.serving.engines.build import LOADS_TILES, READ_WHOLE, build_modules, suitable

ROOT = Path(__file__).parents[3]
LLAMA = str(Path("xllamacpp-" + build.VERSION, "thirdparty", "llama.cpp"))
CMAKE = f"""#!{sys.executable}
import pathlib, sys
words = sys.argv[1:]
if "--build" in words:
    made = pathlib.Path(words[words.index("--build") + 1])
    variant = words[words.index("--target") + 1]
    tiles = made.parent.joinpath({LLAMA!r})
    assert {READ_WHOLE + LOADS_TILES!r} in (tiles / "ggml/src/ggml-cpu/amx/mmq.cpp").read_text()
    if variant == "ggml-cpu-zen4":
        print("x.cpp:1:2: error: no such instruction")
        sys.exit(2)
    print("[ 50%] Building")
    (made / "bin").mkdir(exist_ok=True)
    (made / "bin" / f"lib{{variant}}.so").write_bytes(b"module")
    (made / "bin" / "libggml-base.so").write_bytes(b"base")
    print("[100%] Built")
else:
    pathlib.Path(words[words.index("-B") + 1]).mkdir()
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cmake", "c++"):
        (folder / name).write_text(CMAKE, encoding="utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def sdist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source of the same shape, which is the known one for this test."""
    root = tmp_path / f"xllamacpp-{build.VERSION}"
    llama = root / "thirdparty" / "llama.cpp"
    amx = llama / "ggml" / "src" / "ggml-cpu" / "amx"
    amx.mkdir(parents=True)
    (amx / "mmq.cpp").write_text(f"void load() {{\n{LOADS_TILES}}}\n", encoding="utf-8")
    (llama / "LICENSE").write_text("MIT", encoding="utf-8")
    packed = tmp_path / "source.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(root, root.name)
    monkeypatch.setattr(build, "SHA256", hashlib.sha256(packed.read_bytes()).hexdigest())
    return packed


@pytest.mark.parametrize(
    ("simd", "wanted"),
    [
        (("avx2", "fma"), ["haswell"]),
        (("avx2", "avx512f", "avx512_vnni"), ["zen4"]),
        (("avx2", "avx512f", "amx_tile"), ["sapphirerapids", "zen4"]),
        ((), ["haswell"]),
    ],
)
def test_what_suits_a_processor(simd: tuple[str, ...], wanted: list[str]) -> None:
    assert suitable(simd) == wanted


def test_modules_base_and_licence_are_left_in_the_folder(
    tools: Path, sdist: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int]] = []
    out = tmp_path / "kernels"
    made = build_modules(out, ["haswell"], lambda *step: told.append(step), sdist)
    names = {"libggml-base.so", "libggml-cpu-haswell.so", "LICENSE"}
    assert {file.name for file in made} == {file.name for file in out.iterdir()} == names
    assert told == [("source", 0), ("configure", 0), ("haswell", 50), ("haswell", 100)]


def test_what_was_there_stays_where_nothing_can_be_made(
    tools: Path, sdist: Path, tmp_path: Path
) -> None:
    out = tmp_path / "kernels"
    build_modules(out, ["haswell"], lambda *step: None, sdist)
    with pytest.raises(ModelFileError, match=r"cmake failed: .*no such instruction"):
        build_modules(out, ["haswell", "zen4"], lambda *step: None, sdist)
    assert (out / "libggml-cpu-haswell.so").read_bytes() == b"module"
    assert not list(out.glob("*zen4*"))


def test_another_source_is_refused(tools: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist, "w:gz"):
        pass
    with pytest.raises(ModelFileError, match="sha256"):
        build_modules(tmp_path / "kernels", ["haswell"], lambda *step: None, sdist)
    with pytest.raises(ModelFileError, match="There is no file"):
        build_modules(tmp_path / "kernels", ["haswell"], lambda *step: None, tmp_path / "none")


@pytest.mark.parametrize(("variants", "words"), [(["m1"], "'m1'"), ([], "No CPU variant is named")])
def test_unknown_variants_are_named(variants: list[str], words: str, tools: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        build_modules(tools, variants, lambda *step: None)


def test_without_tools_it_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"cmake and c\+\+ not found"):
        build_modules(tmp_path, ["haswell"], lambda *step: None)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_source_is_of_the_engine_that_is_installed(file: str) -> None:
    pins = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^xllamacpp=={re.escape(build.VERSION)} ", pins, re.MULTILINE)
    packed = (ROOT / "kernels" / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{build.VERSION}"' in packed
