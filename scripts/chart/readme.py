"""The chart's README: what is written by hand, then every value out of its schema.

python -m scripts.chart.readme
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from scripts.chart.cases import CHART
from scripts.reference.markdown import code, table

README = CHART / "README.md"
MARK = "<!-- What follows is made by `make chart` from values.yaml and values.schema.json. -->\n"
Schema = Mapping[str, Any]


def page(text: str) -> str:
    """`text` as it is up to the mark, and the values after it."""
    by_hand, mark, _ = text.partition(MARK)
    assert mark, "the README has lost the line after which the values stand"
    return by_hand + mark + "\n" + table(("value", "default", "is"), rows())


def rows() -> list[tuple[str, str, str]]:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return list(_rows(schema, values, ""))


def _rows(schema: Schema, values: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Of every leaf, and of every table its own line first."""
    for name, part in schema["properties"].items():
        full = f"{path}{name}"
        if full == "global":
            continue
        if "properties" in part:
            yield code(full), "", part["description"]
            yield from _rows(part, values[name], f"{full}.")
        else:
            yield code(full), _shown(values[name]), part["description"] + _choices(part)


def _shown(default: Any) -> str:
    return code(json.dumps(default))


def _choices(part: Schema) -> str:
    names = part.get("enum")
    return f" One of {', '.join(map(code, names))}." if names else ""


def main() -> None:
    README.write_text(page(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
