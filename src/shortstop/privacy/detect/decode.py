# ruff: noqa: E501 - patterns are read whole
"""Other readings of a text: unpacked, joined, spelled out or turned around.

Everything here is cheap and loose; whether a reading means anything is for the rules to say.
"""

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

from shortstop.privacy.detect import mailboxes
from shortstop.privacy.detect.canonical import PlainView, rewrite
from shortstop.privacy.detect.detector import Detector
from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.signs import SIGNS, STRETCHED

Change = Callable[[re.Match[str]], str]

MAX_DEPTH = 3
"""How many encodings inside each other are unpacked."""
MAX_CHARS = 1 << 20
"""How much of one request is unpacked, in all."""
LONG = 256
"""Digits from which on a blob that gives no text is taken to hide some."""

_BASE64 = compile_pattern(r"[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]{16,})*={0,2}")
_LAST_LINE = re.compile(rb"\r?\n[A-Za-z0-9+/_-]{1,15}={0,2}(?![A-Za-z0-9+/_=-])")
"""The last line of wrapped base64, if it is a short one; or else some word in the next line."""
_HEX = compile_pattern(r"(?:\\x|0x)?((?:[0-9a-fA-F]{2}(?:[ :]|\\x|, ?0x)?){8,}[0-9a-fA-F]?)")
_HEX_SPACE = re.compile(rb"\\x|0x|[ :,]")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_PRINTABLE = re.compile(rb"[\x20-\x7e\r\n\t]{12,}")
# Any twelve printable bytes in a row contain a run of these digits, at any alignment.
_HEX_RUN = re.compile(rb"(?:[0-7][0-9a-fA-F]){12}")
_BASE64_RUN = re.compile(
    rb"(?:[CDI-Za-f][ACDEFGHQSTUVWXgijklmnwyz0123][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/]){3}"
)
_TAGS = re.compile(r"[\U000e0020-\U000e007e]+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-z]{2,8});")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|x[0-9a-fA-F]{2}|[0-7]{3})")
_QUOTED = re.compile(r"(?!=\d{2,}(?![\w=]))(?:=[0-9A-F]{2})+|=\r?\n")
"""A number that is assigned ("max_tokens=4096") is none."""
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,\s]{0,80};base64,")
_CONCATENATED = re.compile(r"""["'`]\s*(?:\+|\.|\.\.|&|\|\||<<)?\s*\\?\n?\s*["'`]""")
# One set of first characters, so that the search runs from one of them to the next.
_BROKEN = re.compile(
    r"[\r\n*_`/](?:(?<=[\r\n])(?!\s*@[\w.]+(?:\(|\.(?:setter|getter|deleter|fixture|\w{9,})\b|[ \t]*\n\s*(?:@|def|class|async|export|public|private|protected|static|final|fun|val|var|let|const|function)\b))[\r\n]*[ \t]*(?:#|//|\*|>|--)?[ \t]*|(?<=[*_`])[*_`]{0,2}|(?<=/)\*.{0,20}?\*/)"
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
    """`text` was hidden at [start, end) of the original, by `how`; None when what is there cannot be
    decoded but looks as if it hid something."""

    how: str
    text: str | None
    start: int
    end: int
    full: bool = True
    """Whether all rules are believed in it, or only the strict ones."""
    back: Callable[[], PlainView] | None = None
    """Makes the way back to the original's offsets, where there is one. Late: only hits need it."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's offsets of text[start:end]. Exact outside of what was encoded; inside it
        they may cover less of the encoding, or all of the stretch that hid the text."""
        if self.how == "rot13":
            return start, end
        if self.how == "reversed":
            return self.end - end, self.end - start
        return (self.start, self.end) if self.back is None else self.back().span(start, end)


@cache
def _signs_detector() -> Detector:
    return Detector((), SIGNS)


def signs(text: str) -> frozenset[str]:
    """The signs of a text that no detector has surveyed."""
    return _signs_detector().survey(text).signs


def unpacked(text: str, known_signs: Set[str] | None = None) -> Iterator[Decoding]:
    """Encodings in `text`, one level deep."""
    present = signs(text) if known_signs is None else known_signs
    if "hex" in present or "base64" in present:
        yield from _blobs(text, present)
    if "tags" in present:
        yield from _whole("tags", text, _TAGS, lambda m: "".join(map(_tagged, m.group())))
    if "percent" in present:
        yield from _whole("percent", text, _PERCENT, lambda m: unquote(m.group()))
    if "entities" in present:
        yield from _whole("entities", text, _ENTITY, lambda m: html.unescape(m.group()))
    if "escapes" in present:
        yield from _whole("escapes", text, _ESCAPE, _escaped)
    if "quoted-printable" in present:
        yield from _whole("quoted-printable", text, _QUOTED, _unquoted)


def _tagged(char: str) -> str:
    """What a tag character, or a byte written as a variation selector, says unseen."""
    code = ord(char)
    if 0xE0000 <= code < 0xE0080:
        return chr(code - 0xE0000)
    return chr(code - 0xFE00 if code < 0xE0100 else code - 0xE0100 + 16)


def _unquoted(match: re.Match[str]) -> str:
    return quopri.decodestring(match.group().encode()).decode("utf-8", "replace")


def respelled(text: str, present: Set[str]) -> Iterator[Decoding]:
    """The same words from a spelling for human readers only. `present` are the text's signs."""
    if "gap" in present:
        present |= STRETCHED
    if "spelled" in present:
        yield from _whole("spelled", text, mailboxes.spelled(), mailboxes.address, full=False)
    if "concatenated" in present:
        yield from _whole("concatenated", text, _CONCATENATED, "", full=False)
    if "broken" in present:
        yield from _whole("broken", text, _BROKEN, "", full=False)
    if "spaced-digits" in present:
        for match in _SPACED_DIGITS.finditer(text):
            yield _part("spaced", re.sub(r"\D", "", match.group()), match)
            yield _part("dashed", re.sub(r"[^\d-]", "", match.group()), match)
    if "spaced" in present:
        for match in _SPACED.finditer(text):
            yield _part("spaced", re.sub(r"[ \t_|*]", "", match.group()), match)
    if "spoken" in present:
        yield from _spoken(text)


def _spoken(text: str) -> Iterator[Decoding]:
    for match in _WORD_DIGITS.finditer(text):
        words = re.findall(r"[a-z]+", match.group().lower())
        digits = "".join(_NUMBER[w] for w in words)
        yield _part("spoken", digits, match)
        if len(digits) == 9:
            yield _part("spoken", f"{digits[:3]}-{digits[3:5]}-{digits[5:]}", match)


ROT13 = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    b"NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm",
)


