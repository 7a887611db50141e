# ruff: noqa: E501 - patterns are read whole
"""Numbers that a word beside them names, in whatever layout: "SSN | 088 | 32 | 1296"."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from importlib.resources import files
from itertools import accumulate
from typing import Any

from msgspec import Struct

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.checks import Check, named
from shortstop.privacy.detect.groups import Run, compact, units
from shortstop.privacy.detect.rules import characters_of, compile_pattern
from shortstop.privacy.detect.somebody import spoken_of
from shortstop.privacy.names.people import unaccented
from shortstop.types import Tier

PROVED_REACH, NEAR_REACH, BESIDE_REACH = (70, 110), (28, 48), (2, 12)
"""Characters before and after a word within which a number may begin: one with check digits, one
that nothing proves but the word, and one of a kind whose word means many things."""
MOST_GROUPS, LONGEST = 20, 26
"""Of a number: groups, and characters without what stands between them."""
PERSON = 80
"""Characters on both sides of a word and its number in which somebody is named, where one must be."""
SCANNED = 4
"""Digits of a number that a scan may have taken for letters."""
_OTHER = re.compile(
    r"(?i)(?:(?<![a-z])v|schema|scheme|scanner|order|invoice|ticket|tracking|part|parts|item|build|version|release|page|pages|chapter|step|model"
    r"|issue|figure|table|row|line|room|sku|ean|gtin|upc|isbn|barcode|bar code|code-barres|code barres|strichcode|código de barras|codice a barre|streepjescode|kod kreskowy|barkod|штрихкод|штрих-код|条码|バーコード|바코드|bestellung|rechnung|auftrag|artikel|seite|commande|facture"
    r"|dossier|ref|reference|réf|référence|referencia|riferimento|referência|referentie|aktenzeichen|vorgang|expediente|pratica|processo|sprawa|zaak|ärende"
    r"|request|quote|angebot|devis|presupuesto|preventivo|orçamento|offerte|oferta|contract|vertrag|contrat|contrato|contratto|umowa|delivery|delivery note|shipment"
    r"|parcel|sendung|colis|envío|spedizione|zending|paczka|bestelling|zamówienie|zlecenie|objednávka|rendelés|comanda|sipariş|заказ|заявка|договор|накладная|замовлення|поръчка"
    r"|订单|订单号|單號|单号|快递单号|運單|注文|注文番号|追跡番号|주문|주문번호|송장번호|คำสั่งซื้อ|เลขพัสดุ|ऑर्डर|अॉर्डर|অর্ডার|طلبية|طلب رقم|سفارش|הזמנה|đơn hàng|mã đơn|pesanan|agizo|(?<![a-z])(?:awb|waybill|flight|vuelo|flug|vol|elo|resi|pixel|meter|imei|doi|tender|booking)|zählerstand|zählernummer|project|projekt|asset|device|serial|seriennummer"
    r"|pedido|factura|ordine|fattura|article|article no|case|run|job|batch|lot|sold|sales|traffic|reach|machines|was|id:|§|\$|€|£|usd|eur)"
    r"(?: ?(?:no|nr|number|nummer|num|#|id|n°|nº|№|numéro|número|numero|numer|číslo|号|号码|番号|번호))?[.:#]?\s*$"
)
"""A word before a number that says it is something else."""
_LEADS = re.compile(
    r"(?i)[\W_]{0,6}(?:(?:no|nr|num|number|nummer|numero|número|numéro|numer|is|id|card|ist|est|es)[\W_]{1,4}){0,2}"
)
"""What may stand between a number and a word that means many things."""
_OTHER_THINGS = frozenset(
    [
        "social media",
        "social network",
        "social networks",
        "social post",
        "social posts",
        "social ads",
    ]
)
"""Words with one that names a number in them, which name none."""
_ZIP = re.compile(r"\b[A-Z]{2},?[\s#*/;-]{1,6}\d{5}-\d{4}(?!\d)")
"""A postal code behind a state of the USA."""
_DATE = re.compile(
    r"(?<![\d,])(?:(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](?:19|20)\d\d|\d\d?:\d\d|\d{1,3}(?:,\d{3})+|(?<=[:=\s])\d+,\d\d)(?![\d,])"
)
"""A day, a time or an amount."""
_MEASURE = re.compile(
    r"(?i)\s?(?:ms|kg|km|mm|cm|mb|gb|kb|eur|usd|€|\$|%|£|kwh|mhz|points|people|users|items|units|words|lines|rows|bytes|records|entries|copies|inhabitants|times|personnes|personen|personas|persone)\b"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` name it, `shape` is what it looks like written as one, and `check` whether it may be.
    A text needs `fewest` digits to hold one, which may have `letters`. `whole`: only numbers that nothing goes on count. `sure`: the check is a proof, and the word may
    stand further off."""

    id: str
    label: str
    tier: Tier
    shape: re.Pattern[str]
    shortest: int
    longest: int
    fewest: int
    letters: bool
    check: Check | None
    whole: bool
    sure: bool
    words: tuple[str, ...]
    beside: bool = False
    """Only a number right beside the word counts."""
    person: bool = False
    """Only beside somebody who is named counts."""

    @property
    def reach(self) -> tuple[int, int]:
        """Characters before and after the word within which a number may begin."""
        return BESIDE_REACH if self.beside else PROVED_REACH if self.sure else NEAR_REACH


