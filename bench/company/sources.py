"""A company's data: files are known by their columns, never by their names.

| columns | kind |
|---|---|
| text, answer_id (bot, in_scope) | faq: which vetted answer fits, or none |
| text, target | extract: fields as JSON |
| text, label | label: one of a closed set |
| question, answer | bank: vetted answers, asked as they stand |
| messages, tools, accepted_calls | tools: which call, with which arguments |
| dialogue, summary | summary |
| prompt (answer) | hard |
| text, sensitive | assistant: what privacy has to tell apart |

Other files are left out and named. A column `split` whose value begins with "test" marks what is
kept for the last days; without one, four tenths by the id's digest are. Each bot and language of a
file is an application of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
KINDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("tools", frozenset({"messages", "tools", "accepted_calls"})),
    ("faq", frozenset({"text", "answer_id"})),
    ("extract", frozenset({"text", "target"})),
    ("label", frozenset({"text", "label"})),
    ("bank", frozenset({"question", "answer"})),
    ("summary", frozenset({"dialogue", "summary"})),
    ("assistant", frozenset({"text", "sensitive"})),
    ("hard", frozenset({"prompt"})),
)
"""The first whose columns are all there."""
GROUPS = ("bot", "lang", "language", "locale")
MOST_GROUPS = 8
LATE = 0.4


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that somebody asks once, with the reference answer. `key` is what may be new about
    it (its label, its vendor); `late`: only on the last days; `system` is the system prompt that
    came with it, where one did."""

    id: str
    text: str
    gold: Any
    late: bool
    key: str = ""
    in_scope: bool = True
    tools: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The items of one file, or of one bot or language in it."""

    name: str
    kind: str
    items: tuple[Item, ...]


def read(folder: Path) -> tuple[list[Source], list[str]]:
    """What a folder holds, and the names of files of no known kind. Raises OSError."""
    sources: list[Source] = []
    unknown: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".parquet", ".jsonl"):
            continue
        rows = _rows(path)
        kind = kind_of(rows[0]) if rows else None
        if kind is None:
            unknown.append(path.name)
            continue
        for group, members in _groups(rows):
            name = f"{path.stem}-{group}" if group else path.stem
            sources.append(Source(name, kind, tuple(_items(kind, members))))
    return sources, unknown


def kind_of(row: Row) -> str | None:
    """The kind of request that a row with these columns is."""
    return next((kind for kind, columns in KINDS if columns <= row.keys()), None)


def _rows(path: Path) -> list[Row]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    import pyarrow.parquet as parquet

    rows: list[Row] = parquet.read_table(path).to_pylist()
    return rows


def _groups(rows: list[Row]) -> Iterable[tuple[str, list[Row]]]:
    for column in GROUPS:
        values = {str(row.get(column) or "") for row in rows}
        if 1 < len(values) <= MOST_GROUPS:
            return [(v, [r for r in rows if str(r.get(column) or "") == v]) for v in sorted(values)]
    return [("", rows)]


def _items(kind: str, rows: list[Row]) -> Iterable[Item]:
    """Each text once; what stands in both parts stays in the early one."""
    seen: set[str] = set()
    key_field = _key_field(rows) if kind == "extract" else None
    for row in sorted(rows, key=_late):
        item = _ITEM[kind](row) if kind != "extract" else _extract(row, key_field)
        plain = f"{plain_text(item.text)} {item.tools}"
        if plain not in seen and item.text.strip():
            seen.add(plain)
            yield item


def plain_text(text: str) -> str:
    """The same for texts that differ in case, spaces and punctuation alone."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _late(row: Row) -> bool:
    if "split" in row:
        return str(row["split"]).startswith("test")
    digest = hashlib.sha256(str(row["id"]).encode()).digest()
    return digest[0] < LATE * 256


def _label(row: Row) -> Item:
    label = str(row["label"])
    return Item(str(row["id"]), row["text"], label, _late(row), key=label)


def _faq(row: Row) -> Item:
    within = bool(row.get("in_scope", True))
    gold = str(row["answer_id"]) if within else None
    return Item(str(row["id"]), row["text"], gold, _late(row), gold or "", within)


def _bank(row: Row) -> Item:
    return Item(str(row["id"]), row["question"], row["answer"], _late(row))


def _extract(row: Row, key_field: str | None) -> Item:
    gold = _parsed(row["target"])
    key = str(gold.get(key_field, "")) if key_field else ""
    return Item(str(row["id"]), row["text"], gold, _late(row), key=plain_text(key))


def _tools(row: Row) -> Item:
    calls = [_accepted(call) for call in _parsed(row["accepted_calls"])]
    return Item(
        str(row["id"]), _said(row, "user"), calls, _late(row), in_scope=bool(calls),
        tools=json.dumps(_parsed(row["tools"]), sort_keys=True), system=_said(row, "system"),
    )  # fmt: skip


def _said(row: Row, role: str) -> str:
    """All that a conversation has in a role."""
    return "\n\n".join(m["content"] for m in _parsed(row["messages"]) if m["role"] == role)


def _accepted(call: Row) -> Row:
    return {tool_name(name): arguments for name, arguments in call.items()}


def tool_name(name: str) -> str:
    """A function's name as the vendors allow it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _summary(row: Row) -> Item:
    return Item(str(row["id"]), row["dialogue"], row["summary"], _late(row))


def _hard(row: Row) -> Item:
    answers = _parsed(row.get("answer") or "[]")
    return Item(str(row["id"]), row["prompt"], answers or None, _late(row))


def _assistant(row: Row) -> Item:
    return Item(str(row["id"]), row["text"], None, _late(row), in_scope=not row["sensitive"])


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


_ITEM = {
    "label": _label,
    "faq": _faq,
    "bank": _bank,
    "tools": _tools,
    "summary": _summary,
    "hard": _hard,
    "assistant": _assistant,
}


def _key_field(rows: list[Row]) -> str | None:
    """The field that names the sender of a document: words that come back again and again."""
    fields: dict[str, list[str]] = {}
    for row in rows:
        for name, value in _parsed(row["target"]).items():
            if isinstance(value, str) and len(value) >= 4 and not any(c.isdigit() for c in value):
                fields.setdefault(name, []).append(plain_text(value))

    def repeated(name: str) -> float:
        values = fields[name]
        return len(values) - len(set(values)) if len(values) >= len(rows) / 2 else 0

    best = max(fields, key=repeated, default=None)
    return best if best and repeated(best) >= len(rows) / 10 else None
