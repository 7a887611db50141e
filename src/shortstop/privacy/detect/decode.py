# ruff: noqa: E501 - patterns are read whole
"""Other readings of a text: what it becomes when unpacked, joined, spelled out or turned around."""

from __future__ import annotations

import binascii
import html
import quopri
import re
import zlib
from collections.abc import Callable, Iterator, Set
from functools import cache
from urllib.parse import unquote

from msgspec import Struct

from shortstop.privacy.detect.canonical import PlainView, rewrite
from shortstop.privacy.detect.detector import Detector
from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.signs import DOT, SIGNS, STRETCHED

Change = Callable[[re.Match[str]], str]

DEPTH = 3
MOST_BYTES = 1 << 20
LONG = 256
"""From this length on, a blob that gives no text is believed to hide some."""

_BASE64 = compile_pattern(r"[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]{16,})*={0,2}")
_HEX = compile_pattern(r"(?:\\x|0x)?((?:[0-9a-fA-F]{2}(?:[ :]|\\x|, ?0x)?){8,})")
_HEX_SPACE = re.compile(rb"\\x|0x|[ :,]")
_USUAL = bytes.maketrans(b"-_", b"+/")
_PRINTABLE = re.compile(rb"[\x20-\x7e\r\n\t]{12,}")
# Twelve printable bytes in a row are written in at least these digits, at any alignment.
_HEX_RUN = re.compile(rb"(?:[0-7][0-9a-fA-F]){12}")
_BASE64_RUN = re.compile(
    rb"(?:[CDI-Za-f][ACDEFGHQSTUVWXgijklmnwyz0123][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/]){3}"
)
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-z]{2,8});")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|x[0-9a-fA-F]{2}|[0-7]{3})")
_QUOTED = re.compile(r"(?:=[0-9A-F]{2})+|=\r?\n")
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,\s]{0,80};base64,")
_CONCATENATED = re.compile(r"""["'`]\s*(?:\+|\.|\.\.|&|\|\||<<)?\s*\\?\n?\s*["'`]""")
# One set of first characters, so that the search runs from one of them to the next.
_BROKEN = re.compile(
    r"[\r\n*_`/](?:(?<=[\r\n])[\r\n]*[ \t]*(?:#|//|\*|>|--)?[ \t]*|(?<=[*_`])[*_`]{0,2}|(?<=/)\*.{0,20}?\*/)"
)
_NAME = r"[\w+-]{1,64}"
_SPELLED = re.compile(
    rf"(?i)\b{_NAME}(?:(?:{DOT}|\.){_NAME}){{0,4}}\s*(?:[\[({{<]\s*(?:at|@)\s*[\])}}>]\s*{_NAME}(?:(?:{DOT}|\.){_NAME}){{1,4}}"
    rf"|(?:\sat\s|\sarobase\s|@)\s*{_NAME}(?:\.{_NAME}){{0,2}}(?:{DOT}(?:com|org|net|edu|gov|io|ai|dev|app|info|biz|co|me|eu|\w{{2}})\b){{1,2}})"
)


def _spelled_out(match: re.Match[str]) -> str:
    said = re.sub(
        r"(?i)\s*[\[({<]\s*(?:at|@)\s*[\])}>]\s*|\s+(?:at|arobase)\s+", "@", match.group()
    )
    return re.sub(
        r"(?i)\s*[\[({<]\s*(?:dot|\.)\s*[\])}>]\s*|\s+(?:dot|punkt|punto|ponto|point)\s+", ".", said
    )


_SPACED = re.compile(r"(?:[0-9A-Za-z@.][ \t_.\-/|*]{1,2}){7,}[0-9A-Za-z]")
_SPACED_DIGITS = re.compile(r"\d(?:[ \t_.\-/|*\n]{1,3}\d{1,4}){6,}")
_WORD_DIGITS = re.compile(
    r"(?i)\b(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|dash|space)\b[\s,-]*){8,}"
)
_NUMBER = {w: str(i) for i, w in enumerate(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)} | {"oh": "0", "dash": "-", "space": " "}  # fmt: skip


class Decoding(Struct, frozen=True):
    """`text` was hidden at start:end of the original, by `how`. `text` None: it gave nothing."""

    how: str
    text: str | None
    start: int
    end: int
    full: bool = True
    """Whether any rule may speak, or only the strict ones."""
    back: Callable[[], PlainView] | None = None
    """Makes the way back to the original's offsets, where there is one: only hits need it."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where text[start:end] stood: exactly, or the whole stretch that hid it."""
        if self.how == "rot13":
            return start, end
        if self.how == "reversed":
            return self.end - end, self.end - start
        return (self.start, self.end) if self.back is None else self.back().span(start, end)


@cache
def _detector() -> Detector:
    return Detector((), SIGNS)


def signs(text: str) -> frozenset[str]:
    """Which readings of a text to try that was not surveyed otherwise."""
    return _detector().survey(text).signs


def unpacked(text: str, seen: Set[str] | None = None) -> Iterator[Decoding]:
    """Encodings found in `text`, one level deep. `seen`: its signs, where they are known."""
    seen = signs(text) if seen is None else seen
    if "hex" in seen or "base64" in seen:
        yield from _blobs(text, seen)
    if "percent" in seen:
        yield from _whole("percent", text, _PERCENT, lambda m: unquote(m.group()))
    if "entities" in seen:
        yield from _whole("entities", text, _ENTITY, lambda m: html.unescape(m.group()))
    if "escapes" in seen:
        yield from _whole("escapes", text, _ESCAPE, _escaped)
    if "quoted-printable" in seen:
        yield from _whole("quoted-printable", text, _QUOTED, _unquoted)