class Mention(Struct, frozen=True, gc=False):
    """A word at [start, end) that names one of `kinds`."""

    start: int
    end: int
    kinds: tuple[Kind, ...]

    @property
    def fewest(self) -> int:
        """Digits without which there is no number of any of its kinds."""
        return min(kind.fewest for kind in self.kinds)

    def moved(self, by: int) -> Mention:
        return Mention(self.start + by, self.end + by, self.kinds)


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind of data/kinds.toml."""
    source = files("shortstop.privacy").joinpath("data/kinds.toml").read_text(encoding="utf-8")
    return tuple(
        Kind(
            id=raw["id"],
            label=raw["label"],
            tier=Tier(raw.get("tier", 2)),
            shape=re.compile(raw["shape"]),
            shortest=_widths(raw["shape"])[0],
            longest=_widths(raw["shape"])[1],
            fewest=0 if "A-" in raw["shape"] else raw["shortest"] - SCANNED,
            letters="A-" in raw["shape"],
            check=named(raw["check"]) if "check" in raw else None,
            whole=raw.get("whole", "check" not in raw),
            sure=raw.get("sure", "check" in raw),
            words=tuple(raw["words"]),
            beside=raw.get("beside", False),
            person=raw.get("person", False),
        )
        for raw in tomllib.loads(source)["kind"]
    )


def _widths(shape: str) -> tuple[int, int]:
    """How long what a shape fits is at least and at most."""
    low, high = import_module("re._parser").parse(shape).getwidth()
    return low, min(high, LONGEST)


def _spellings(word: str) -> Iterator[str]:
    """The word as it may be written: typed in haste, in capitals, where a canonical text spells
    these otherwise than small letters."""
    for spelled in {word, *_typed(word)}:
        yield spelled
        if not spelled.isascii() and spelled == spelled.lower():
            yield spelled.upper()
            yield spelled.capitalize()


def _typed(word: str) -> Iterator[str]:
    """The word as it is typed in haste: "number" shortened, and without accents if it is long."""
    shortened = [word.replace(a, b) for a, b in _SHORTER if a in word and not _CASES.search(word)]
    yield from shortened
    for spelled in (word, *shortened):
        plain = unaccented(spelled)
        if plain.isascii() and plain != spelled and len(plain) >= UNACCENTED:
            yield plain
            yield spelled.translate(_SPREAD)


_SHORTER = (
    *(("number", "no"), ("number", "num"), ("number", "#"), ("nummer", "nr"), ("nummer", "-nr")),
    *(("numéro de ", "n° de "), ("numéro ", "n° "), ("numéro d'", "n° d'")),
    *(("número de ", "nº de "), ("número de ", "n.º de "), ("número de ", "nro de ")),
    *(
        ("numero di ", "n. "),
        ("numer ", "nr "),
        ("номер ", "№ "),
        ("číslo ", "č. "),
        ("broj ", "br. "),
    ),
    *((" de ", " "), (" di ", " "), (" do ", " "), (" da ", " "), (" del ", " "), (" d'", " ")),
    *(
        (" numarası", " no"),
        (" nömrəsi", " №"),
        ("αριθμός ", "αρ. "),
        ("nomor ", "no "),
        ("nombor ", "no "),
    ),
)
"""How the word for a number is shortened in names of numbers."""
_CASES = re.compile(r"dossier|fall|case")
"""Words that mean any file at all once they are shortened."""
UNACCENTED = 6
"""Letters from which on a word is as well found without its accents: "the" is no "thẻ"."""
_SPREAD = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe"})


def _folded(word: str) -> str:
    return re.sub(r"[\s_.'’-]", "", word.lower())


class _Names:
    """All words of all kinds, found in one pass."""

    def __init__(self) -> None:
        self.kinds: dict[str, list[tuple[Kind, str | None]]] = {}
        any_case, as_written = set[str](), set[str]()
        spelled = {
            (kind.id, s): kind for kind in kinds() for w in kind.words for s in _spellings(w)
        }
        # One text of all words: letters of other scripts that look Latin are Latin there.
        forms = canonical("\n".join(s for _, s in spelled)).text.split("\n")
        for kind, form in dict.fromkeys(zip(spelled.values(), forms, strict=True)):
            low = form.lower()
            exact = form if form != low and form.isascii() else None
            if exact:
                as_written.add(form)
            else:
                any_case.add(low if len(low) == len(form) else form)
            self.kinds.setdefault(_folded(form), []).append((kind, exact))
        any_case |= _OTHER_THINGS
        self.pattern = compile_pattern(f"(?i:{_either(any_case)})|{_either(as_written)}")

    def of(self, word: str) -> tuple[Kind, ...]:
        known = self.kinds.get(_folded(word), ())
        return tuple(dict.fromkeys(kind for kind, exact in known if exact in (None, word)))


def _either(words: set[str]) -> str:
    return "|".join(_spelled(w) for w in sorted(words, key=lambda w: (-len(w), w)))


def _spelled(word: str) -> str:
    """A pattern for the word, in any of the ways that fields are named; no part of a longer one
    where words are written apart."""
    inner = "[ .-]{0,2}".join(re.escape(part) for part in re.split(r"[ .-]", word)) or re.escape(
        word
    )
    inner = inner.replace("'", "['’]")
    return (
        rf"\b{inner}" * word[0].isascii()
        + inner * (not word[0].isascii())
        + r"\b" * (word[-1].isascii() and word[-1].isalnum())
    )


@cache
def _vocabulary() -> _Names:
    return _Names()


def words(text: str) -> list[Mention]:
    """Every word that names a kind of number."""
    data = text.replace("_", " ").encode("utf-8", "replace")
    matches: Iterator[tuple[int, int]] = (m.span() for m in _vocabulary().pattern.finditer(data))
    if len(data) != len(text):
        matches = characters_of(data, matches)
    found = (Mention(a, b, _vocabulary().of(text[a:b])) for a, b in matches)
    return [word for word in found if word.kinds]


def named_in(
    text: str, runs: Sequence[Run], beside: Sequence[Mention]
) -> Iterator[tuple[Kind, int, int]]:
    """(kind, start, end) of the numbers in `runs` that a word beside them names."""
    candidates = [(run[0].start, run[-1].end, _Candidates(run)) for run in runs] if beside else []
    for word in beside:
        low, high = word.start - PROVED_REACH[0], word.end + PROVED_REACH[1]
        for start, end, several in candidates:
            if start <= high and end >= low:
                for kind in word.kinds:
                    yield from _values(text, several, word, kind)


class _Candidates:
    """What may be a number in a run, as (start, end, written as one): wholes, and all parts. By
    length without gaps, for most lengths are of no kind that is named."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._sums = [0, *accumulate(len(g.text) for g in run)]
        self._made: dict[tuple[bool, int], list[tuple[int, int, str]]] = {}

    def of(self, kind: Kind) -> Iterator[tuple[int, int, str]]:
        """Those that may be of a kind, by length."""
        most = min(kind.longest, self._sums[-1])
        for length in range(kind.shortest, most + 1):
            found = self._made.get((kind.whole, length))
            if found is None:
                found = self._made[kind.whole, length] = self._spans(
                    self._wholes.get(length, ()) if kind.whole else self._windows(length)
                )
            yield from found

    @cached_property
    def _wholes(self) -> dict[int, list[tuple[int, int]]]:
        by_length: dict[int, list[tuple[int, int]]] = {}
        for i, j in units(self._run):
            by_length.setdefault(self._sums[j] - self._sums[i], []).append((i, j))
        return by_length

    @cached_property
    def _places(self) -> dict[int, int]:
        return {position: i for i, position in enumerate(self._sums)}

    def _windows(self, length: int) -> Iterator[tuple[int, int]]:
        for i, position in enumerate(self._sums):
            j = self._places.get(position + length)
            if j is not None and j - i <= MOST_GROUPS:
                yield i, j

    def _spans(self, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int, str]]:
        run = self._run
        return [(run[i].start, run[j - 1].end, compact(run[i:j])) for i, j in spans]


