"""A key that the text names in another sentence: the only such value there, and nothing else to be.

"Here is the API key that they sent. It is valid for a year. 8aecdb3a...": the word is out of a
cue's reach, but no other value could be meant, and no word makes it a commit, a digest or an id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from shortstop.privacy.detect import cues
from shortstop.privacy.detect.candidates import Suspect, candidates
from shortstop.privacy.detect.cues import Surroundings

FORMS = ("hex", "random", "uuid", "joined", "groups")
ANNOUNCED = {
    "hex": ("key", "header"),
    "random": ("key", "header", "password"),
    "uuid": ("key",),
    "joined": ("phrase", "password"),
    "groups": ("licence",),
}
"""By make of value: the words that must stand somewhere in the text."""
AGAINST = frozenset({"hash", "id"})
WEAK = frozenset({"auth", "webhook", "signature", "sig", "sas", "dsn", "pat", "signing"})
"""Words for keys that name other things as often."""
_PATH = re.compile(r"(?:/?[a-z_-]{2,}/)+[0-9a-f]{8}-[0-9a-f]{4}-")
"""Of an address of something by its id."""
LONGEST = 2_000
"""Bytes of a text in which a value may be the only one: longer ones are logs, code, documents."""
MOST = 2
"""Values of these makes in a text in which one of them may be the only one that is meant."""
LEAST = {"hex": 32, "random": 24, "uuid": 36, "joined": 24, "groups": 16}
"""Characters of a value."""


def gates() -> tuple[str, ...]:
    """Patterns (RE2), one of which matches in every text in which `spans` may find something."""
    return (cues.gate(),)


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of such a value in UTF-8; one at most."""
    if len(data) > LONGEST:
        return
    text = data.decode("utf-8", "ignore")
    found = list(islice((one for one in candidates(text) if one.form in FORMS), MOST + 1))
    values = {
        one.value
        for one in found
        if len(one.value) >= LEAST[one.form] and not _PATH.match(one.value)
    }
    if len(values) != 1 or len(found) > MOST:
        return
    one = next(one for one in found if one.value in values)
    said = [c for c in Surroundings(text).cues if text[c.start : c.end].lower() not in WEAK]
    if _is_named(one, said):
        yield len(text[: one.start].encode()), len(text[: one.end].encode())


def _is_named(one: Suspect, said: Sequence[cues.Cue]) -> bool:
    kinds = {cue.kind for cue in said}
    return not kinds & AGAINST and bool(kinds.intersection(ANNOUNCED[one.form]))
