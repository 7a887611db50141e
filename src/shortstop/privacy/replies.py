"""What an answer may tell the client: the rules of a policy whose direction is "reply" or "both".

Such a tenant's streams are read to their end before the first byte leaves: what may have to be
taken back must not have been said. Everybody else's answers pass unread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.config import PrivacyConfig, PrivacyPolicy
from shortstop.errors import PrivacyRefused
from shortstop.privacy import policy
from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.replace.pseudonyms import rewrite, values_of
from shortstop.types import (
    Caller,
    Choice,
    Chunk,
    Finding,
    Json,
    Refusal,
    Reply,
    Text,
    Thinking,
    Tier,
    ToolCall,
)

DIRECTIONS = ("reply", "both")


class Replies:
    """Implements ports.ReplyGuard. An answer that cannot be read is refused."""

    def __init__(self, config: PrivacyConfig, guard: PrivacyGuard) -> None:
        self._config = config
        self._guard = guard

    def tier(self, reply: Reply, caller: Caller) -> Tier:
        said: Json = {"choices": [_words(choice) for choice in reply.choices]}
        try:
            return max((f.tier for f in self._guard.findings(said, caller.tenant)), default=Tier.S0)
        except Exception:  # what cannot be read may be anything
            return Tier.S3

    def reads(self, caller: Caller) -> bool:
        _, rules = policy.chosen(self._config, caller.tenant)
        return not rules.dry_run and any(rule.direction in DIRECTIONS for rule in rules.rules)

    def whole(self, reply: Reply, caller: Caller) -> Reply:
        """Raises PrivacyRefused."""
        put = self._taken_out({"choices": msgspec.to_builtins(reply.choices)}, caller)
        if not put:
            return reply
        choices = rewrite(msgspec.to_builtins(reply.choices), put)
        return replace(
            reply,
            choices=msgspec.convert(choices, tuple[Choice, ...]),
            body=None if reply.body is None else rewrite(reply.body, put),
        )

    async def stream(
        self, chunks: AsyncGenerator[Chunk, None], caller: Caller
    ) -> AsyncGenerator[Chunk, None]:
        """Raises PrivacyRefused before anything was passed on."""
        async with aclosing(chunks):
            held = [chunk async for chunk in chunks]
        said = _said(held)
        put = self._taken_out(said, caller)
        for chunk in _again(held, rewrite(said, put)) if put else held:
            yield chunk

    def _taken_out(self, said: Json, caller: Caller) -> dict[str, str]:
        """Value -> label. Raises PrivacyRefused."""
        _, rules = policy.chosen(self._config, caller.tenant)
        try:
            findings = self._guard.findings(said, caller.tenant)
            decided = _decided(rules, findings, caller.task or "*")
            blocked = sorted(label for label, action in decided.items() if action == "block")
            if blocked:
                raise PrivacyRefused(
                    f"The answer holds {', '.join(blocked)}, which the privacy policy keeps back."
                )
            taken = [f for f in findings if decided[f.label] in ("redact", "pseudonymise")]
            put = {value: f"[{label}]" for value, label in values_of(said, taken).items()}
            left = self._guard.findings(rewrite(said, put), caller.tenant) if put else []
        except PrivacyRefused:
            raise
        except Exception as error:
            raise PrivacyRefused("The answer could not be read for what it may tell.") from error
        if {f.label for f in left} & {f.label for f in taken}:
            raise PrivacyRefused("The answer holds values that could not be taken out of it.")
        return put


def _words(choice: Choice) -> list[str]:
    return [
        part.arguments if isinstance(part, ToolCall) else part.text
        for part in choice.parts
        if isinstance(part, Text | Thinking | Refusal | ToolCall)
    ]


def _decided(rules: PrivacyPolicy, findings: Sequence[Finding], route: str) -> dict[str, str]:
    """Label -> action; what no rule about replies names is allowed."""
    return policy.actions(rules, findings, route, "reply", unnamed="allow")


def _said(held: Sequence[Chunk]) -> Json:
    """The strings of a stream, each whole, by choice and block."""
    said: dict[str, dict[str, Any]] = {}
    for chunk in held:
        blocks = said.setdefault(str(chunk.index), {})
        for name in ("text", "thinking", "refusal"):
            blocks[name] = blocks.get(name, "") + getattr(chunk, name)
        for delta in chunk.tools:
            name = f"tool {delta.index}"
            blocks[name] = blocks.get(name, "") + delta.arguments
    return dict(said)


def _again(held: Sequence[Chunk], said: Json) -> list[Chunk]:
    """The same chunks; each block's new words stand in its first one."""
    out = []
    for chunk in held:
        blocks = said[str(chunk.index)]
        out.append(
            replace(
                chunk,
                text=blocks.pop("text", "") if chunk.text else "",
                thinking=blocks.pop("thinking", "") if chunk.thinking else "",
                refusal=blocks.pop("refusal", "") if chunk.refusal else "",
                tools=tuple(
                    replace(d, arguments=blocks.pop(f"tool {d.index}", "") if d.arguments else "")
                    for d in chunk.tools
                ),
                logprobs=(),
                dialect=None,
                wire=None,
            )
        )
    return out
