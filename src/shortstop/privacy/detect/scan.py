"""Everything that is found in one request: every leaf, in every reading."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain, pairwise

from msgspec import Struct

from shortstop.privacy.detect import decode, person_context, spoken
from shortstop.privacy.detect.business import SHOWN, TOLD, Firms
from shortstop.privacy.detect.canonical import PlainView, Stretch, canonical, plain
from shortstop.privacy.detect.combine import (
    WHOLE,
    health_of_a_person,
    may_speak_of_health,
    spelled,
)
from shortstop.privacy.detect.decode import Decoding
from shortstop.privacy.detect.detector import (
    Detector,
    Survey,
    Tick,
    no_tick,
    spoken_detector,
    standard_detector,
    strict_detector,
    turned_detector,
)
from shortstop.privacy.detect.dictated import dictated
from shortstop.privacy.detect.figures import figures
from shortstop.privacy.detect.health_context import by_context, denied
from shortstop.privacy.detect.own import contextual_rules, is_no_secret
from shortstop.privacy.detect.register import Register
from shortstop.privacy.detect.signs import TURNED
from shortstop.privacy.labels import IDENTIFYING
from shortstop.privacy.leaves import Leaf
from shortstop.privacy.names.people import covered
from shortstop.types import Finding, Tier

SEPARATOR = "\n\x1f\n"
AROUND = 512
"""How far a value may reach from a character that is spelled differently, context included."""
UNPACKED = ("base64:", "hex:")
"""Prefixes of the rules of values that were encoded. In cipher text, anything else below a secret
is an accident: one cipher in two hundred contains an IBAN."""
EDGE = 48
"""How much of two neighbouring texts is read together, for a value split between them."""
DENIALS = 4
"""Passages of a text that may be denied by their context."""

_TOLD_BY_FIRMS = TOLD | SHOWN | {"NATIONAL_ID"}


class Unreadable(Exception):
    """Something in the request cannot be read, so it cannot be cleared."""


class ScanHit(Struct, frozen=True, gc=False):
    """A finding at text[start:end] of the joined text, before it is attributed to a leaf."""

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

    def leaf_at(self, position: int) -> Leaf:
        """The leaf in which a position of the joined text lies."""
        return self.leaves[self._number_at(position)]

    def _number_at(self, position: int) -> int:
        return max(0, bisect_right(self.starts, position) - 1)

    def finding(self, hit: ScanHit) -> Finding:
        """The hit by path, with offsets clipped to the leaf it starts in."""
        i = self._number_at(hit.start)
        leaf = self.leaves[i]
        shift = self.starts[i] + (len(leaf.key) + 2 if leaf.key else 0)
        start, end = (min(max(0, x - shift), len(leaf.text)) for x in (hit.start, hit.end))
        return Finding(hit.label, hit.tier, hit.rule, leaf.path, start, end)


def scan(
    leaves: Sequence[Leaf], register: Register | None = None, tick: Tick = no_tick
) -> list[Finding]:
    """Every finding, without repeats. Raises Unreadable, and whatever `tick` raises."""
    sealed = [leaf for leaf in leaves if leaf.sealed]
    if not sealed:
        return _scan(leaves, register, tick)
    open_leaves = [leaf for leaf in leaves if not leaf.sealed]
    return [
        *_scan(open_leaves, register, tick),
        *_scan(sealed, register, tick, sealed=True),
    ]


def _scan(
    leaves: Sequence[Leaf], register: Register | None, tick: Tick, *, sealed: bool = False
) -> list[Finding]:
    sheet = ScanSheet(leaves)
    hits = _read(sheet.text, tick, sealed=sealed, parts=sum(map(_may_tell, leaves)))
    hits += _split(sheet, hits)
    hits += _dictated(sheet)
    hits = [h for h in hits if not is_no_secret(sheet.leaf_at(h.start), h.rule)]
    if sealed:
        hits = [
            h
            for h in hits
            if h.rule.startswith(UNPACKED)
            or (h.tier >= Tier.S3 and h.rule not in contextual_rules())  # it has no words
        ]
    if register is not None:
        hits += [
            ScanHit(label, Tier.S3, rule, start, end)
            for label, rule, start, end in register.hits(sheet.text)
        ]
    return list(dict.fromkeys(sheet.finding(hit) for hit in hits))


def _may_tell(leaf: Leaf) -> bool:
    """Whether a leaf may say who somebody is: names have capitals, where a script has any."""
    text = leaf.text
    return leaf.spoken or not text.isascii() or text != text.lower()


def _read(text: str, tick: Tick, *, sealed: bool, parts: int) -> list[ScanHit]:
    view = canonical(text)
    survey = standard_detector().survey(view.text, tick)
    tick()
    low = spelled(text)
    health = may_speak_of_health(low)
    if not survey and not health and view.text is text:
        return []
    plain_hits = _detected(standard_detector(), view.text, "", tick, survey)
    hits = list(plain_hits if view.text is text else _through(view, plain_hits))
    for start, end in islands(view):
        for h in _detected(standard_detector(), text[start:end], "", tick):
            hits.append(ScanHit(h.label, h.tier, h.rule, h.start + start, h.end + start))
    tick()
    if "figures" in survey.signs:
        hits += _new(hits, _through(view, _figures(view.text, blobs="base64" in survey.signs)))
    if "numerals" in survey.signs:
        said = spoken.numerals(view.text)
        more = _detected(spoken_detector(), said.text, "spelled-out", tick)
        shown = _through(said, chain(more, _figures(said.text, "spelled-out")))
        hits += _new(hits, _through(view, shown))
    tick()
    for reading in decode.respelled(view.text, survey.signs):
        more = _detected(strict_detector(), reading.text or "", reading.how, tick)
        hits += _new(hits, _within(view, reading, more))
    if not TURNED.isdisjoint(survey.signs):
        for reading in decode.turned(view.text):
            more = _detected(turned_detector(), reading.text or "", reading.how, tick)
            hits += _new(hits, _within(view, reading, more))
    tick()
    everything, hits = hits, _of_people(text, hits)
    inner: list[tuple[str, tuple[int, int]]] = []
    more = _unpack(text, view, survey.signs, hits, inner, tick, sealed=sealed)
    hits += _new(hits, more)
    if health:
        hits += _health(view, low, hits, parts)
    if "figures" in survey.signs and not (
        sealed or any(h.tier >= Tier.S2 for h in chain(everything, hits))
    ):
        hits += _of_people(text, list(_somebodys(view)))
    if not sealed:
        hits += _hidden_health(view, hits, inner)
    return hits


def _of_people(text: str, hits: list[ScanHit]) -> list[ScanHit]:
    """Without what a firm tells everybody about itself, whatever else it was taken for."""
    if not any(h.label in _TOLD_BY_FIRMS for h in hits):
        return hits
    firms = Firms(text)
    theirs = covered(
        text,
        (
            (h.start, h.end)
            for h in hits
            if h.label in _TOLD_BY_FIRMS and firms.has(h.start, h.end, h.label)
        ),
    )
    return [h for h in hits if h.label not in _TOLD_BY_FIRMS or not any(theirs[h.start : h.end])]


def _detected(
    detector: Detector, text: str, how: str, tick: Tick, survey: Survey | None = None
) -> Iterator[ScanHit]:
    """The detector's hits. `how` the text was obtained is written before the rule, if at all."""
    for hit in detector.hits(text, tick, survey):
        rule = f"{how}:{hit.rule.id}" if how else hit.rule.id
        yield ScanHit(hit.rule.label, hit.rule.tier, rule, hit.start, hit.end)


