"""Models of taggers that earlier runs trained on the same pages and places, kept in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from unittest.mock import patch

from shortstop.flywheel.copy import learner
from shortstop.flywheel.copy.align import Span
from shortstop.specialists.copy import tokens
from shortstop.specialists.copy.page import Page

KEPT = Path("var/bench/taggers")
Train = Callable[[Sequence[tuple[Page, list[Span]]]], bytes]


@contextmanager
def kept_taggers(folder: Path = KEPT) -> Iterator[None]:
    """Inside, what was trained before is read: training is the same every time."""
    with patch.object(learner, "trained", _kept(learner.trained, folder)):
        yield


def _kept(train: Train, folder: Path) -> Train:
    code = Path(tokens.__file__).read_bytes() + repr(learner.TRAINING).encode()

    def trained(taught: Sequence[tuple[Page, list[Span]]]) -> bytes:
        name = blake2b(code, digest_size=16)
        for page, spans in taught:
            name.update(f"{page.text}\0{spans}\0".encode("utf-8", "surrogatepass"))
        file = folder / name.hexdigest()
        if not file.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(train(taught))
        return file.read_bytes()

    return trained
