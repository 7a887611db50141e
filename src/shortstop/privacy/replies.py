"""What an answer may tell the client: the rules of a policy whose direction is "reply" or "both".

The streams of a tenant with such rules are read to their end before the first byte leaves, because
what was sent cannot be taken back. All other answers pass unread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.config import PrivacyConfig
from shortstop.errors import PrivacyRefused
from shortstop.privacy import policy
from shortstop.privacy.failclosed import guarded, refused_on_failure
from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.policy import REPLACING, Policies
from shortstop.privacy.replace.pseudonyms import rewrite, values_of
from shortstop.types import (
    Caller,
    Choice,
    Chunk,
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
        self._policies = Policies(config)
        self._guard = guard

    def tier(self, reply: Reply, caller: Caller) -> Tier:
        """The highest tier of what the answer holds; S3 when it cannot be read. Never raises."""
        body: Json = {"parts": [_strings(choice) for choice in reply.choices]}
        return guarded(
            lambda: max(
                (f.tier for f in self._guard.findings(body, caller.tenant)), default=Tier.S0
            ),
            lambda _: Tier.S3,
        )

    def reads(self, caller: Caller) -> bool:
        """Whether this caller's answers are read at all. Raises LookupError for a tenant whose
        policy does not exist."""
        rules = self._policies.of(caller.tenant)
        return rules.trial is None and any(r.direction in DIRECTIONS for r in rules.acting.rules)

    def whole(self, reply: Reply, caller: Caller) -> Reply:
        """The answer without the values that the policy keeps back.

        Raises PrivacyRefused when it must not be given at all, or cannot be cleaned.
        """
        labels = self._removed({"choices": msgspec.to_builtins(reply.choices)}, caller)
        if not labels:
            return reply
        choices = rewrite(msgspec.to_builtins(reply.choices), labels)
        return replace(
            reply,
            choices=msgspec.convert(choices, tuple[Choice, ...]),
            body=None if reply.body is None else rewrite(reply.body, labels),
        )

    async def stream(
        self, chunks: AsyncGenerator[Chunk, None], caller: Caller
    ) -> AsyncGenerator[Chunk, None]:
        """The same for a stream. Raises PrivacyRefused before anything was passed on."""
        async with aclosing(chunks):
            held = [chunk async for chunk in chunks]
        blocks = _blocks(held)
        labels = self._removed(blocks, caller)
        for chunk in _refilled(held, rewrite(blocks, labels)) if labels else held:
            yield chunk

    def _removed(self, body: Json, caller: Caller) -> dict[str, str]:
        """Value -> the label that replaces it, "[LABEL]". Raises PrivacyRefused."""
        rules = self._policies.of(caller.tenant).acting
        with refused_on_failure("The answer could not be read for what it may tell."):
            findings = self._guard.findings(body, caller.tenant)
            # What no rule about replies names is allowed.
            route = caller.task or "*"
            decided = policy.actions(rules, findings, route, "reply", unnamed="allow")
            blocked = sorted(label for label, action in decided.items() if action == "block")
            if blocked:
                raise PrivacyRefused(
                    f"The answer holds {', '.join(blocked)}, which the privacy policy keeps back."
                )
            removed = [f for f in findings if decided[f.label] in REPLACING]
            labels = {value: f"[{label}]" for value, label in values_of(body, removed).items()}
            left = self._guard.findings(rewrite(body, labels), caller.tenant) if labels else []
            if {f.label for f in left} & {f.label for f in removed}:
                raise PrivacyRefused("The answer holds values that could not be taken out of it.")
            return labels


def _strings(choice: Choice) -> list[str]:
    return [
        part.arguments if isinstance(part, ToolCall) else part.text
        for part in choice.parts
        if isinstance(part, Text | Thinking | Refusal | ToolCall)
    ]


def _blocks(chunks: Sequence[Chunk]) -> Json:
    """The strings of a stream, each whole, by choice and block."""
    choices: dict[str, dict[str, Any]] = {}
    for chunk in chunks:
        blocks = choices.setdefault(str(chunk.index), {})
        for name in ("text", "thinking", "refusal"):
            blocks[name] = blocks.get(name, "") + getattr(chunk, name)
        for delta in chunk.tools:
            name = f"tool {delta.index}"
            blocks[name] = blocks.get(name, "") + delta.arguments
    return dict(choices)


def _refilled(chunks: Sequence[Chunk], choices: Json) -> list[Chunk]:
    """The same chunks; the whole new text of each block is in the block's first chunk."""
    refilled = []
    for chunk in chunks:
        blocks = choices[str(chunk.index)]
        refilled.append(
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
    return refilled