def _figures(text: str, how: str = "", *, blobs: bool = True) -> Iterator[ScanHit]:
    """What `figures` finds, as hits."""
    for f in figures(text, blobs=blobs):
        yield ScanHit(f.label, f.tier, f"{how}:{f.rule}" if how else f.rule, f.start, f.end)


def islands(view: PlainView) -> Iterator[tuple[int, int]]:
    """The parts of the original that `view` spells differently, each with `AROUND` characters on
    both sides. Elsewhere the two are the same and need not be read twice."""
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


def _through(view: PlainView, hits: Iterator[ScanHit]) -> Iterator[ScanHit]:
    """Hits in a view, by the original's offsets."""
    for h in hits:
        yield ScanHit(h.label, h.tier, h.rule, *view.span(h.start, h.end))


def _within(
    view: PlainView | Stretch, reading: Decoding, hits: Iterator[ScanHit]
) -> Iterator[ScanHit]:
    """Hits in another reading of the view, by the original's offsets."""
    for h in hits:
        yield ScanHit(h.label, h.tier, h.rule, *view.span(*reading.span(h.start, h.end)))


def _new(hits: Sequence[ScanHit], more: Iterable[ScanHit]) -> list[ScanHit]:
    """What another reading adds: a value that was found in the plain text is not repeated."""
    added = list(more)
    if not added:
        return added
    spans: dict[str, list[tuple[int, int]]] = {}
    for h in hits:
        if ":" not in h.rule:
            spans.setdefault(h.label, []).append((h.start, h.end))
    return [
        h
        for h in added
        if not any(start < h.end and h.start < end for start, end in spans.get(h.label, ()))
    ]


