"""Assembles a whole answer from the chunks of a stream."""

from __future__ import annotations

from shortstop.types import (
    Choice,
    Chunk,
    Finish,
    Json,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    TokenLogprob,
    ToolCall,
    ToolDelta,
    Usage,
)


class _ChoiceBuilder:
    """One alternative, as far as it has arrived."""

    __slots__ = ("finish", "logprobs", "refusal", "stop_sequence", "text", "thinking", "tools")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.thinking: list[tuple[str, str, str]] = []
        self.refusal: list[str] = []
        self.tools: dict[int, list[ToolDelta]] = {}
        self.logprobs: list[TokenLogprob] = []
        self.finish: Finish | None = None
        self.stop_sequence: str | None = None

    def add(self, chunk: Chunk) -> None:
        if chunk.text:
            self.text.append(chunk.text)
        if chunk.thinking or chunk.signature or chunk.redacted:
            # The chunk itself would keep its frame alive.
            self.thinking.append((chunk.thinking, chunk.signature or "", chunk.redacted or ""))
        if chunk.refusal:
            self.refusal.append(chunk.refusal)
        for delta in chunk.tools:
            self.tools.setdefault(delta.index, []).append(delta)
        if chunk.logprobs:
            self.logprobs.extend(chunk.logprobs)
        if chunk.finish is not None:
            self.finish, self.stop_sequence = chunk.finish, chunk.stop_sequence

    def freeze(self, index: int) -> Choice:
        return Choice(
            index=index,
            parts=tuple(self._parts()),
            finish=self.finish,
            stop_sequence=self.stop_sequence,
            logprobs=tuple(self.logprobs),
        )

    def _parts(self) -> list[Part]:
        parts: list[Part] = []
        if self.thinking:
            text, signature, redacted = map("".join, zip(*self.thinking, strict=True))
            parts.append(Thinking(text, signature or None, redacted or None))
        if self.text:
            parts.append(Text("".join(self.text)))
        if self.refusal:
            parts.append(Refusal("".join(self.refusal)))
        for _, deltas in sorted(self.tools.items()):
            parts.append(
                ToolCall(
                    id=next((d.id for d in deltas if d.id), ""),
                    name=next((d.name for d in deltas if d.name), ""),
                    arguments="".join(d.arguments for d in deltas),
                    extra=_namespaced(deltas),
                )
            )
        return parts


def _namespaced(deltas: list[ToolDelta]) -> Json:
    namespace = next((d.namespace for d in deltas if d.namespace), None)
    return {"namespace": namespace} if namespace else {}


class Gathering:
    """Grows with each chunk; `reply` is the answer so far."""

    __slots__ = ("_choices", "usage")

    def __init__(self) -> None:
        self._choices: dict[int, _ChoiceBuilder] = {}
        self.usage: Usage | None = None

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk of any alternative."""
        choice = self._choices.get(chunk.index)
        if choice is None:
            choice = self._choices[chunk.index] = _ChoiceBuilder()
        choice.add(chunk)
        if chunk.usage is not None:
            self.usage = chunk.usage

    @property
    def choice(self) -> Choice:
        """The first alternative."""
        return self._choices[0].freeze(0) if 0 in self._choices else Choice()

    @property
    def tokens(self) -> int:
        """Tokens of the first alternative: log-probabilities where there are any, else chunks."""
        first = self._choices.get(0)
        return max(len(first.logprobs), len(first.text)) if first else 0

    @property
    def finished(self) -> bool:
        """Whether every alternative that began has ended."""
        return bool(self._choices) and all(c.finish is not None for c in self._choices.values())

    def reply(self, id: str, model: str) -> Reply:
        """The answer so far, all alternatives in the order of their index."""
        choices = tuple(c.freeze(i) for i, c in sorted(self._choices.items()))
        return Reply(id=id, model=model, choices=choices, usage=self.usage)
