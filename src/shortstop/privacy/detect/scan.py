"""All that is found in one request: every leaf, in every reading."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from itertools import pairwise

from msgspec import Struct

from shortstop.privacy.detect import decode, detector
from shortstop.privacy.detect.canonical import PlainView, Stretch, canonical, plain
from shortstop.privacy.detect.combine import health_of_a_person
from shortstop.privacy.detect.detector import Detector, Survey
from shortstop.privacy.detect.register import Register
from shortstop.privacy.labels import IDENTIFYING
from shortstop.privacy.leaves import Leaf
from shortstop.types import Finding, Tier

SEPARATOR = "\n\x1f\n"
AROUND = 512
"""How far a value may reach from a character that is spelled otherwise, context included."""
UNPACKED = ("base64:", "hex:")
"""How a rule is told whose value was written in code. In a cipher nothing else below a secret is
more than an accident: one in two hundred holds an IBAN."""
EDGE = 48
"""How much of two neighbours is read together, for a value split between them."""


class Unreadable(Exception):
    """Something in the request cannot be read, so it cannot be cleared."""


class ScanHit(Struct, frozen=True, gc=False):
    """A finding in the joined text, before it is told by leaf."""

    label: str
    tier: Tier
    rule: str
    start: int
    end: int


class ScanSheet:
    """The leaves laid out as one text, so that one pass reads them all."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self.leaves = leaves
        self.starts: list[int] = []
        position = 0
        shown = [leaf.shown for leaf in leaves]
        for text in shown:
            self.starts.append(position)
            position += len(text) + len(SEPARATOR)
        self.text = SEPARATOR.join(shown)

    def finding(self, found: ScanHit) -> Finding:
        """The finding by path and offsets in its leaf."""
        i = max(0, bisect_right(self.starts, found.start) - 1)
        leaf = self.leaves[i]
        shift = self.starts[i] + (len(leaf.key) + 2 if leaf.key else 0)
        start, end = (min(max(0, x - shift), len(leaf.text)) for x in (found.start, found.end))
        return Finding(found.label, found.tier, found.rule, leaf.path, start, end)


