"""Names of tools and ids of calls as a target takes them, and back.

What a vendor refuses for its length or letters is replaced by something that is made of it, always
the same, so that offer, choice, history and answer agree.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from msgspec.structs import replace

from shortstop.dialects.describe import Limits
from shortstop.types import Chunk, Part, Reply, Request, Tool, ToolCall

_PLAIN = re.compile(r"[a-zA-Z0-9_-]+")
_ODD = re.compile(r"[^a-zA-Z0-9_-]")
_MARK = 10
"""Characters of a digest that tells shortened names apart."""
NAMESPACE = "namespace"
"""The field of a tool, and of its calls, that says to which group it belongs."""

Key = tuple[str, str]
"""A tool's namespace ("" for none) and name."""


def fitted_id(id: str, limits: Limits) -> str:
    """The id of a call as a target takes it: the same for the call and its result."""
    fits = limits.call_id is None or len(id) <= limits.call_id
    if fits and (not limits.plain_call_ids or _PLAIN.fullmatch(id)):
        return id
    return f"call_{hashlib.blake2b(id.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"


@dataclass(frozen=True, slots=True)
class ToolNames:
    """The names of one request's tools: as sent by tool, and tool by the name as sent."""

    sent: dict[Key, str]
    back: dict[str, Key]

    @classmethod
    def of(cls, request: Request, limits: Limits) -> ToolNames:
        """Names in the order of offer and history. Tools that run at a vendor keep theirs."""
        keys = [(str(t.extra.get(NAMESPACE) or ""), t.name) for t in request.tools]
        keys += [_key(p) for m in request.messages for p in m.parts if isinstance(p, ToolCall)]
        vendors = {t.name for t in request.tools if "type" in t.extra}
        sent: dict[Key, str] = {}
        taken: set[str] = set()
        plain = [k for k in dict.fromkeys(keys) if k[1] in vendors or _fits(k, limits)]
        for key in plain:
            sent[key] = key[1]
            taken.add(key[1])
        for key in dict.fromkeys(keys):
            if key not in sent:
                sent[key] = _made(key, limits, taken)
                taken.add(sent[key])
        return cls(sent, {name: key for key, name in sent.items() if key != ("", name)})

    def request(self, request: Request) -> Request:
        """The request with the names as sent in offer, choice and history."""
        if all(key == ("", name) for key, name in self.sent.items()):
            return request
        choice = request.tool_choice
        return replace(
            request,
            tools=tuple(map(self._offered, request.tools)),
            tool_choice=replace(choice, names=tuple(map(self._chosen, choice.names))),
            messages=tuple(
                [replace(m, parts=tuple(map(self._called, m.parts))) for m in request.messages]
            ),
        )

    def _offered(self, tool: Tool) -> Tool:
        key = (str(tool.extra.get(NAMESPACE) or ""), tool.name)
        extra = {k: v for k, v in tool.extra.items() if k != NAMESPACE}
        return replace(tool, name=self.sent[key], extra=extra)

    def _called(self, part: Part) -> Part:
        if not isinstance(part, ToolCall):
            return part
        extra = {k: v for k, v in part.extra.items() if k != NAMESPACE}
        return replace(part, name=self.sent[_key(part)], extra=extra)

    def _chosen(self, name: str) -> str:
        """As sent; a choice says no namespace."""
        return next((sent for key, sent in self.sent.items() if key[1] == name), name)

    def reply(self, reply: Reply) -> Reply:
        """The answer with the client's names."""
        if not self.back:
            return reply
        choices = tuple(
            [replace(c, parts=tuple(map(self._restored, c.parts))) for c in reply.choices]
        )
        return replace(reply, choices=choices, body=None)

    def chunk(self, chunk: Chunk) -> Chunk:
        """A piece of an answer, likewise."""
        if not self.back or not any(delta.name in self.back for delta in chunk.tools):
            return replace(chunk, wire=None) if self.back else chunk
        tools = []
        for delta in chunk.tools:
            key = self.back.get(delta.name or "")
            tools.append(replace(delta, name=key[1], namespace=key[0] or None) if key else delta)
        return replace(chunk, tools=tuple(tools), wire=None)

    def _restored(self, part: Part) -> Part:
        if not isinstance(part, ToolCall) or part.name not in self.back:
            return part
        namespace, name = self.back[part.name]
        extra = {**part.extra, NAMESPACE: namespace} if namespace else part.extra
        return replace(part, name=name, extra=extra)


def _key(call: ToolCall) -> Key:
    return str(call.extra.get(NAMESPACE) or ""), call.name


def _fits(key: Key, limits: Limits) -> bool:
    short = limits.tool_name is None or len(key[1]) <= limits.tool_name
    return not key[0] and short and _PLAIN.fullmatch(key[1]) is not None


def _made(key: Key, limits: Limits, taken: set[str]) -> str:
    """A name of letters, digits, `_` and `-` that no other tool has."""
    namespace, name = key
    if namespace and not namespace.endswith("_"):
        namespace += "__"
    whole, most = namespace + name, limits.tool_name or 128
    plain = _ODD.sub("_", whole)
    if len(plain) <= most and plain not in taken and plain == whole:
        return plain
    mark = hashlib.blake2b(repr(key).encode("utf-8", "replace"), digest_size=5).hexdigest()
    return f"{plain[: most - _MARK - 1]}_{mark}"
