"""Reading `{"calls": [...]}` or `{"answer": ...}` while the model writes it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from shortstop.types import Choice, Chunk, Part, Text, ToolCall, ToolDelta

_OPEN = re.compile(r'\s*\{\s*"(calls|answer)"\s*:\s*')
_CALL = re.compile(r'\s*[\[,]?\s*\{\s*"name"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,\s*"arguments"\s*:\s*')
_AFTER = re.compile(r"\s*\}\s*(?=[,\]])")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def call_id() -> str:
    """A new id for a tool call."""
    return f"call_{secrets.token_hex(12)}"


@dataclass(slots=True)
class _ValueReader:
    """Finds the end of a JSON value that arrives in pieces."""

    depth: int = 0
    quoted: bool = False
    escaped: bool = False
    begun: bool = False
    done: bool = False

    def take(self, text: str, start: int) -> int:
        """The position after the last character of `text` that belongs to the value."""
        for i in range(start, len(text)):
            char = text[i]
            if self.quoted:
                self._in_string(char)
            elif char == '"':
                self.quoted = self.begun = True
            elif char in "{[":
                self.depth += 1
                self.begun = True
            elif char in "}],":
                if self.depth == 0:
                    self.done = True
                    return i
                self.depth -= char != ","
            elif not char.isspace():
                self.begun = True
            if self.begun and self.depth == 0 and not self.quoted and char in '"}]':
                self.done = True
                return i + 1
        return len(text)

    def _in_string(self, char: str) -> None:
        if self.escaped:
            self.escaped = False
        elif char == "\\":
            self.escaped = True
        elif char == '"':
            self.quoted = False


@dataclass(slots=True)
class _StringReader:
    """Unescapes a JSON string that arrives in pieces.

    `held` is the beginning of an escape, `high` the first half of a surrogate pair.
    """

    held: str = ""
    high: str = ""
    done: bool = False

    def take(self, raw: str) -> str:
        """The characters that `raw`, the next piece of the string without quotes, completes."""
        text, at, out = self.held + raw, 0, []
        while at < len(text):
            if text[at] != "\\":
                out.append(self._char(text[at]))
                at += 1
                continue
            size = 6 if text[at + 1 : at + 2] == "u" else 2
            if at + size > len(text):
                break
            out.append(self._escape(text[at + 1 : at + size]))
            at += size
        self.held = text[at:]
        return "".join(out)

    def _escape(self, escape: str) -> str:
        if escape[0] != "u":
            return self._char(_ESCAPES.get(escape[0], escape[0]))
        try:
            code = int(escape[1:], 16)
        except ValueError:
            return self._char("\ufffd")
        if 0xD800 <= code < 0xDC00:
            flushed, self.high = ("\ufffd" if self.high else ""), chr(code)
            return flushed
        if 0xDC00 <= code < 0xE000:
            high, self.high = self.high, ""
            pair = high + chr(code)
            return pair.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return self._char(chr(code))

    def _char(self, char: str) -> str:
        lost, self.high = ("\ufffd" if self.high else ""), ""
        return lost + char


@dataclass(slots=True)
class CallReader:
    """Takes the model's text in pieces of any size and gives deltas of text and of calls.

    Text that does not follow the schema (a model or server that ignored it) comes out as text at
    the end: `verify` then says what is wrong with it.
    """

    _text: str = ""
    _at: int = 0
    _kind: str = ""
    _value: _ValueReader = field(default_factory=_ValueReader)
    _string: _StringReader | None = None
    _in_call: bool = False
    calls: int = 0

    def feed(self, text: str) -> Iterator[Chunk]:
        """The chunks that the next piece of text completes."""
        self._text += text
        if not self._kind:
            opened = _OPEN.match(self._text)
            if opened is None:
                return
            self._kind, self._at = opened.group(1), opened.end()
        yield from self._answer() if self._kind == "answer" else self._calls()

    def rest(self) -> str:
        """The whole text, when it never followed the schema."""
        return "" if self._kind else self._text

    def _answer(self) -> Iterator[Chunk]:
        if not self._value.begun:
            self._at += len(self._text) - self._at - len(self._text[self._at :].lstrip())
        if self._value.done or self._at >= len(self._text):
            return
        if self._string is None and not self._value.begun and self._text[self._at] == '"':
            self._string = _StringReader()
        begin, quoted = self._at, self._value.begun
        self._at = self._value.take(self._text, begin)
        raw = self._text[begin : self._at]
        if self._string is None:
            yield from _text_chunk(raw)
            return
        raw = raw if quoted else raw[1:]
        if self._value.done:
            raw = raw[:-1]
        yield from _text_chunk(self._string.take(raw))

    def _calls(self) -> Iterator[Chunk]:
        while self._at < len(self._text):
            if not self._in_call:
                head = _CALL.match(self._text, self._at)
                if head is None or head.end() == len(self._text):
                    return
                self._at, self._in_call, self._value = head.end(), True, _ValueReader()
                name = _StringReader().take(head.group(1))
                self.calls += 1
                yield Chunk(tools=(ToolDelta(self.calls - 1, id=call_id(), name=name),))
            if not self._value.done:
                begin = self._at
                self._at = self._value.take(self._text, begin)
                if self._at > begin:
                    raw = self._text[begin : self._at]
                    yield Chunk(tools=(ToolDelta(self.calls - 1, arguments=raw),))
            if not self._value.done:
                return
            after = _AFTER.match(self._text, self._at)
            if after is None:
                return
            self._at, self._in_call = after.end(), False


def _text_chunk(text: str) -> Iterator[Chunk]:
    if text:
        yield Chunk(text=text)


def chunks_with_calls(chunk: Chunk, reader: CallReader) -> Iterator[Chunk]:
    """One chunk of the engine's JSON as chunks of text and calls; nothing else is lost."""
    yield from reader.feed(chunk.text)
    if chunk.finish is not None:
        yield from _text_chunk(reader.rest())
    finish = chunk.finish
    if finish == "stop" and reader.calls:
        finish = "tool_calls"
    left = replace(chunk, text="", finish=finish, wire=None)
    if left != Chunk():
        yield left


def with_calls(choice: Choice) -> Choice:
    """A whole choice of the engine's JSON as text and calls."""
    reader = CallReader()
    pieces: list[str] = []
    calls: dict[int, ToolCall] = {}
    for chunk in reader.feed(choice.text):
        pieces.append(chunk.text)
        for delta in chunk.tools:
            call = calls.get(delta.index) or ToolCall(delta.id or "", delta.name or "", "")
            calls[delta.index] = replace(call, arguments=call.arguments + delta.arguments)
    text = "".join(pieces) + reader.rest()
    parts: list[Part] = [p for p in choice.parts if not isinstance(p, Text)]
    parts += [Text(text)] if text else []
    parts += calls.values()
    finish = "tool_calls" if calls and choice.finish == "stop" else choice.finish
    return replace(choice, parts=tuple(parts), finish=finish)
