"""The calls of one streamed choice, however a server numbers, names and repeats them."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from shortstop.dialects.ids import GivenIds
from shortstop.types import Json, ToolDelta

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


@dataclass(slots=True)
class _StreamedCall:
    """A call as far as it has come. `given`: the id by which its server knows it."""

    index: int
    name: str | None
    given: str | None
    custom: bool
    pieces: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether the arguments are a whole object: what follows belongs to another call."""
        text = "".join(self.pieces)
        if not text.rstrip().endswith("}"):
            return False
        try:
            return isinstance(_DECODE(text), dict)
        except msgspec.DecodeError:
            return False


class CallIndex:
    """Says which piece belongs to which call, and corrects what was sent accordingly.

    A piece begins a call when it has another id or name than the call at its index, when that call
    is whole already, or when a frame names two of them; what has neither index, id nor name goes on
    with the latest.
    """

    def __init__(self, salt: object, choice: int) -> None:
        self._calls: list[_StreamedCall] = []
        self._places: dict[int, _StreamedCall] = {}
        self._ids = GivenIds(salt, choice)

    def deltas(self, sent: list[Json]) -> tuple[ToolDelta, ...]:
        """The neutral deltas of the `tool_calls` of one frame."""
        named: list[_StreamedCall] = []
        return tuple([_corrected(call, self._delta(call, named)) for call in sent])

    def ending(self) -> tuple[ToolDelta, ...]:
        """What calls without any arguments lack: an empty object."""
        bare = [c for c in self._calls if not c.custom and not "".join(c.pieces).strip()]
        for call in bare:
            call.pieces.append("{}")
        return tuple([ToolDelta(call.index, arguments="{}") for call in bare])

    def _delta(self, sent: Json, named: list[_StreamedCall]) -> ToolDelta:
        function = function_of(sent)
        name, id = function.get("name") or None, id_of(sent)
        piece = arguments_of(function)
        call = self._at(sent.get("index"), id, name)
        if call is None or _is_another(call, id, name, piece, named):
            return self._opened(sent, id, name, piece, named)
        call.given = call.given or id
        call.pieces.append(piece)
        first_name = None if call.name else name
        call.name = call.name or name
        return ToolDelta(call.index, None, first_name, piece)

    def _at(self, index: int | None, id: str | None, name: str | None) -> _StreamedCall | None:
        """The call that a piece with this index may belong to."""
        if index is None and id is not None:
            return next((c for c in reversed(self._calls) if c.given == id), None)
        if index is not None and index in self._places:
            return self._places[index]
        if id is None and (name is None or index is None) and self._calls:
            return self._calls[-1]
        return None

    def _opened(
        self, sent: Json, id: str | None, name: str | None, piece: str, named: list[_StreamedCall]
    ) -> ToolDelta:
        call = _StreamedCall(len(self._calls), name, id, sent.get("type") == "custom", [piece])
        self._calls.append(call)
        index = sent.get("index")
        self._places[call.index if index is None else index] = call
        if name is not None:
            named.append(call)
        return ToolDelta(call.index, self._ids.next(id), name, piece)


def id_of(sent: Json) -> str | None:
    """The id by which its server knows a call: some number them."""
    id = sent.get("id")
    return None if id is None or id == "" else str(id)


def function_of(sent: Json) -> Json:
    """The function or custom tool that is called."""
    function: Json = sent.get("function") or sent.get("custom") or {}
    return function


def arguments_of(function: Json) -> str:
    """The arguments, or a piece of them, as text: some servers send an object."""
    value = function.get("arguments")
    if value is None:
        value = function.get("input")
    if isinstance(value, str):
        return value
    return "" if value is None else _ENCODE(value).decode()


def _is_another(
    call: _StreamedCall, id: str | None, name: str | None, piece: str, named: list[_StreamedCall]
) -> bool:
    if id is not None and call.given is not None and id != call.given:
        return True
    if name is not None and call.name is not None and (name != call.name or call in named):
        return True
    return piece.lstrip().startswith("{") and call.complete


def _corrected(sent: Json, delta: ToolDelta) -> ToolDelta:
    """What was sent says afterwards what the delta says."""
    function = function_of(sent)
    sent["index"] = delta.index
    for table, key, value in ((sent, "id", delta.id), (function, "name", delta.name)):
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    if "input" not in function:
        function["arguments"] = delta.arguments
    return delta
