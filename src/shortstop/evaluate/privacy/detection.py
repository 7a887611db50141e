"""What the guard finds in labelled texts, and how long it takes."""

from __future__ import annotations

import codecs
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from shortstop.config import PrivacyConfig
from shortstop.dialects import wire_words
from shortstop.errors import ConfigError
from shortstop.evaluate.privacy.figures import Measured, PrivacyReport, Timing, counted, timing
from shortstop.privacy import BodyFormat, ephemeral_guard
from shortstop.types import Caller, Clearance, Json, Message, Request, Text, Tier

NO_LIMIT = PrivacyConfig(timeout=60)
"""A busy machine must not turn a slow verdict into a pin here."""


def is_held_back(id: str) -> bool:
    """Whether a row belongs to the half that nobody looks at while writing rules."""
    return hashlib.sha256(id.encode()).digest()[0] >= 128


def read_rows(path: Path) -> Iterator[Json]:
    """The objects of a file of JSON lines. Raises OSError, and ConfigError naming the first line
    that is not an object."""
    return (row for _, row in numbered_rows(path))


def numbered_rows(path: Path) -> Iterator[tuple[int, Json]]:
    """The same, each with the number of its line, from 1; empty lines are passed over."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if text.strip():
                try:
                    yield number, msgspec.json.decode(text, type=dict)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    why = "no JSON object" if isinstance(error, RecursionError) else str(error)
                    raise ConfigError(f"{path}, line {number}, is not JSON: {why}.") from error


def chat_request(text: str, id: str = "examined") -> Request:
    """One user's message, as an OpenAI chat request."""
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    return Request(id, "openai.chat", body, "auto", (Message("user", (Text(text),)),))


class Examiner:
    """Asks a guard with the built-in policy."""

    def __init__(self) -> None:
        self._guard = ephemeral_guard(
            NO_LIMIT, BodyFormat(lambda request, body: request, wire_words())
        )

    def verdict(self, text: str) -> Clearance:
        return self._guard.clear(chat_request(text), Caller())

    def tier(self, text: str) -> Tier:
        return self.verdict(text).tier

    def share(self, name: str, texts: Sequence[str]) -> Measured:
        """How many are flagged, at S2 or S3."""
        return counted(name, sum(self.tier(t) >= Tier.S2 for t in texts), len(texts))

    def timing(self, name: str, texts: Sequence[str], rounds: int = 1) -> Timing:
        milliseconds = []
        for text in list(texts) * rounds:
            start = time.perf_counter()
            self.tier(text)
            milliseconds.append(1000 * (time.perf_counter() - start))
        return timing(name, milliseconds)


def labelled(data: Iterable[Mapping[str, Any]], part: str) -> PrivacyReport:
    """Figures over rows with the columns of gateway_dev.jsonl: per class and in all."""
    rows = list(data)
    examiner = Examiner()
    sensitive = [r for r in rows if r["sensitive"]]
    figures = [examiner.share("sensitive flagged", [r["text"] for r in sensitive])]
    for name in sorted({r["tier"] for r in sensitive}):
        texts = [r["text"] for r in sensitive if r["tier"] == name]
        figures.append(examiner.share(f"flagged: {name}", texts))
    innocent = [r["text"] for r in rows if not r["sensitive"]]
    figures.append(examiner.share("false pins: hard harmless", innocent))
    return PrivacyReport(part, tuple(figures), _speed(rows))


def harmless(texts: Sequence[str], part: str) -> PrivacyReport:
    """Texts in which nothing should be found."""
    sizes = (("200 tokens, ordinary", 800), ("2,000 ordinary", 8000))
    return PrivacyReport(part, (Examiner().share("false pins", texts),), _timed(sizes, texts))


def _speed(rows: Sequence[Mapping[str, Any]]) -> tuple[Timing, ...]:
    """Texts of about 200 and 2,000 tokens (four characters each), made of the rows themselves:
    harmless ones that look like something, and dense ones that are something everywhere."""
    innocent = [r["text"] for r in rows if not r["sensitive"] and "base64" not in r["text"]]
    dense = [r["text"] for r in rows if r["sensitive"] and r["tier"] in ("PII", "FIN", "GOVID")]
    return (
        *_timed((("200 tokens, hard harmless", 800), ("2,000 hard harmless", 8000)), innocent),
        *_timed((("2,000 dense", 8000),), dense),
    )


def _timed(sizes: Sequence[tuple[str, int]], texts: Sequence[str]) -> tuple[Timing, ...]:
    """One timing for each (name, characters)."""
    if not texts:
        return ()
    examiner = Examiner()
    examiner.timing("warm", texts[:20])
    return tuple(examiner.timing(name, list(_filled(texts, size)), 3) for name, size in sizes)


def _filled(texts: Sequence[str], size: int, count: int = 60) -> Iterator[str]:
    """`count` texts of `size` characters, each joined from several of `texts`."""
    for start in range(count):
        piece, i = "", start * 7
        while len(piece) < size:
            piece += texts[i % len(texts)] + "\n"
            i += 1
        yield piece[:size]