def turned(text: str) -> Iterator[Decoding]:
    """The text backwards, and rotated by thirteen letters."""
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
        back = cache(lambda: rewrite(text, pattern, _as_function(change)))
        yield Decoding(how, changed, 0, len(text), full, back)


def _as_function(change: str | Change) -> Change:
    return (lambda match: change) if isinstance(change, str) else change


def _part(how: str, text: str, match: re.Match[str]) -> Decoding:
    return Decoding(how, text, match.start(), match.end(), full=False)


def _escaped(match: re.Match[str]) -> str:
    body = match.group()[1:]
    code = int(body.strip("ux{}"), 16) if body[0] in "ux" else int(body, 8)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else match.group()


def _blobs(text: str, present: Set[str]) -> Iterator[Decoding]:
    data = text.encode("ascii", "replace")  # one byte for each character: offsets stay the same
    hex_end = 0
    for match in _HEX.finditer(data) if "hex" in present else ():
        compact = _HEX_SPACE.sub(b"", match.group())
        if len(compact) >= 16:
            inner, hidden = _from_hex(compact)
            if inner is not None or hidden:
                yield Decoding("hex", inner, match.start(), match.end())
                hex_end = match.end()
    for match in _BASE64.finditer(data):
        if match.start() < hex_end and len(match.group()) < LONG:
            continue
        inner, hidden = _from_base64(match.group())
        last_line = _LAST_LINE.match(data, match.end())
        if last_line is not None:
            whole = _text(_unpadded(_digits(match.group() + last_line.group())))
            if whole is not None:
                hidden = False
                yield Decoding("base64", whole, match.start(), last_line.end())
        if inner is not None or hidden:
            yield Decoding("base64", inner, match.start(), match.end())


def _from_hex(compact: bytes) -> tuple[str | None, bool]:
    """(the text, whether something is hidden even if it is not text)."""
    raw = binascii.unhexlify(compact[: len(compact) // 2 * 2])
    inner, hidden = _text(raw), len(compact) >= LONG and len(set(raw)) > 32
    if inner is None and not hidden and _HEX_RUN.search(compact):
        inner = _runs(raw, binascii.unhexlify(compact[1 : (len(compact) - 1) // 2 * 2 + 1]))
    return inner, hidden


def _from_base64(blob: bytes) -> tuple[str | None, bool]:
    """The same for base64."""
    usable = _digits(blob)
    raw = _unpadded(usable)
    inner, hidden = _text(raw), len(usable) >= LONG and len(set(usable)) >= 40
    if inner is None and not hidden and _BASE64_RUN.search(usable):
        inner = _runs(raw, *(_unpadded(usable[n:]) for n in range(1, 4)))
    return inner, hidden


def _digits(blob: bytes) -> bytes:
    """Standard base64 without padding and line ends."""
    return blob.translate(_STANDARD, b"\r\n=")


def _unpadded(usable: bytes) -> bytes:
    usable = usable[: len(usable) - (len(usable) % 4 == 1)]
    return binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))


def _runs(*raws: bytes) -> str | None:
    """Stretches of plain text among other bytes: a word before them that also looks encoded
    ("decode 6b65...") shifts the alignment, and must not hide what follows it."""
    runs = [run for raw in raws for run in _PRINTABLE.findall(raw)]
    return b"\n".join(runs).decode("ascii") or None


def _text(raw: bytes) -> str | None:
    """The bytes as text, decompressed first if they are compressed; None when they are not text."""
    if raw[:2] in (b"\x1f\x8b", b"\x78\x9c", b"\x78\x01", b"\x78\xda"):
        try:
            raw = zlib.decompressobj(47).decompress(raw, MAX_CHARS)
        except zlib.error:
            return None
    for encoding in ("utf-8", "utf-16-le") if b"\0" in raw[:64] else ("utf-8",):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        printable = sum(c.isprintable() or c in "\r\n\t" for c in text)
        if text and printable >= 0.95 * len(text):
            return text
    return None
