"""A JSON object as its fields, and back as its writer spells it: order, blanks, code fence.

A field is a dotted name: `total`, or `buyer.city` for one in an object one level down. Whatever is
deeper, or a list, is the value of its field as it is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

_FENCED = re.compile(r"\A(\s*```\w*\s*)(.*?)(\s*```\s*)\Z", re.DOTALL)
_NUMBER = re.compile(r"-?\d[\d.]*(?:[eE][-+]?\d+)?")
INDENTS = (None, 2, 4, 1, 3, "\t")
MARKS = ((", ", ": "), (",", ":"), (",", ": "), (", ", ":"))


class Style(Struct, frozen=True):
    """How an object is written: what stands before and behind it, the blanks of a level (None: one
    line), the marks between items and after names, and whether other letters are escaped."""

    before: str = ""
    after: str = ""
    indent: int | str | None = None
    comma: str = ", "
    colon: str = ": "
    ascii: bool = False


class JsonObject(NamedTuple):
    """`fields` by dotted name, in the order in which they stand."""

    fields: dict[str, Any]
    style: Style


def read(answer: str) -> JsonObject | None:
    """None for what is no JSON object, alone or in a code fence, or has ambiguous names."""
    fenced = _FENCED.match(answer)
    before, body, after = fenced.groups() if fenced else ("", answer, "")
    try:
        tree = msgspec.json.decode(body.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    if not isinstance(tree, dict) or not tree:
        return None
    fields: dict[str, Any] = {}
    for name, value in tree.items():
        inner = value.items() if isinstance(value, dict) and value else None
        pairs = [(name, value)] if inner is None else [(f"{name}.{key}", one) for key, one in inner]
        if any(not key or "." in key for key in ([name] if inner is None else [name, *value])):
            return None
        fields.update(pairs)
    return JsonObject(fields, _style(tree, before, body, after))


def write(fields: Mapping[str, Any], style: Style) -> str:
    """The object that `read` makes `fields` of."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        outer, _, inner = name.partition(".")
        if inner:
            nested = tree.setdefault(outer, {})
            nested[inner] = value
        else:
            tree[outer] = value
    return style.before + _spelled(tree, style) + style.after


def common_style(styles: Iterable[Style]) -> Style:
    """The one that most have."""
    counts = Counter(styles)
    return max(counts, key=lambda style: counts[style], default=Style())


def completed(answer: str, unsure: Collection[str], other: str) -> str | None:
    """`answer` with the fields `unsure` as `other`, a JSON object too, has them; None where it
    lacks one, or either is no object."""
    own, theirs = read(answer), read(other)
    if own is None or theirs is None or any(name not in theirs.fields for name in unsure):
        return None
    fields = {n: theirs.fields[n] if n in unsure else v for n, v in own.fields.items()}
    return write(fields, own.style)


def _style(tree: Any, before: str, body: str, after: str) -> Style:
    """The first that spells the object as it was, figures aside; else the usual one."""
    before += body[: len(body) - len(body.lstrip())]
    after = body[len(body.rstrip()) :] + after
    wanted = _NUMBER.sub("0", body.strip())
    for indent in INDENTS if "\n" in wanted else INDENTS[:1]:
        for comma, colon in MARKS:
            for escaped in (False, True) if "\\u" in wanted else (False,):
                style = Style(before, after, indent, comma, colon, escaped)
                if _NUMBER.sub("0", _spelled(tree, style)) == wanted:
                    return style
    return Style(before, after)


def _spelled(tree: Any, style: Style) -> str:
    return json.dumps(
        tree,
        indent=style.indent,
        separators=(style.comma, style.colon),
        ensure_ascii=style.ascii,
    )
