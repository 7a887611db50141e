"""Events of a Responses stream as OpenAI documents them, however a server leaves some of them out.

Whatever an event tells that no earlier one has told is told first in the events that should have
come before it: an item is added, its parts are opened, and what they say comes in deltas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shortstop.dialects.ids import GivenIds
from shortstop.dialects.responses.wire import call_arguments
from shortstop.types import Json

CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that are calls, and the field that holds what they are called with."""
FINAL = ("response.completed", "response.incomplete")
TEXT, REFUSAL = "response.output_text.delta", "response.refusal.delta"
SUMMARY, REASONING = "response.reasoning_summary_text.delta", "response.reasoning_text.delta"
ARGUMENTS = "response.function_call_arguments.delta"
INPUT = "response.custom_tool_call_input.delta"
DELTAS = {
    TEXT: ("message", "text"),
    REFUSAL: ("message", "refusal"),
    SUMMARY: ("reasoning", "text"),
    REASONING: ("reasoning", "text"),
    ARGUMENTS: ("function_call", "arguments"),
    INPUT: ("custom_tool_call", "input"),
}
"""The events that tell a piece: of which kind of item, and the field of their `done` event."""
_DONE = {kind.removesuffix("delta") + "done": kind for kind in DELTAS}
_PARTS: dict[str, tuple[str, Json]] = {
    TEXT: ("response.content_part.added", {"type": "output_text", "text": "", "annotations": []}),
    REFUSAL: ("response.content_part.added", {"type": "refusal", "refusal": ""}),
    SUMMARY: ("response.reasoning_summary_part.added", {"type": "summary_text", "text": ""}),
}


@dataclass(slots=True)
class _Item:
    """An item as far as it has been told. `said`: what its deltas told, by kind and part."""

    index: int
    item: Json
    added: bool = False
    done: bool = False
    said: dict[tuple[str, int], str] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)


class Events:
    """Takes the events as they come, gives them complete. They are corrected in place."""

    def __init__(self, salt: object) -> None:
        self._items: dict[int, _Item] = {}
        self._ids = GivenIds(salt)

    def feed(self, frame: Json) -> list[Json]:
        """The events to read now."""
        kind = frame["type"]
        if kind in DELTAS:
            return self._delta(frame, kind)
        if kind in _DONE:
            return self._text_done(frame, _DONE[kind])
        if kind in ("response.content_part.added", "response.reasoning_summary_part.added"):
            return self._part(frame)
        if kind == "response.output_item.added":
            return self._added(self._of(frame, frame["item"]), frame)
        if kind == "response.output_item.done":
            return self._item_done(frame)
        return self._final(frame) if kind in FINAL else [frame]

    # ------------------------------------------------------------ items

    def _of(self, frame: Json, item: Json) -> _Item:
        """The item that an event is about: by its id, its index, or as the latest of its kind."""
        index = frame["output_index"] = self._place(frame, item)
        known = self._items.get(index)
        if known is None:
            known = self._items[index] = _Item(index, {**item})
        return known

    def _place(self, frame: Json, item: Json) -> int:
        id, index = frame.get("item_id") or item.get("id"), frame.get("output_index")
        for known in self._items.values():
            if id and known.item.get("id") == id:
                return known.index
        alike = [k.index for k in self._items.values() if k.item["type"] == item["type"]]
        if type(index) is int and (index not in self._items or index in alike):
            return index
        going_on = [i for i in alike if not self._items[i].done]
        if not id and going_on and frame["type"] != "response.output_item.added":
            return going_on[-1]
        return max([*self._items, -1]) + 1

    def _added(self, known: _Item, frame: Json) -> list[Json]:
        """The event that adds an item, and what was told of it before."""
        if known.added:
            return []
        item = frame["item"]
        key = CALLS.get(item["type"])
        if key is not None:
            item["call_id"] = self._ids.next(item.get("call_id"))
        known.item, known.added = {**item}, True
        if key is not None:
            item[key] = ""
        told = [(kind, text) for (kind, _), text in known.said.items() if text]
        return [frame, *(self._piece(known, kind, 0, text) for kind, text in told)]

    def _ensured(self, known: _Item) -> list[Json]:
        """The same for an item that no event added; nothing while a call has no name."""
        whole = known.item
        if known.added or (whole["type"] in CALLS and not whole.get("name")):
            return []
        empty = {**whole, "status": "in_progress"}
        for key in ("content", "summary"):
            if key in empty:
                empty[key] = []
        kind = "response.output_item.added"
        frames = self._added(known, {"type": kind, "output_index": known.index, "item": empty})
        if "call_id" in empty:
            whole["call_id"] = empty["call_id"]
        known.item = whole
        return frames

    def _item_done(self, frame: Json) -> list[Json]:
        item = frame["item"]
        known = self._of(frame, item)
        key = CALLS.get(item["type"])
        if key is not None:
            said = known.said.get((_told_by(item), 0), "")
            nothing = "{}" if item["type"] == "function_call" else ""
            item[key] = call_arguments(item.get(key)) or said or nothing
            if known.added:
                item["call_id"] = known.item["call_id"]
        known.item, known.done = item, True
        frames = self._ensured(known)
        frames += [x for told in _told(item) for x in self._missing(known, *told)]
        return [*frames, frame]

    # ------------------------------------------------------------ pieces

    def _delta(self, frame: Json, kind: str) -> list[Json]:
        known = self._of(frame, _empty(kind, frame))
        part = _part_of(frame)
        frames = self._ensured(known) + self._opened(known, kind, part)
        known.said[kind, part] = known.said.get((kind, part), "") + frame["delta"]
        return [*frames, frame] if known.added else []

    def _text_done(self, frame: Json, kind: str) -> list[Json]:
        known = self._of(frame, _empty(kind, frame))
        if frame.get("name") and not known.item.get("name"):
            known.item["name"] = frame["name"]
        text = call_arguments(frame.get(DELTAS[kind][1]))
        frames = self._ensured(known)
        if not known.added:
            known.said[kind, 0] = text
            return []
        return [*frames, *self._missing(known, kind, _part_of(frame), text), frame]

    def _missing(self, known: _Item, kind: str, part: int, text: str) -> list[Json]:
        """What is told of a text that its deltas have not told."""
        said = known.said.get((kind, part), "")
        other = known.item["type"] == "reasoning" and known.said and (kind, part) not in known.said
        if other or len(text) <= len(said) or not text.startswith(said):
            return []
        known.said[kind, part] = text
        opened = self._opened(known, kind, part)
        return [*opened, self._piece(known, kind, part, text[len(said) :])]

    def _opened(self, known: _Item, kind: str, part: int) -> list[Json]:
        if kind not in _PARTS or part in known.opened:
            return []
        known.opened.add(part)
        event, empty = _PARTS[kind]
        place = "summary_index" if kind == SUMMARY else "content_index"
        head = {"type": event, "item_id": known.item.get("id") or "", "output_index": known.index}
        return [{**head, place: part, "part": {**empty}}]

    def _part(self, frame: Json) -> list[Json]:
        part = frame.get("part") or {}
        kind = "message" if part.get("type") in ("output_text", "refusal") else "reasoning"
        known = self._of(frame, {"type": kind, "id": frame.get("item_id")})
        known.opened.add(_part_of(frame))
        return [*self._ensured(known), frame]

    @staticmethod
    def _piece(known: _Item, kind: str, part: int, text: str) -> Json:
        head = {"type": kind, "item_id": known.item.get("id") or "", "output_index": known.index}
        place = {} if kind in (ARGUMENTS, INPUT) else {"content_index": part}
        if kind == SUMMARY:
            place = {"summary_index": part}
        return {**head, **place, "delta": text}

    # ------------------------------------------------------------ the end

    def _final(self, frame: Json) -> list[Json]:
        """What only the whole response tells comes before it, and it tells all that came."""
        response, frames = frame["response"], []
        taken: set[int] = set()
        for item in response.get("output") or []:
            index = self._index_of(item, taken)
            taken.add(index)
            if index not in self._items or not self._items[index].done:
                frames += self._ended(index, item)
        for known in list(self._items.values()):
            if not known.done:
                frames += self._ended(known.index, _whole(known))
        if self._items:
            response["output"] = [known.item for _, known in sorted(self._items.items())]
        return [*frames, frame]

    def _ended(self, index: int, item: Json) -> list[Json]:
        kind = "response.output_item.done"
        return self._item_done({"type": kind, "output_index": index, "item": item})

    def _index_of(self, item: Json, taken: set[int]) -> int:
        """Where an item of the whole response has been told: by its id, else by kind and order."""
        for key in ("id", "call_id"):
            for known in self._items.values():
                if item.get(key) and known.item.get(key) == item[key]:
                    return known.index
        alike = [
            i for i, k in self._items.items() if k.item["type"] == item["type"] and i not in taken
        ]
        return alike[0] if alike else max([*self._items, -1]) + 1