def _unpack(
    text: str,
    view: PlainView,
    signs: Set[str],
    hits: Sequence[ScanHit],
    texts: list[tuple[str, tuple[int, int]]],
    tick: Tick,
    *,
    sealed: bool,
) -> Iterator[ScanHit]:
    """Hits inside encodings, bounded in depth and in size. What was read is added to `texts`, with
    its place. Not all of a `sealed` text need be readable. Raises Unreadable."""
    queue: list[tuple[Decoding, PlainView | Stretch, int]]
    queue = [(r, view, 1) for r in decode.unpacked(view.text, signs)]
    if view.text is not text:
        queue = [(r, plain(text), 1) for r in decode.unpacked(text)] + queue
    budget = decode.MAX_CHARS
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
        texts.append((inner.text, outer.span(reading.start, reading.end)))
        more = _detected(standard_detector(), inner.text, reading.how, tick)
        more = chain(more, _figures(inner.text, reading.how))
        if reading.how == "escapes":
            more = _unrepeated(more, inner.text, text, hits)
        yield from _within(outer, reading, _through(inner, more))
        deeper = list(decode.unpacked(reading.text))
        if deeper and depth >= decode.MAX_DEPTH:
            raise Unreadable("encoded-too-deeply")
        whole = outer.span(reading.start, reading.end)
        queue += [(r, Stretch(*whole), depth + 1) for r in deeper]


def _unrepeated(
    more: Iterator[ScanHit], inner: str, text: str, hits: Sequence[ScanHit]
) -> Iterator[ScanHit]:
    """Without values that JSON inside a string only repeats: its leaves were read, too."""
    values = {(h.label, canonical(text[h.start : h.end]).text) for h in hits}
    return (h for h in more if (h.label, inner[h.start : h.end]) not in values)


def _blanked(text: str, span: tuple[int, int]) -> str:
    start, end = span
    return text[:start] + " " * (end - start) + text[end:]