def _unquoted(match: re.Match[str]) -> str:
    return quopri.decodestring(match.group().encode()).decode("utf-8", "replace")


def respelled(text: str, seen: Set[str]) -> Iterator[Decoding]:
    """The same words, written to be read by people only. `seen`: the signs in `text`."""
    if "gap" in seen:
        seen |= STRETCHED
    if "spelled" in seen:
        yield from _whole("spelled", text, _SPELLED, _spelled_out, full=False)
    if "concatenated" in seen:
        yield from _whole("concatenated", text, _CONCATENATED, "", full=False)
    if "broken" in seen:
        yield from _whole("broken", text, _BROKEN, "", full=False)
    if "spaced-digits" in seen:
        for match in _SPACED_DIGITS.finditer(text):
            yield _part("spaced", re.sub(r"\D", "", match.group()), match)
            yield _part("dashed", re.sub(r"[^\d-]", "", match.group()), match)
    if "spaced" in seen:
        for match in _SPACED.finditer(text):
            yield _part("spaced", re.sub(r"[ \t_|*]", "", match.group()), match)
    if "spoken" in seen:
        yield from _spoken(text)


def _spoken(text: str) -> Iterator[Decoding]:
    for match in _WORD_DIGITS.finditer(text):
        words = re.findall(r"[a-z]+", match.group().lower())
        said = "".join(_NUMBER[w] for w in words)
        yield _part("spoken", said, match)
        if len(said) == 9:
            yield _part("spoken", f"{said[:3]}-{said[3:5]}-{said[5:]}", match)


ROT13 = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    b"NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm",
)


def turned(text: str) -> Iterator[Decoding]:
    """Backwards and rotated by thirteen."""
    rotated = text.encode("utf-8", "surrogatepass").translate(ROT13)
    yield Decoding("reversed", text[::-1], 0, len(text), full=False)
    yield Decoding("rot13", rotated.decode("utf-8", "surrogatepass"), 0, len(text), full=False)


def _whole(
    how: str,
    text: str,
    pattern: re.Pattern[str],
    change: str | Change,
    *,
    full: bool = True,
) -> Iterator[Decoding]:
    changed = pattern.sub(change, text)
    if changed != text:
        back = cache(lambda: rewrite(text, pattern, _called(change)))
        yield Decoding(how, changed, 0, len(text), full, back)


def _called(change: str | Change) -> Change:
    return (lambda match: change) if isinstance(change, str) else change


def _part(how: str, text: str, match: re.Match[str]) -> Decoding:
    return Decoding(how, text, match.start(), match.end(), full=False)


def _escaped(match: re.Match[str]) -> str:
    body = match.group()[1:]
    code = int(body.strip("ux{}"), 16) if body[0] in "ux" else int(body, 8)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else match.group()


def _blobs(text: str, seen: Set[str]) -> Iterator[Decoding]:
    data = text.encode("ascii", "replace")  # byte for character: places stay the same
    seen_to = 0
    for match in _HEX.finditer(data) if "hex" in seen else ():
        compact = _HEX_SPACE.sub(b"", match.group())
        if len(compact) >= 16:
            inner, hidden = _from_hex(compact)
            if inner is not None or hidden:
                yield Decoding("hex", inner, match.start(), match.end())
                seen_to = match.end()
    for match in _BASE64.finditer(data):
        if match.start() < seen_to and len(match.group()) < LONG:
            continue
        inner, hidden = _from_base64(match.group())
        if inner is not None or hidden:
            yield Decoding("base64", inner, match.start(), match.end())


def _from_hex(compact: bytes) -> tuple[str | None, bool]:
    """What was hidden, and whether something is, even if it is no text."""
    raw = binascii.unhexlify(compact[: len(compact) // 2 * 2])
    inner, hidden = _text(raw), len(compact) >= LONG and len(set(raw)) > 32
    if inner is None and not hidden and _HEX_RUN.search(compact):
        inner = _runs(raw, binascii.unhexlify(compact[1 : (len(compact) - 1) // 2 * 2 + 1]))
    return inner, hidden


def _from_base64(blob: bytes) -> tuple[str | None, bool]:
    """The same."""
    usable = blob.translate(_USUAL, b"\r\n=")
    raw = _unpadded(usable)
    inner, hidden = _text(raw), len(usable) >= LONG and len(set(usable)) >= 40
    if inner is None and not hidden and _BASE64_RUN.search(usable):
        inner = _runs(raw, *(_unpadded(usable[n:]) for n in range(1, 4)))
    return inner, hidden


def _unpadded(usable: bytes) -> bytes:
    usable = usable[: len(usable) - (len(usable) % 4 == 1)]
    return binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))


def _runs(*raws: bytes) -> str | None:
    """Stretches of plain text among other bytes: a neighbouring word that also looks encoded
    ("decode 6b65...") must not hide what follows it, at whatever alignment."""
    found = [run for raw in raws for run in _PRINTABLE.findall(raw)]
    return b"\n".join(found).decode("ascii") or None


def _text(raw: bytes) -> str | None:
    """Bytes as text, unpacked if they are packed; None when they are neither."""
    if raw[:2] in (b"\x1f\x8b", b"\x78\x9c", b"\x78\x01", b"\x78\xda"):
        try:
            raw = zlib.decompressobj(47).decompress(raw, MOST_BYTES)
        except zlib.error:
            return None
    for encoding in ("utf-8", "utf-16-le") if b"\0" in raw[:64] else ("utf-8",):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        shown = sum(c.isprintable() or c in "\r\n\t" for c in text)
        if text and shown >= 0.95 * len(text):
            return text
    return None
