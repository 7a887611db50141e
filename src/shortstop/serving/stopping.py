"""Stop sequences that a target cannot be sent: the gateway stops by itself."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.types import Choice, Chunk, Part, Reply, Text


class Stopping:
    """Ends each alternative of one answer before the first of the `stops`."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held: dict[int, str] = {}
        self._ended: set[int] = set()

    def reply(self, reply: Reply) -> Reply:
        """The answer up to where it stops."""
        if not self._stops:
            return reply
        choices = tuple(map(self._choice, reply.choices))
        return reply if choices == reply.choices else replace(reply, choices=choices, body=None)

    def chunk(self, chunk: Chunk) -> Chunk:
        """The piece up to there. What may be the beginning of a stop waits for the next piece; what
        follows a stop is left out, but for the usage."""
        if not self._stops:
            return chunk
        index = chunk.index
        if index in self._ended:
            return Chunk(usage=chunk.usage)
        text = self._held.pop(index, "") + chunk.text
        place, stop = self._first(text)
        if stop:
            self._ended.add(index)
            return replace(
                chunk, text=text[:place], tools=(), finish="stop", stop_sequence=stop, wire=None
            )
        kept = 0 if chunk.finish or chunk.tools else self._begun(text)
        if kept:
            self._held[index] = text[-kept:]
        return replace(chunk, text=text[: len(text) - kept], wire=None)

    def _first(self, text: str) -> tuple[int, str]:
        """Where which stop begins first; "" for none."""
        found = [(place, stop) for stop in self._stops if (place := text.find(stop)) >= 0]
        return min(found, default=(0, ""))

    def _begun(self, text: str) -> int:
        """How many characters at the end may be the beginning of a stop."""
        longest = max(map(len, self._stops)) - 1
        for size in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-size:]) for stop in self._stops):
                return size
        return 0

    def _choice(self, choice: Choice) -> Choice:
        parts: list[Part] = []
        for part in choice.parts:
            place, stop = self._first(part.text) if isinstance(part, Text) else (0, "")
            if stop and isinstance(part, Text):
                kept = (*parts, Text(part.text[:place]))
                return replace(choice, parts=kept, finish="stop", stop_sequence=stop)
            parts.append(part)
        return choice
