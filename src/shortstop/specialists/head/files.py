"""A label head as files, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.specialists import about
from shortstop.specialists.arrays import packed, unpacked
from shortstop.specialists.head.evidence import SIGNALS, Acceptor
from shortstop.specialists.head.label_head import HeadSpecialist, LabelHead, LetterHead
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind
from shortstop.specialists.words import WordTable, grams

ARRAYS = "arrays.npz"


class _HeadFile(Struct):
    labels: tuple[str, ...]
    letter_share: float = 0.0
    terms: tuple[str, ...] = ()
    catch_all: tuple[int, ...] = ()


def dump_head(head: LabelHead) -> dict[str, bytes]:
    """Half precision: what a probability loses is below its third digit."""
    arrays: dict[str, Any] = {
        "weights": head.weights.astype(np.float16),
        "bias": head.bias,
        "examples": head.examples.astype(np.float16),
        "owners": head.owners,
    }
    described = _HeadFile(head.labels, catch_all=tuple(sorted(head.catch_all)))
    if head.letters is not None:
        described.letter_share = head.letter_share
        described.terms = tuple(head.letters.table.columns)
        arrays["rarity"] = head.letters.table.rarity
        arrays["letter_weights"] = head.letters.weights.astype(np.float16)
        arrays["letter_bias"] = head.letters.bias
    if head.acceptor is not None:
        arrays["acceptor"] = np.stack(
            [head.acceptor.weights, head.acceptor.centre, head.acceptor.spread]
        )
        arrays["acceptor_bias"] = np.float32(head.acceptor.bias)
    return {ARRAYS: packed(**arrays), **about.dumped(described)}


def load_head(files: Files) -> LabelHead:
    """Raises StoreError."""
    described, arrays = about.loaded(files, _HeadFile), unpacked(files.get(ARRAYS, b""))
    try:
        head = LabelHead(
            described.labels,
            _single(arrays["weights"]),
            arrays["bias"],
            _single(arrays["examples"]),
            arrays["owners"],
            _letters(described, arrays) if described.terms else None,
            described.letter_share,
            _acceptor(arrays) if "acceptor" in arrays else None,
            frozenset(described.catch_all),
        )
    except KeyError as error:
        raise StoreError(f"A label head lacks {error}.") from None
    fits = head.weights.shape == (head.examples.shape[1], len(head.labels))
    if not fits or len(head.owners) != len(head.examples):
        raise StoreError("A label head's weights do not fit its labels.")
    return head


def _letters(described: _HeadFile, arrays: dict[str, Any]) -> LetterHead:
    columns = {term: number for number, term in enumerate(described.terms)}
    table = WordTable(columns, arrays["rarity"], grams)
    return LetterHead(table, _single(arrays["letter_weights"]), arrays["letter_bias"])


def _acceptor(arrays: dict[str, Any]) -> Acceptor:
    parts = arrays["acceptor"]
    if parts.shape != (3, SIGNALS):
        raise StoreError("A label head's acceptor does not fit its signals.")
    return Acceptor(parts[0], float(arrays["acceptor_bias"]), parts[1], parts[2])


def _load(files: Files, encoder: GetEncoder) -> HeadSpecialist:
    return HeadSpecialist(load_head(files), encoder())


def _single(half: Any) -> Any:
    return half.astype(np.float32)


LABEL_HEAD = SpecialistKind("label-head", _load)
