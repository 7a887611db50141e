"""The control tokens of a model's vocabulary, and how each is spelled with ordinary tokens.

llama.cpp reads a control token wherever its name stands in a prompt, also in what a document says.
To say the name without meaning the token, its ordinary spelling is needed: here the longest
tokens that fit, which may not be the tokenizer's own choice, but is the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from shortstop.registry.gguf import read_metadata

MODEL, TOKENS, TYPES = (f"tokenizer.ggml.{key}" for key in ("model", "tokens", "token_type"))
TEMPLATE = "tokenizer.chat_template"
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
"""Of ggml's kinds of token. Those that are neither a byte nor normal are read in any text."""
LOOKS = re.compile(
    r"<\|[^|\s]{1,64}\|>|<｜[^｜\s]{1,64}｜>|</?s>|\[/?INST\]|<(?:start|end)_of_turn>"
)
"""Names that llama.cpp takes for control tokens even where the file calls them normal."""
LONGEST = 64
"""Characters of a name; a longer one is no control token."""
SENTENCEPIECE, BYTE_PAIRS = "llama", "gpt2"


class Vocabulary(Struct, frozen=True):
    """`control` has the names of control tokens with the numbers of ordinary tokens that spell the
    same; none where that is not known. `thinks`: the chat template separates reasoning."""

    control: dict[str, tuple[int, ...]] = {}
    thinks: bool = False

    @property
    def spelled(self) -> bool:
        """Whether the spelling of every name is known."""
        return all(self.control.values())


def read_vocabulary(path: Path) -> Vocabulary:
    """Raises ModelFileError. Reads some 200,000 tokens a second."""
    metadata = read_metadata(path, frozenset([TOKENS, TYPES]))
    tokens, types = metadata.get(TOKENS) or (), metadata.get(TYPES) or ()
    template = str(metadata.get(TEMPLATE) or "")
    kinds = dict(zip(tokens, types, strict=False))
    speller = _Speller(str(metadata.get(MODEL, "")), tokens, types)
    names = [name for name, kind in kinds.items() if _controls(name, kind, template)]
    return Vocabulary({name: speller.spell(name) for name in names}, "</think>" in template)


def _controls(name: str, kind: int, template: str) -> bool:
    """Whether text with this name in it would be read as the token, with a meaning of its own.

    Tokens that a maker has added for convenience (runs of spaces, tags of HTML) mean nothing else
    than they say, unless the chat template speaks of them.
    """
    if not 1 < len(name) <= LONGEST:
        return False
    if kind in (UNKNOWN, CONTROL):
        return True
    if kind in (NORMAL, BYTE):
        return LOOKS.fullmatch(name) is not None
    return not name.isspace() and name in template


class _Speller:
    """Spells text with normal tokens, longest first."""

    def __init__(self, model: str, tokens: Iterable[str], types: Iterable[int]) -> None:
        self._byte_pairs = model == BYTE_PAIRS
        known = model in (SENTENCEPIECE, BYTE_PAIRS)
        self._numbers: dict[str, int] = {}
        for number, (token, kind) in enumerate(zip(tokens, types, strict=False)):
            if known and kind in (NORMAL, BYTE) and LOOKS.fullmatch(token) is None:
                self._numbers[token] = number

    def spell(self, text: str) -> tuple[int, ...]:
        """The numbers; none where the vocabulary cannot say it or is of an unknown kind."""
        written = self._written(text)
        numbers, at = list[int](), 0
        while at < len(written):
            end = next(
                (e for e in range(len(written), at, -1) if written[at:e] in self._numbers), None
            )
            if end is not None:
                numbers.append(self._numbers[written[at:end]])
                at = end
                continue
            bytes_ = [self._numbers.get(f"<0x{b:02X}>") for b in written[at].encode()]
            if None in bytes_:
                return ()
            numbers += [n for n in bytes_ if n is not None]
            at += 1
        return tuple(numbers)

    def _written(self, text: str) -> str:
        """As the vocabulary writes it: bytes as visible characters, or spaces as a bar."""
        if self._byte_pairs:
            return "".join(_VISIBLE[b] for b in text.encode())
        return text.replace(" ", "\u2581")


def _visible() -> list[str]:
    """GPT-2's alphabet of bytes (openai/gpt-2, encoder.py): printable ones stand for themselves."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(others)) for b in range(256)]


_VISIBLE = _visible()
