"""A composed specialist as files, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.specialists import about, novelty
from shortstop.specialists.arrays import packed, unpacked
from shortstop.specialists.composed.composed import AnswerLayout, ComposedSpecialist
from shortstop.specialists.composed.field import ConstantField, FieldReader, LabelField
from shortstop.specialists.copy.field import CopyField, CopyRules
from shortstop.specialists.copy.page import Embed
from shortstop.specialists.copy.tagger import SpanTagger
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.head.files import dump_head, load_head
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind

WORDINGS = "wordings.npz"


class _FieldFile(Struct):
    """Exactly one of `constant`, `copy` and neither, which is a label head or nothing."""

    kind: Literal["none", "constant", "label", "copy"]
    constant: ConstantField | None = None
    copy: CopyRules | None = None
    taggers: int = 0


class _ComposedFile(Struct):
    plan: AnswerLayout
    fields: dict[str, _FieldFile]
    guarded: bool = False


def dump_composed(specialist: ComposedSpecialist) -> dict[str, bytes]:
    described: dict[str, _FieldFile] = {}
    guard = specialist.wordings
    files = {WORDINGS: packed(**novelty.arrays(guard))} if guard is not None else {}
    for number, (name, field) in enumerate(specialist.fields.items()):
        described[name] = _described(field)
        files |= {f"field-{number}-{part}": data for part, data in _parts(field).items()}
    return {**about.dumped(_ComposedFile(specialist.plan, described, guard is not None)), **files}


def load_composed(files: Files, encoder: GetEncoder) -> ComposedSpecialist:
    """Raises StoreError."""
    described = about.loaded(files, _ComposedFile)
    fields: dict[str, FieldReader | None] = {}
    embed: Embed | None = None
    for number, (name, one) in enumerate(described.fields.items()):
        start = f"field-{number}-"
        parts = {n.removeprefix(start): d for n, d in files.items() if n.startswith(start)}
        fields[name] = _field(one, parts)
        if one.kind == "label":
            embed = embed or embedder(encoder())
    wordings = None
    if described.guarded:
        wordings = novelty.of_arrays(unpacked(files.get(WORDINGS, b"")))
    return ComposedSpecialist(described.plan, fields, wordings, embed)


def embedder(encoder: Encoder) -> Embed:
    return lambda text: encoder.encode([text])[0]


def _described(field: FieldReader | None) -> _FieldFile:
    match field:
        case ConstantField():
            return _FieldFile("constant", constant=field)
        case CopyField():
            return _FieldFile("copy", copy=field.rules, taggers=len(field.taggers))
        case LabelField():
            return _FieldFile("label")
        case _:
            return _FieldFile("none")


def _parts(field: FieldReader | None) -> dict[str, bytes]:
    if isinstance(field, LabelField):
        return dump_head(field.head)
    if isinstance(field, CopyField):
        return {f"{n}.crfsuite": tagger.model for n, tagger in enumerate(field.taggers)}
    return {}


def _field(described: _FieldFile, parts: Mapping[str, bytes]) -> FieldReader | None:
    """Raises StoreError."""
    if described.kind == "label":
        return LabelField(load_head(parts))
    if described.copy is not None:
        try:
            taggers = [SpanTagger(parts[f"{n}.crfsuite"]) for n in range(described.taggers)]
        except (KeyError, ValueError) as error:
            raise StoreError(f"A tagger cannot be read: {error}") from error
        return CopyField(taggers, described.copy)
    return described.constant


COMPOSED = SpecialistKind("composed", load_composed)