def _health(view: PlainView, low: str | None, hits: Sequence[ScanHit], parts: int) -> list[ScanHit]:
    """An illness with its person. In a request of several parts they may stand in two of them, and
    what identifies somebody does so for all. Where nobody is identified, passages that the reader
    of context denies are left out."""
    known = [h.start for h in hits if h.label in IDENTIFYING]
    text, span = view.text, health_of_a_person(view.text, known, low)
    for _ in range(0 if known else DENIALS):
        if span is None or (passage := denied(text, span[0])) is None:
            break
        text = _blanked(text, passage)
        low, span = None, health_of_a_person(text, known)
    if span is None and (known or parts > 1):
        span = health_of_a_person(text, known, low, whole=True)
    if span is None and (span := by_context(view.text)) is not None:
        return [ScanHit("HEALTH", Tier.S3, "health-by-context", *view.span(*span))]
    return [] if span is None else [_of_health(*view.span(*span))]


def _hidden_health(
    view: PlainView, hits: Sequence[ScanHit], texts: Sequence[tuple[str, tuple[int, int]]]
) -> Iterator[ScanHit]:
    """The same where one of the two was encoded. It counts as found where the encoding stands."""
    if any(h.label == "HEALTH" for h in hits):
        return
    known = [0] if any(h.label in IDENTIFYING for h in hits) else []
    for text, place in texts:
        if may_speak_of_health(spelled(text)):
            is_all = place == (0, view.raw_length)
            together = text if is_all else view.text[:WHOLE] + SEPARATOR + text
            if health_of_a_person(together, known, whole=True) is not None:
                yield _of_health(*place)


def _somebodys(view: PlainView) -> Iterator[ScanHit]:
    """A number that no rule knows and that all words around it say is somebody's."""
    if (span := person_context.by_context(view.text)) is not None:
        yield ScanHit("NATIONAL_ID", Tier.S2, "somebodys-number", *view.span(*span))


def _of_health(start: int, end: int) -> ScanHit:
    return ScanHit("HEALTH", Tier.S3, "health-of-a-person", start, end)


def _split(sheet: ScanSheet, hits: Sequence[ScanHit]) -> list[ScanHit]:
    """Values that begin at the end of one text of the conversation and end at the start of one of
    the next two. They count as found in the first.

    A text that begins with a capital begins a sentence: it does not continue a value below a secret
    that was found before it.
    """
    spoken = [i for i, leaf in enumerate(sheet.leaves) if leaf.spoken and leaf.text.strip()]
    if len(spoken) < 2:
        return []
    pairs = sorted({*pairwise(spoken), *zip(spoken, spoken[2:], strict=False)})
    seams = [_seam(sheet, first, second) for first, second in pairs]
    if not strict_detector().may_match(SEPARATOR.join(head + tail for head, tail in seams)):
        return []
    split: list[ScanHit] = []
    for (first, _), (head, tail) in zip(pairs, seams, strict=True):
        across = list(_across(sheet, first, head, tail))
        if tail[:1].isupper():
            new = _new(hits, across)
            across = [hit for hit in across if hit.tier >= Tier.S3 or hit in new]
        split += across
    return split


def _dictated(sheet: ScanSheet) -> Iterator[ScanHit]:
    """Numbers in instalments. They count as found in the text in which they begin."""
    for i, figure in dictated(sheet.leaves):
        start = sheet.starts[i]
        end = start + len(sheet.leaves[i].shown)
        yield ScanHit(figure.label, figure.tier, f"split:{figure.rule}", start, end)


def _across(sheet: ScanSheet, first: int, head: str, tail: str) -> Iterator[ScanHit]:
    start = sheet.starts[first]
    end = start + len(sheet.leaves[first].shown.rstrip())
    for hit in strict_detector().hits(head + tail):
        if hit.start < len(head) - 1 and hit.end > len(head) + 1:
            begin = max(start, end - (len(head) - hit.start))
            yield ScanHit(hit.rule.label, hit.rule.tier, f"split:{hit.rule.id}", begin, end)


def _seam(sheet: ScanSheet, first: int, second: int) -> tuple[str, str]:
    """The end of one text and the start of another, as one would read them together."""
    head = canonical(sheet.leaves[first].text.rstrip()[-EDGE:]).text
    return head, canonical(sheet.leaves[second].text.lstrip()[:EDGE]).text
