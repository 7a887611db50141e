"""Secrets told by what they are and by what stands near: cues, candidates, two scores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice, takewhile

from shortstop.privacy.detect import cues, secret_context, weigh
from shortstop.privacy.detect.candidates import Suspect, candidates
from shortstop.privacy.detect.cues import Surroundings
from shortstop.privacy.detect.rules import compile_pattern

AROUND = 200
"""Characters read on both sides of what may be a value: more than a cue's reach."""
WINDOW = cues.REACH + AROUND
"""Bytes read on both sides of a cue, and of what is shaped like a secret."""
MOST = 40
"""Values of a text that are judged by all words around them, and shapes that are looked at."""
CUED = frozenset(["digits", "long", "words", "joined", "letters"])
"""Makes that are everywhere: without any cue they are none."""
CHOSEN = frozenset(["password", "phrase"])
"""Classes of cues for what people choose themselves."""
DISPUTED = 0.3
"""Nearness from which on a cue says that a value is another thing."""
_GARBLED = re.compile(r"[\x00-\x08\x0e-\x1e\x7f-\x9f\ufffd]")
"""Of bytes that are no text: among them anything looks drawn."""
_SENTENCE = compile_pattern(
    r"[\pL\p{Nl}\p{No}]{2}[ \n,;:.'’-]{1,3}[\pL\p{Nl}\p{No}]{2}"
    r"|[\x{0e00}-\x{0eff}\x{3040}-\x{9fff}]{4}"
)
"""Two words in a row."""
_SPACE = re.compile(rb"[ \n]")


def gates() -> tuple[str, ...]:
    """Patterns (RE2), one of which matches in every text in which `spans` may find something."""
    return cues.gate(), secret_context.SHAPED.pattern


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every value in UTF-8 that is more likely a secret than the costs of
    a miss and of a false pin allow to let go."""
    left = MOST
    for start, end in _windows(data):
        text = data[start:end].decode("utf-8", "ignore")
        scorer = _Scorer(text, left)
        for found in filter(scorer.believes, takewhile(scorer.may_believe, candidates(text))):
            yield start + _bytes(text, found.start), start + _bytes(text, found.end)
        left = scorer.left


def _windows(data: bytes) -> Iterator[tuple[int, int]]:
    """[start, end) of what is in reach of a cue or of a shape, no value cut in two."""
    if len(data) <= WINDOW:
        yield 0, len(data)
        return
    first = last = -1
    shaped = (match.span() for match in islice(secret_context.SHAPED.finditer(data), MOST))
    for start, end in sorted([*cues.announced(data), *shaped]):
        if first >= 0 and start - WINDOW > last:
            yield first, last
            first = -1
        if first < 0:
            first = _outside(data, start - WINDOW, -1)
        if end + WINDOW > last:
            last = _outside(data, end + WINDOW, 1)
    if first >= 0:
        yield first, last


def _outside(data: bytes, position: int, step: int) -> int:
    """The next place between two words from there on, or the end."""
    if step < 0:
        return max(data.rfind(b" ", 0, max(0, position)), data.rfind(b"\n", 0, max(0, position)), 0)
    found = _SPACE.search(data, position)
    return len(data) if found is None else found.start()


class _Scorer:
    """Judges the candidates of a text. `left`: how many more by all words around them."""

    def __init__(self, text: str, left: int) -> None:
        data = text.encode()
        present = cues.classes(data)
        announces = weigh.announces()
        self._forms = {f for f, kinds in announces.items() if not kinds.keys().isdisjoint(present)}
        self._text, self._around, self._model = text, Surroundings(text, present), weigh.model()
        self._garbled = not present and (
            _GARBLED.search(text) is not None or _SENTENCE.search(data) is None
        )
        self.left = left

    @cached_property
    def _worded(self) -> secret_context.WordedText:
        return secret_context.WordedText(self._text)

    def may_believe(self, _: Suspect) -> bool:
        """Whether any more can be: where nothing is announced, not among what is no text, nor when
        as many as are allowed were judged."""
        return bool(self._forms) or not (self._garbled or self.left == 0)

    def believes(self, candidate: Suspect) -> bool:
        announced = candidate.form in self._forms
        if candidate.named:
            return announced and self._is_called_a_password(candidate)
        if announced and self._model.believes(
            weigh.features(candidate, self._around, self._model.letter_pairs)
        ):
            return True
        if self.left == 0 or self._garbled or not (announced or candidate.form not in CUED):
            return False
        if self._is_disputed(candidate):
            return False
        self.left -= 1
        return secret_context.believes(self._worded, candidate)

    def _is_called_a_password(self, candidate: Suspect) -> bool:
        """Whether the text says outright that it is one: "the password is BlueTiger7"."""
        if not self._around.near(candidate.start, candidate.end, CHOSEN):
            return False
        found = weigh.features(candidate, self._around, self._model.letter_pairs)
        return bool(found.get("stated"))

    def _is_disputed(self, candidate: Suspect) -> bool:
        """Whether a cue stands near that says that it is another thing."""
        against = weigh.denies().get(candidate.form, frozenset())
        near = self._around.near(candidate.start, candidate.end, against)
        return any(nearness >= DISPUTED for nearness, _ in near.values())


def _bytes(text: str, position: int) -> int:
    return position if text.isascii() else len(text[:position].encode())
