"""What a specialist was made from, on one page: for people (Markdown) and programs (JSON)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.flywheel.curate.dataset import Dataset
from shortstop.types import Tier

JSON, MARKDOWN = "card.json", "card.md"
CONSENT = (
    "Requests of this gateway's own clients. Answers of models whose operator has set"
    " `teacher = true`, which states that their terms allow learning from them; and people's"
    " corrections."
)


class DataCard(Struct, frozen=True):
    """Counts of rows; times are Unix seconds. `expires` is when the oldest row has had its time,
    and what was made of it goes; 0: never. `left_out` counts rows by why."""

    tenant: str
    task: str
    data: str
    trained: int
    doubted: int
    examined: int
    first: float
    last: float
    expires: float
    tier: str
    pinned: int
    gold: int
    synthetic: int
    teachers: Mapping[str, int]
    left_out: Mapping[str, int]
    consent: str = CONSENT
    licence: str = "As the teachers' terms say; not for others than this tenant."


def card_files(data: Dataset, retention: float, left_out: Mapping[Any, int]) -> dict[str, bytes]:
    """What stands beside a specialist's own files; nothing where nothing trains."""
    return files_of(card_of(data, retention, left_out)) if data.train else {}


def card_of(data: Dataset, retention: float, left_out: Mapping[Any, int]) -> DataCard:
    """`retention` in seconds, 0: rows are kept for ever; `left_out` counts what was left out before
    the data set was made."""
    rows = data.train
    first = min(row.at for row in rows)
    return DataCard(
        tenant=rows[0].tenant,
        task=rows[0].task,
        data=data.name,
        trained=len(rows),
        doubted=len(data.doubted),
        examined=len(data.examine),
        first=first,
        last=max(row.at for row in rows),
        expires=first + retention if retention else 0.0,
        tier=Tier(max(row.tier for row in rows)).name,
        pinned=sum(row.pinned for row in rows),
        gold=sum(row.gold for row in rows),
        synthetic=sum(row.synthetic for row in rows),
        teachers=Counter(row.teacher for row in rows if row.teacher),
        left_out=dict(left_out) | dict(data.left_out),
    )


def files_of(card: DataCard) -> dict[str, bytes]:
    """Beside a specialist's own files."""
    document = msgspec.json.format(msgspec.json.encode(card))
    return {JSON: document, MARKDOWN: _markdown(card).encode("utf-8", "replace")}


def _markdown(card: DataCard) -> str:
    teachers = ", ".join(f"{name} ({count:,})" for name, count in card.teachers.items()) or "none"
    left_out = [f"| {why} | {count:,} |" for why, count in sorted(card.left_out.items())]
    ends = "never" if not card.expires else _day(card.expires)
    lines = [
        f"# Data of {card.task} ({card.tenant})",
        "",
        f"- Rows: {card.trained:,} train, {card.doubted:,} doubted, {card.examined:,} examine;"
        f" from {_day(card.first)} to {_day(card.last)}; hash {card.data}.",
        f"- Answers by: {teachers}; by people {card.gold:,}; synthetic {card.synthetic:,}.",
        f"- Privacy: tier {card.tier} at most; {card.pinned:,} rows may not leave the machine.",
        f"- Kept until: {ends}, when the oldest row has had its time.",
        f"- Consent: {card.consent}",
        f"- Licence: {card.licence}",
        "",
        "| left out | rows |",
        "|---|---|",
        *left_out,
        "",
    ]
    return "\n".join(lines)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