def _values(
    text: str, candidates: _Candidates, word: Mention, kind: Kind
) -> Iterator[tuple[Kind, int, int]]:
    before, after = kind.reach
    low, high = word.start - before, word.end + after
    shaped = kind.shape.fullmatch
    for start, end, value in candidates.of(kind):
        if end < low or start > high or shaped(value) is None:
            continue
        if (start < word.end and end > word.start) or _ZIP.search(text, max(0, start - 10), end):
            continue
        if kind.check is not None and not kind.check(value):
            continue
        between = text[min(end, word.end) : max(start, word.start)]
        if kind.beside and _LEADS.fullmatch(between) is None:
            continue
        if not kind.sure and ("\x1f" in between or _means_else(text, start, end, word)):
            continue
        if not kind.person or spoken_of(_around(text, min(start, word.start), end)):
            yield kind, start, end


def is_of_goods(text: str, start: int) -> bool:
    """Whether the number that begins there stands behind a word for goods or papers."""
    before = text[max(0, start - 30) : start].rstrip("\"'\\“„(")
    return _other().search(before.encode("utf-8", "replace")) is not None


@cache
def _other() -> Any:
    """`_OTHER` in RE2, which reads the same text a hundred times as fast. It may begin a character
    earlier."""
    pattern = _OTHER.pattern.replace("(?<![a-z])", "(?:^|[^a-z])")
    return compile_pattern(pattern.replace(r"\s", r"[\s\pZ\x0b\x1c-\x1f\x85]"))


def _around(text: str, start: int, end: int) -> str:
    """Where somebody is named whose number it may be."""
    return text[max(0, start - PERSON) : end + PERSON].rpartition("\x1f")[2]


def _means_else(text: str, start: int, end: int, word: Mention) -> bool:
    """Whether the number is a day or an amount, or stands behind another word that names it than a
    part of `word` ("id:" of "military id:")."""
    digit = next((i for i in range(start, end) if text[i].isdigit()), start)
    other = _OTHER.search(text, max(0, digit - 20), digit)
    return (
        _DATE.search(text, start, end) is not None
        or (other is not None and not word.start <= other.start() < word.end)
        or _MEASURE.match(text, end) is not None
    )
