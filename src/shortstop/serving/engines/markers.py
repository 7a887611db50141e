"""Control tokens in content are text: no document, tool result or name may forge a turn.

A local server reads the name of a control token as the token wherever it stands in a prompt.
Content that holds such a name is therefore sent in another way: the embedded engine is given the
rendered prompt with the name spelled in ordinary tokens, so that the model reads exactly the
client's text; a server whose vocabulary is unknown is given the name with an invisible character.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from itertools import zip_longest

import msgspec

from shortstop.dialects.openai.local import Prompt, rewrite_content
from shortstop.registry.vocabulary import LOOKS, Vocabulary

WORD_JOINER = "\u2060"
"""Is not seen and takes no room; no name of a control token has one."""
FAMILIES = (
    r"</?(?:think|tool_call|tool_response|tools|bos|eos|pad|unk)>",
    r"<</?SYS>>",
    r"\[/?(?:TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT|TOOL_CONTENT|ARGS|THINK)\]",
)
"""Names that the models of known families use and that do not look like control tokens to all."""
ANY_FAMILY = re.compile("|".join((LOOKS.pattern, *FAMILIES)))
MAYBE = re.compile(rb"<|\[/?[A-Z]{4}")
"""What every one of these begins with: most requests have none."""


class Markers:
    """The names of control tokens of one model; without its vocabulary, of all known families."""

    def __init__(self, vocabulary: Vocabulary | None = None) -> None:
        self._spelling = {}
        self._names: re.Pattern[str] | None = ANY_FAMILY
        self._maybe: re.Pattern[bytes] | None = MAYBE
        self.exact = False
        """Whether a prompt can be made of tokens. Where a model reasons it cannot: only the chat
        API tells reasoning from the answer."""
        if vocabulary is not None:
            written = {_in_json(name): numbers for name, numbers in vocabulary.control.items()}
            longest_first = sorted(written, key=len, reverse=True)
            self._spelling = written
            self._names = re.compile("|".join(map(re.escape, longest_first))) if written else None
            self._maybe = None
            self.exact = vocabulary.spelled and not vocabulary.thinks

    def found(self, chat: bytes) -> bool:
        """Whether a name stands in the JSON of a chat request."""
        if self._names is None or (self._maybe is not None and not self._maybe.search(chat)):
            return False
        return self._names.search(chat.decode()) is not None

    def broken(self, chat: bytes) -> bytes:
        """The request with an invisible character in each name."""
        return rewrite_content(chat, lambda text: self._sub(_broken, text))

    def hidden(self, chat: bytes) -> tuple[bytes, HiddenNames]:
        """The request with a stand-in for each name, which a chat template leaves as it is."""
        hidden = HiddenNames()

        def hide(found: re.Match[str]) -> str:
            return hidden.stand_in(self._spelling[found.group()])

        return rewrite_content(chat, lambda text: self._sub(hide, text)), hidden

    def _sub(self, replace: Callable[[re.Match[str]], str], text: str) -> str:
        return text if self._names is None else self._names.sub(replace, text)


class HiddenNames:
    """What the stand-ins of one request stand for. They cannot be guessed."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(8)
        self._spelling: list[tuple[int, ...]] = []
        self._pattern = re.compile(f"x{self._secret}n([0-9]+)x")

    def stand_in(self, numbers: tuple[int, ...]) -> str:
        self._spelling.append(numbers)
        return f"x{self._secret}n{len(self._spelling) - 1}x"

    def prompt(self, rendered: str) -> Prompt:
        """The rendered chat with ordinary tokens in place of the stand-ins. Each piece of text
        between them is read on its own, so that nothing forms across a seam."""
        pieces = self._pattern.split(rendered)
        prompt: Prompt = []
        for text, number in zip_longest(pieces[::2], pieces[1::2]):
            if text:
                prompt.append(text)
            if number is not None:
                prompt += self._spelling[int(number)]
        return prompt


def _broken(found: re.Match[str]) -> str:
    name = found.group()
    return f"{name[0]}{WORD_JOINER}{name[1:]}"


def _in_json(name: str) -> str:
    """As it stands between the quotes of a JSON string."""
    return msgspec.json.encode(name).decode()[1:-1]
