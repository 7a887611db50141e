"""The kinds of specialists: how each becomes files, and files become one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.specialists.arrays import packed, unpacked
from shortstop.specialists.copy.extractor import CopyExtractor, Scalar
from shortstop.specialists.copy.tagger import FieldTagger
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.label_head import HeadSpecialist, LabelHead, WordHead
from shortstop.specialists.opinion import Specialist
from shortstop.specialists.words import WordTable

Files = Mapping[str, bytes]
HEAD, COPY = "label-head", "copy"

ARRAYS, ABOUT = "arrays.npz", "about.json"


class _HeadFile(Struct):
    labels: tuple[str, ...]
    word_share: float = 0.0
    terms: tuple[str, ...] = ()


class _FieldFile(Struct):
    form: str
    memory: dict[str, str]
    snap: float


class _CopyFile(Struct):
    fields: dict[str, _FieldFile]
    kinds: dict[str, Scalar]
    key: str | None


def dump_head(head: LabelHead) -> dict[str, bytes]:
    """Half precision: what a probability loses is below its third digit."""
    arrays: dict[str, Any] = {
        "weights": head.weights.astype(np.float16),
        "bias": head.bias,
        "examples": head.examples.astype(np.float16),
    }
    about = _HeadFile(head.labels)
    if head.words is not None:
        about.word_share, about.terms = head.word_share, tuple(head.words.table.columns)
        arrays["rarity"] = head.words.table.rarity
        arrays["word_weights"] = head.words.weights.astype(np.float16)
        arrays["word_bias"] = head.words.bias
    return {ARRAYS: packed(**arrays), ABOUT: msgspec.json.encode(about)}


def load_head(files: Files) -> LabelHead:
    """Raises StoreError."""
    about, arrays = _about(files, _HeadFile), unpacked(files.get(ARRAYS, b""))
    try:
        words = None
        if about.terms:
            columns = {term: number for number, term in enumerate(about.terms)}
            table = WordTable(columns, arrays["rarity"])
            words = WordHead(table, _single(arrays["word_weights"]), arrays["word_bias"])
        head = LabelHead(
            about.labels,
            _single(arrays["weights"]),
            arrays["bias"],
            _single(arrays["examples"]),
            words,
            about.word_share,
        )
    except KeyError as error:
        raise StoreError(f"A label head lacks {error}.") from None
    if head.weights.shape != (head.examples.shape[1], len(head.labels)):
        raise StoreError("A label head's weights do not fit its labels.")
    return head


def dump_copy(extractor: CopyExtractor) -> dict[str, bytes]:
    fields = {
        name: _FieldFile(tagger.form, tagger.memory, tagger.snap)
        for name, tagger in extractor.fields.items()
    }
    about = _CopyFile(fields, extractor.kinds, extractor.key)
    models = {
        _model(number): tagger.model for number, tagger in enumerate(extractor.fields.values())
    }
    return {ABOUT: msgspec.json.encode(about), **models}


def load_copy(files: Files) -> CopyExtractor:
    """Raises StoreError."""
    about = _about(files, _CopyFile)
    try:
        taggers = {
            name: FieldTagger(files[_model(number)], field.form, field.memory, field.snap)
            for number, (name, field) in enumerate(about.fields.items())
        }
    except (KeyError, ValueError) as error:
        raise StoreError(f"A tagger cannot be read: {error}") from error
    return CopyExtractor(taggers, about.kinds, about.key)


def load(kind: str, files: Files, encoder: Encoder | None) -> Specialist:
    """Raises StoreError for an unknown kind, damaged files, or a lack of the encoder."""
    if kind == COPY:
        return load_copy(files)
    if kind == HEAD and encoder is not None:
        return HeadSpecialist(load_head(files), encoder)
    what = "needs the sentence encoder" if kind == HEAD else "is of a kind that is not known here"
    raise StoreError(f"A specialist ({kind}) {what}.")


def _model(number: int) -> str:
    return f"field-{number}.crfsuite"


def _about(files: Files, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(files.get(ABOUT, b""), type=kind)
    except msgspec.MsgspecError as error:
        raise StoreError(f"A specialist's description cannot be read: {error}") from error


def _single(half: Any) -> Any:
    return half.astype(np.float32)
