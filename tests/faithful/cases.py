"""The cases: frozen ones (`unseen/`), odd ones (`odd/`), and the open ones beside the checkout."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNSEEN = Path(__file__).parent / "unseen"
ODD = Path(__file__).parent / "odd"
OPEN = Path(__file__).parents[3] / "shared" / "cases"
DOORS = ("openai.chat", "openai.responses", "anthropic.messages", "openai.completions")


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a file; `where` is the folder's name."""

    where: str
    file: str
    line: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.where}-{self.file}-{self.line['id']}"

    @property
    def rights(self) -> list[dict[str, Any]]:
        return self.line.get("right_any") or [self.line["right"]]

    @property
    def doors(self) -> tuple[str, ...]:
        """The client dialects that must see the right result."""
        calls = any("calls" in right or "ids" in right for right in self.rights)
        return DOORS[:-1] if calls else DOORS

    @property
    def content(self) -> bytes:
        """The bytes of the upstream's answer."""
        line = self.line
        for name in ("body_base64", "raw_base64"):
            if name in line:
                return base64.b64decode(line[name])
        if "raw" in line:
            return str(line["raw"]).encode()
        body = line["body"]
        text = body if self.file == "streams" else json.dumps(body)
        return text.encode("utf-8", "surrogatepass")


def load(file: str) -> list[Case]:
    """The cases of one file, the open ones only where they are at hand."""
    return [
        Case(where, file, json.loads(line))
        for where, folder in (("unseen", UNSEEN), ("odd", ODD), ("open", OPEN))
        if (folder / f"{file}.jsonl").exists()
        for line in (folder / f"{file}.jsonl").read_text("utf-8").split("\n")
        if line.strip()
    ]
