"""A grade as a row: what the journal holds of it, and the grade again."""

from __future__ import annotations

import msgspec

from shortstop.traces.seal import LOCKED, Seal, unlocked
from shortstop.types import Grade
from shortstop.types.rows import GradeRow

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(GradeRow).decode
"""JSON -> GradeRow. Raises msgspec.DecodeError."""

_text = msgspec.json.Decoder(str).decode


def grade_row(grade: Grade) -> GradeRow:
    """Without its correction."""
    return GradeRow(
        trace=grade.trace,
        tenant=grade.tenant,
        source=grade.source,
        target=grade.target,
        value=grade.value,
        at=grade.at,
        reference=grade.reference,
        grader=grade.grader,
    )


def about_correction(row: GradeRow) -> str:
    """What a sealed correction is bound to, so that it opens in its own row only."""
    return f"{row.trace} {row.source} {row.target} {row.grader or ''} correction"


def opened(row: GradeRow, seal: Seal | None) -> Grade:
    """The grade; None for a sealed correction without its `seal`.

    Raises StoreError when it was sealed with another key.
    """
    return Grade(
        trace=row.trace,
        tenant=row.tenant,
        source=row.source,
        target=row.target,
        value=row.value,
        at=row.at,
        reference=row.reference,
        grader=row.grader,
        correction=_correction(row, seal),
    )


def _correction(row: GradeRow, seal: Seal | None) -> str | None:
    data = row.correction
    if data is None or (seal is None and data.startswith(LOCKED)):
        return None
    return _text(unlocked(seal, data, about_correction(row)))