def scan(
    leaves: Sequence[Leaf],
    register: Register | None = None,
    tick: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """Every finding, without repeats. Raises Unreadable, and whatever `tick` raises."""
    sealed = [leaf for leaf in leaves if leaf.sealed]
    if not sealed:
        return _scanned(leaves, register, tick)
    told = _scanned([leaf for leaf in leaves if not leaf.sealed], register, tick)
    return told + _scanned(sealed, register, tick, sealed=True)


def _scanned(
    leaves: Sequence[Leaf],
    register: Register | None,
    tick: Callable[[], None],
    *,
    sealed: bool = False,
) -> list[Finding]:
    sheet = ScanSheet(leaves)
    found = [*_read(sheet.text, tick, sealed=sealed), *_split(sheet)]
    if sealed:
        found = [f for f in found if f.tier >= Tier.S3 or f.rule.startswith(UNPACKED)]
    if register is not None:
        found += [
            ScanHit(label, Tier.S3, rule, start, end)
            for label, rule, start, end in register.hits(sheet.text)
        ]
    return list(dict.fromkeys(sheet.finding(f) for f in found))


def _read(text: str, tick: Callable[[], None], *, sealed: bool) -> list[ScanHit]:
    view = canonical(text)
    seen = detector.standard().survey(view.text, tick)
    tick()
    if not seen and view.text is text:
        return []
    hits = _plain(detector.standard(), view.text, "", tick, seen)
    found = list(hits if view.text is text else _through(view, hits))
    for start, end in islands(view):
        for f in _plain(detector.standard(), text[start:end], "", tick):
            found.append(ScanHit(f.label, f.tier, f.rule, f.start + start, f.end + start))
    tick()
    for reading in decode.respelled(view.text, seen.signs):
        hits = _plain(detector.strict(), reading.text or "", reading.how, tick)
        found += _new(found, _within(view, reading, hits))
    if "turned" in seen.signs:
        for reading in decode.turned(view.text):
            hits = _plain(detector.turned(), reading.text or "", reading.how, tick)
            found += _new(found, _within(view, reading, hits))
    tick()
    found += _new(found, _unpack(text, view, seen.signs, found, tick, sealed=sealed))
    if "patient" in seen.signs:
        found += _health(view, found)
    return found


def _plain(
    detector: Detector,
    text: str,
    how: str,
    tick: Callable[[], None],
    seen: Survey | None = None,
) -> Iterator[ScanHit]:
    for hit in detector.hits(text, tick, seen):
        rule = f"{how}:{hit.rule.id}" if how else hit.rule.id
        yield ScanHit(hit.rule.label, hit.rule.tier, rule, hit.start, hit.end)


def islands(view: PlainView) -> Iterator[tuple[int, int]]:
    """The parts of the original that `view` spells otherwise, with what is around them: elsewhere
    both are the same, and need not be read twice."""
    start, end = 0, 0
    for changed in view.raws[1:]:
        if changed - AROUND > end > 0:
            yield start, end
            end = 0
        if end == 0:
            start = max(0, changed - AROUND)
        end = min(changed + AROUND, view.raw_length)
    if end > 0:
        yield start, end


def _through(view: PlainView, found: Iterator[ScanHit]) -> Iterator[ScanHit]:
    for f in found:
        yield ScanHit(f.label, f.tier, f.rule, *view.span(f.start, f.end))


def _within(
    view: PlainView | Stretch, reading: decode.Decoding, found: Iterator[ScanHit]
) -> Iterator[ScanHit]:
    """Findings of another reading, by the original's offsets."""
    for f in found:
        yield ScanHit(f.label, f.tier, f.rule, *view.span(*reading.span(f.start, f.end)))


def _new(known: Sequence[ScanHit], found: Iterable[ScanHit]) -> list[ScanHit]:
    """What another reading adds: a value seen plainly needs no second finding."""
    added = list(found)
    if not added:
        return added
    plain: dict[str, list[tuple[int, int]]] = {}
    for k in known:
        if ":" not in k.rule:
            plain.setdefault(k.label, []).append((k.start, k.end))
    return [
        f
        for f in added
        if not any(start < f.end and f.start < end for start, end in plain.get(f.label, ()))
    ]


def _unpack(
    text: str,
    view: PlainView,
    seen: Set[str],
    found: Sequence[ScanHit],
    tick: Callable[[], None],
    *,
    sealed: bool,
) -> Iterator[ScanHit]:
    """Breadth first, bounded in depth and in size. Of `sealed` text nobody expects to read all."""
    queue: list[tuple[decode.Decoding, PlainView | Stretch, int]]
    queue = [(r, view, 1) for r in decode.unpacked(view.text, seen)]
    if view.text is not text:
        queue = [(r, plain(text), 1) for r in decode.unpacked(text)] + queue
    budget = decode.MOST_BYTES
    while queue:
        tick()
        reading, outer, depth = queue.pop()
        if reading.text is None:
            if sealed:
                continue
            raise Unreadable("unreadable-blob")
        budget -= len(reading.text)
        if budget < 0:
            raise Unreadable("too-much-encoded")
        inner = canonical(reading.text)
        hits = _plain(detector.standard(), inner.text, reading.how, tick)
        if reading.how == "escapes":
            hits = _unsaid(hits, inner.text, text, found)
        yield from _within(outer, reading, _through(inner, hits))
        deeper = list(decode.unpacked(reading.text))
        if deeper and depth >= decode.DEPTH:
            raise Unreadable("encoded-too-deeply")
        whole = outer.span(reading.start, reading.end)
        queue += [(r, Stretch(*whole), depth + 1) for r in deeper]


def _unsaid(
    hits: Iterator[ScanHit], inner: str, text: str, found: Sequence[ScanHit]
) -> Iterator[ScanHit]:
    """Without what JSON in a string says again: its leaves were read, too."""
    said = {(f.label, canonical(text[f.start : f.end]).text) for f in found}
    return (f for f in hits if (f.label, inner[f.start : f.end]) not in said)


def _health(view: PlainView, found: Sequence[ScanHit]) -> list[ScanHit]:
    identified = [f.start for f in found if f.label in IDENTIFYING]
    span = health_of_a_person(view.text, identified)
    if span is None:
        return []
    return [ScanHit("HEALTH", Tier.S3, "health-of-a-person", *view.span(*span))]


def _split(sheet: ScanSheet) -> Iterator[ScanHit]:
    """Values that begin at the end of one said text and end at the start of another."""
    said = [i for i, leaf in enumerate(sheet.leaves) if leaf.said and leaf.text.strip()]
    if len(said) < 2:
        return
    pairs = sorted({*pairwise(said), *zip(said, said[2:], strict=False)})
    seams = [_seam(sheet, first, second) for first, second in pairs]
    if not detector.strict().may_hold(SEPARATOR.join(head + tail for head, tail in seams)):
        return
    for (first, _), (head, tail) in zip(pairs, seams, strict=True):
        for hit in detector.strict().hits(head + tail):
            if hit.start < len(head) - 1 and hit.end > len(head) + 1:
                end = sheet.starts[first] + len(sheet.leaves[first].shown)
                yield ScanHit(
                    hit.rule.label,
                    hit.rule.tier,
                    f"split:{hit.rule.id}",
                    max(sheet.starts[first], end - (len(head) - hit.start)),
                    end,
                )


def _seam(sheet: ScanSheet, first: int, second: int) -> tuple[str, str]:
    """The end of one text and the start of the next, as one would read them together."""
    head = canonical(sheet.leaves[first].text.rstrip()[-EDGE:]).text
    return head, canonical(sheet.leaves[second].text.lstrip()[:EDGE]).text