def _empty(kind: str, frame: Json) -> Json:
    """The item that a piece belongs to, where none was added."""
    item = {"type": DELTAS[kind][0], "id": frame.get("item_id") or ""}
    if kind in (ARGUMENTS, INPUT):
        return {**item, "name": "", "call_id": frame.get("call_id"), DELTAS[kind][1]: ""}
    if kind in (TEXT, REFUSAL):
        return {**item, "role": "assistant", "content": []}
    return {**item, "summary": []}


def _part_of(frame: Json) -> int:
    part = frame.get("content_index", frame.get("summary_index"))
    return part if type(part) is int else 0


def _told(item: Json) -> Iterator[tuple[str, int, str]]:
    """What a whole item says, as its deltas would: kind, part, text."""
    kind = item["type"]
    if kind == "message":
        for i, part in enumerate(item.get("content") or ()):
            refused = part["type"] == "refusal"
            text = part.get("refusal" if refused else "text")
            yield (REFUSAL if refused else TEXT), i, text or ""
    elif kind == "reasoning":
        for i, part in enumerate(item.get("summary") or ()):
            yield SUMMARY, i, part["text"]
        if not item.get("summary"):
            for i, part in enumerate(item.get("content") or ()):
                yield REASONING, i, part["text"]
    elif kind in CALLS:
        yield _told_by(item), 0, call_arguments(item.get(CALLS[kind]))


def _told_by(item: Json) -> str:
    return ARGUMENTS if item["type"] == "function_call" else INPUT


def _whole(known: _Item) -> Json:
    """An item that no event ended, with all that its deltas told."""
    item: Json = {**known.item, "status": "completed"}
    for (kind, _), text in sorted(known.said.items()):
        if item["type"] in CALLS:
            item[CALLS[item["type"]]] = text
        elif kind in (TEXT, REFUSAL):
            name, key = ("output_text", "text") if kind == TEXT else ("refusal", "refusal")
            item["content"] = [*(item.get("content") or []), {"type": name, key: text}]
        elif kind == SUMMARY:
            item["summary"] = [*(item.get("summary") or []), {"type": "summary_text", "text": text}]
        elif kind == REASONING:
            item["content"] = [
                *(item.get("content") or []),
                {"type": "reasoning_text", "text": text},
            ]
    return item
