"""The examination: what the guard finds in labelled texts, and how long it takes."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.config import PrivacyConfig
from shortstop.privacy.sentinel import Sentinel
from shortstop.types import Caller, Json, Message, Request, Text, Tier

CLASSES = ("PII", "FIN", "GOVID", "PHI", "SECRET", "CONTRACT")


class Figure(Struct, frozen=True):
    """`hits` of `n`, with the 95% Wilson interval of the share."""

    name: str
    n: int
    hits: int
    share: float
    low: float
    high: float


class Timing(Struct, frozen=True):
    """Milliseconds on one core."""

    name: str
    n: int
    p50: float
    p99: float


class Report(Struct, frozen=True):
    part: str
    figures: tuple[Figure, ...]
    timings: tuple[Timing, ...] = ()


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Bounds of a share; (0, 1) when nothing was seen."""
    if n == 0:
        return 0.0, 1.0
    p, zz = hits / n, z * z
    middle = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def held_back(id: str) -> bool:
    """Whether a row belongs to the half that nobody looks at while writing rules."""
    return hashlib.sha256(id.encode()).digest()[0] >= 128


def rows(path: Path) -> Iterator[Json]:
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield msgspec.json.decode(line)


def request(text: str) -> Request:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    message = Message("user", (Text(text),))
    return Request(
        id="examined", dialect="openai.chat", body=body, model="auto", messages=(message,)
    )


class Examiner:
    """Asks a guard with the built-in policy."""

    def __init__(self) -> None:
        self._guard = Sentinel(
            PrivacyConfig(timeout=60), lambda request, body: request, key=b"x" * 32
        )

    def tier(self, text: str) -> Tier:
        return self._guard.clear(request(text), Caller()).tier

    def share(self, name: str, texts: Sequence[str]) -> Figure:
        hits = sum(self.tier(t) >= Tier.S2 for t in texts)
        low, high = wilson(hits, len(texts))
        return Figure(name, len(texts), hits, hits / len(texts) if texts else 0.0, low, high)

    def timing(self, name: str, texts: Sequence[str], rounds: int = 1) -> Timing:
        taken = []
        for text in list(texts) * rounds:
            start = time.perf_counter()
            self.tier(text)
            taken.append(1000 * (time.perf_counter() - start))
        taken.sort()
        n = len(taken)
        return Timing(name, n, taken[n // 2], taken[min(n - 1, math.ceil(0.99 * n) - 1)])


def gateway(data: Iterable[Mapping[str, Any]], part: str) -> Report:
    """Figures over rows with the columns of gateway_dev.jsonl: per class and in all."""
    found = list(data)
    examiner = Examiner()
    sensitive = [r for r in found if r["sensitive"]]
    figures = [examiner.share("sensitive flagged", [r["text"] for r in sensitive])]
    for name in sorted({r["tier"] for r in sensitive}):
        figures.append(
            examiner.share(f"flagged: {name}", [r["text"] for r in sensitive if r["tier"] == name])
        )
    harmless = [r["text"] for r in found if not r["sensitive"]]
    figures.append(examiner.share("false pins: harmless", harmless))
    return Report(part, tuple(figures), speed(found))


def ordinary(data: Iterable[Mapping[str, Any]], part: str) -> Report:
    texts = [r["text"] for r in data]
    return Report(part, (Examiner().share("false pins: ordinary", texts),))


def speed(data: Sequence[Mapping[str, Any]]) -> tuple[Timing, ...]:
    """Texts of about 200 and 2,000 tokens (four characters each), made of the rows themselves."""
    examiner = Examiner()
    plain = [r["text"] for r in data if not r["sensitive"] and "base64" not in r["text"]]
    dense = [r["text"] for r in data if r["sensitive"] and r["tier"] in ("PII", "FIN", "GOVID")]
    examiner.timing("warm", (plain + dense)[:20])
    sizes = (
        ("200 tokens", plain, 800),
        ("2,000 ordinary", plain, 8000),
        ("2,000 dense", dense, 8000),
    )
    return tuple(
        examiner.timing(name, list(_filled(texts, size)), 3) for name, texts, size in sizes if texts
    )


def _filled(texts: Sequence[str], size: int, count: int = 60) -> Iterator[str]:
    for start in range(count):
        piece, i = "", start * 7
        while len(piece) < size:
            piece += texts[i % len(texts)] + "\n"
            i += 1
        yield piece[:size]
