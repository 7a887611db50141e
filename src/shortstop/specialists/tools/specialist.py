"""Calls of tools that were called before, with the arguments that stand in the request.

A call is given where the tool is chosen, every place of an argument can be read, and the result is
valid against the schema that the request offers. Where no call fits, or several do, it has nothing
to say: an answer in words needs a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.specialists.encoder import Encoder
from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.novelty import Wordings, masked
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query
from shortstop.specialists.tools.arguments import Argument, Filled, filled
from shortstop.specialists.tools.choice import NONE, SEVERAL, Chosen, ToolHead
from shortstop.specialists.tools.slots import SlotsRead, SlotTagger
from shortstop.types import Tool

STRATA = ((0.8, "wording known"), (0.5, "wording like known ones"), (0.0, "wording new"))
"""Names of strata from a similarity on; each is served by a threshold of its own, or never."""
NEW_VALUE = ", value new"


class LearnedTool(Struct, frozen=True):
    """A tool as it was offered: the names of its arguments. Those that were never given are in
    `offered` alone."""

    offered: tuple[str, ...]
    arguments: Mapping[str, Argument]


class ToolSpecialist:
    def __init__(
        self,
        head: ToolHead,
        tagger: SlotTagger,
        tools: Mapping[str, LearnedTool],
        wordings: Wordings,
        encoder: Encoder,
    ) -> None:
        self.head = head
        self.tagger = tagger
        self.tools = dict(tools)
        self.wordings = wordings
        self._encoder = encoder

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        whole = [replace(query, text=_encodable(query.text)) for query in queries]
        units = self._encoder.encode([query.text for query in whole])
        return [
            self.judge(query, self.head.choose(query.text, unit))
            for query, unit in zip(whole, units, strict=True)
        ]

    def judge(self, query: Query, chosen: Chosen) -> Opinion | None:
        """None where there is no call to give."""
        offered = {tool.name: tool for tool in query.tools}.get(chosen.tool)
        learned = self.tools.get(chosen.tool)
        if query.before or chosen.tool in (NONE, SEVERAL) or offered is None or learned is None:
            return None
        if sorted(properties(offered)) != sorted(learned.offered):
            return None
        read = self.tagger.read(query.text, chosen.tool)
        if read is None:
            return None
        values = filled(learned.arguments, query.text, read.slots, query.today)
        if values is None or not _valid(offered, values.arguments):
            return None
        return self._opinion(query, chosen, read, values)

    def _opinion(self, query: Query, chosen: Chosen, read: SlotsRead, values: Filled) -> Opinion:
        similarity = self.wordings.similarity(masked(query.text, read.slots))
        stratum = next(name for least, name in STRATA if similarity >= least)
        calls = (Invocation(chosen.tool, msgspec.json.encode(values.arguments).decode()),)
        return Opinion(
            spelled(calls),
            chosen.chance * read.confidence,
            similarity,
            stratum + (NEW_VALUE if values.new else ""),
            calls,
        )


def _encodable(text: str) -> str:
    """Without halves of surrogate pairs, which no model reads."""
    return text.encode("utf-8", "replace").decode()


def properties(tool: Tool) -> list[str]:
    """The names of its arguments."""
    found = tool.schema.get("properties")
    return list(found) if isinstance(found, dict) else []


def _valid(tool: Tool, arguments: dict[str, Any]) -> bool:
    """Nothing is valid against a schema that cannot be read."""
    import jsonschema_rs  # 3 MB that only schemas need

    try:
        return jsonschema_rs.validator_for(tool.schema, offline=True).is_valid(arguments)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
