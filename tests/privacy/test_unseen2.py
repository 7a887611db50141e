"""The second set of unseen texts is frozen, and its generator still writes it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.privacy.unseen2 import generate

FOLDER = Path(generate.__file__).parent
FILES = ("sensitive.jsonl", "business.jsonl")


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_one_that_its_readme_names(name: str) -> None:
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    assert digest in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_generator_writes_both_files_byte_for_byte(tmp_path: Path) -> None:
    generate.write(tmp_path / "sensitive.jsonl", generate.sensitive(20261127))
    generate.write(tmp_path / "business.jsonl", generate.business(20261127))
    assert all((tmp_path / n).read_bytes() == (FOLDER / n).read_bytes() for n in FILES)
