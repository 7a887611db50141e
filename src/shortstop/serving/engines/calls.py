"""Reading `{"calls": [...]}` or `{"answer": ...}` while it is being written."""

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
    return f"call_{secrets.token_hex(12)}"


@dataclass(slots=True)
class _Value:
    """A JSON value as it comes in: `take` returns how much of the text belongs to it."""

    depth: int = 0
    quoted: bool = False
    escaped: bool = False
    begun: bool = False
    done: bool = False

    def take(self, text: str, start: int) -> int:
        """The position after the last character that is the value's."""
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
class _Words:
    """A JSON string as it comes in, unescaped."""

    held: str = ""
    high: str = ""
    done: bool = False

    def take(self, raw: str) -> str:
        """The characters that `raw`, the string's next part without quotes, completes."""
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

    def _escape(self, said: str) -> str:
        if said[0] != "u":
            return self._char(_ESCAPES.get(said[0], said[0]))
        try:
            code = int(said[1:], 16)
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
    """Feed it the model's text in any pieces; it gives deltas of words and of calls.

    What is not in the schema's shape (a model or server that did not obey it) comes out as words
    at the end: `verify` then says what is wrong.
    """

    _text: str = ""
    _at: int = 0
    _kind: str = ""
    _value: _Value = field(default_factory=_Value)
    _words: _Words | None = None
    _call: int = -1
    _within: bool = False
    calls: int = 0

    def feed(self, text: str) -> Iterator[Chunk]:
        self._text += text
        if not self._kind:
            opened = _OPEN.match(self._text)
            if opened is None:
                return
            self._kind, self._at = opened.group(1), opened.end()
        yield from self._answer() if self._kind == "answer" else self._calls()

    def rest(self) -> str:
        """The whole text, when it was never in shape."""
        return "" if self._kind else self._text

    def _answer(self) -> Iterator[Chunk]:
        if not self._value.begun:
            self._at += len(self._text) - self._at - len(self._text[self._at :].lstrip())
        if self._value.done or self._at >= len(self._text):
            return
        if self._words is None and not self._value.begun and self._text[self._at] == '"':
            self._words = _Words()
        begin, quoted = self._at, self._value.begun
        self._at = self._value.take(self._text, begin)
        raw = self._text[begin : self._at]
        if self._words is None:
            yield from _words(raw)
            return
        raw = raw if quoted else raw[1:]
        if self._value.done:
            raw = raw[:-1]
        yield from _words(self._words.take(raw))

    def _calls(self) -> Iterator[Chunk]:
        while self._at < len(self._text):
            if not self._within:
                found = _CALL.match(self._text, self._at)
                if found is None or found.end() == len(self._text):
                    return
                self._at, self._within, self._value = found.end(), True, _Value()
                name = _Words().take(found.group(1))
                self._call += 1
                self.calls += 1
                yield Chunk(tools=(ToolDelta(self._call, id=call_id(), name=name),))
            if not self._value.done:
                begin = self._at
                self._at = self._value.take(self._text, begin)
                if self._at > begin:
                    raw = self._text[begin : self._at]
                    yield Chunk(tools=(ToolDelta(self._call, arguments=raw),))
            if not self._value.done:
                return
            after = _AFTER.match(self._text, self._at)
            if after is None:
                return
            self._at, self._within = after.end(), False


def _words(text: str) -> Iterator[Chunk]:
    if text:
        yield Chunk(text=text)


def translated(chunk: Chunk, reader: CallReader) -> Iterator[Chunk]:
    """One chunk of the engine's JSON as chunks of words and calls; nothing else is lost."""
    yield from reader.feed(chunk.text)
    if chunk.finish is not None:
        yield from _words(reader.rest())
    finish = chunk.finish
    if finish == "stop" and reader.calls:
        finish = "tool_calls"
    left = replace(chunk, text="", finish=finish, wire=None)
    if left != Chunk():
        yield left


def understood(choice: Choice) -> Choice:
    """A whole choice of the engine's JSON as words and calls."""
    reader = CallReader()
    words: list[str] = []
    calls: dict[int, ToolCall] = {}
    for chunk in reader.feed(choice.text):
        words.append(chunk.text)
        for delta in chunk.tools:
            known = calls.get(delta.index) or ToolCall(delta.id or "", delta.name or "", "")
            calls[delta.index] = replace(known, arguments=known.arguments + delta.arguments)
    said = "".join(words) + reader.rest()
    parts: list[Part] = [p for p in choice.parts if not isinstance(p, Text)]
    parts += [Text(said)] if said else []
    parts += calls.values()
    finish = "tool_calls" if calls and choice.finish == "stop" else choice.finish
    return replace(choice, parts=tuple(parts), finish=finish)
