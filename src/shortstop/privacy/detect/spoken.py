# ruff: noqa: E501 - words are read whole, in many scripts
"""Numbers that are spelled out, digit by digit or in pairs, in the languages of the rulebook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from shortstop.privacy.detect.canonical import PlainView, canonical, rewrite

FEWEST_DIGITS = 4
"""Digits that a stretch of words must spell to be read as a number."""

_ONES = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
    " sechzehn siebzehn achtzehn neunzehn",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro"
    " veinticinco veintiséis veintisiete veintiocho veintinueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici"
    " quindici sedici diciassette diciotto diciannove",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis"
    " dezessete dezoito dezenove",
    "nl": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien"
    " zestien zeventien achttien negentien",
    "pl": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
    "sv": "noll ett två tre fyra fem sex sju åtta nio",
    "ru": "ноль один два три четыре пять шесть семь восемь девять",
    "tr": "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "fr": "vingt trente quarante cinquante soixante septante huitante nonante",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
}
_MORE = {
    "oh": 0,
    "o": 0,
    "zwo": 2,
    "uma": 1,
    "une": 1,
    "una": 1,
    "duas": 2,
    "meia": 6,
    "één": 1,
    "en": 1,
}
_MORE |= {
    "dreissig": 30,
    "quatre-vingt": 80,
    "quatre-vingts": 80,
    "quatre-vingt-dix": 90,
    "oct": 80,
}
_MORE |= {
    "quatre-vingt-dix": 90,
    "quatre vingt": 80,
    "quatre vingts": 80,
    "quatre vingt dix": 90,
    "soixante dix": 70,
    "soixante-dix": 70,
}
_TWICE = {"double": 2, "doppel": 2, "doppelt": 2, "doble": 2, "dobro": 2, "doppio": 2, "dubbel": 2}
_TWICE |= {"triple": 3, "dreifach": 3}
_SIGNS = {
    "dash",
    "space",
    "hyphen",
    "strich",
    "bindestrich",
    "leerzeichen",
    "tiret",
    "espace",
    "guion",
}
_HAN = dict(
    zip(
        "零〇一二三四五六七八九幺两공영일이삼사오육칠팔구",
        "001234567891200123456789"[:24],
        strict=False,
    )
)


def _plain(word: str) -> str:
    accents = str.maketrans("éèêáàâíóòôõúûçã", "eeeaaaioooouuca")
    return word.translate(accents)


def _values() -> dict[str, int]:
    values = {w: n for words in _ONES.values() for n, w in enumerate(words.split())}
    values |= {w: 10 * n for words in _TENS.values() for n, w in enumerate(words.split(), 2)}
    for und, ones, tens in (("und", "de", "de"), ("en", "nl", "nl"), ("ën", "nl", "nl")):
        for n, one in enumerate(_ONES[ones].split()[:10]):
            head = "ein" if one == "eins" else one
            values |= {
                f"{head}{und}{t}": 10 * m + n for m, t in enumerate(_TENS[tens].split(), 2) if n
            }
    for m, ten in enumerate(_TENS["it"].split(), 2):
        for n, one in enumerate(_ONES["it"].split()[:10]):
            if n:
                values[(ten[:-1] if one[0] in "uo" else ten) + one] = 10 * m + n
    values |= _MORE
    return {canonical(w).text: n for w, n in values.items()} | {
        _plain(w): n for w, n in values.items()
    }


_VALUE = _values()
_WORDS = sorted({*_VALUE, *_TWICE, *_SIGNS} - {"o", "en"}, key=len, reverse=True)
_WORD = "|".join(map(re.escape, _WORDS))
_LINK = r"(?:[\s,;.\-–/|*_]{1,4}(?:(?:and|und|et|y|e)[\s-]{1,2})?(?:(?-i:[A-Z])[\s,.-]{1,2}){0,4})"
_STRETCH = (
    rf"(?i)(?<!\w)(?:{_WORD}|o(?=\W))(?:{_LINK}(?:{_WORD}|o|\d{{1,4}})(?!\w)){{3,}}"
    rf"|[{''.join(_HAN)}](?:[\s、,-]?[{''.join(_HAN)}]){{4,}}"
)
_TOKEN = re.compile(rf"(?i)(?<!\w)(?:{_WORD}|[a-z]|\d+|and|und|et)(?!\w)|[,;.\n/|]|\d")

SIGN = rf"(?i)(?:(?:{_WORD})[\s,;./|-]{{1,3}}(?:(?:and|und|et|y|e) )?){{3}}(?:{_WORD})|[{''.join(_HAN)}]{{4}}"
"""Matches wherever words spell a number."""


def may_spell(text: str) -> bool:
    """Whether some of the words are numbers."""
    return sum(map(_VALUE.__contains__, text.lower().replace(",", " ").split())) > 1


def numerals(text: str) -> PlainView:
    """The text with digits for the words that spell a number."""
    return rewrite(text, _stretch(), lambda m: _digits(m.group()))


@cache
def _stretch() -> re.Pattern[str]:
    """Compiled when a text first may hold one: that takes 40 ms."""
    return re.compile(_STRETCH)


def _digits(stretch: str) -> str:
    if stretch[0] in _HAN:
        return "".join(_HAN.get(c, "") for c in stretch)
    spelled = "".join(_numbers(stretch.lower(), stretch))
    return spelled if sum(map(str.isdigit, spelled)) >= FEWEST_DIGITS else stretch


def _numbers(low: str, stretch: str) -> Iterator[str]:
    """Digits and single capitals in order."""
    speller = _Spoken()
    for match in _TOKEN.finditer(low):
        word = match.group()
        if word in _VALUE:
            yield speller.number(_VALUE[word])
        elif word.isdigit():
            yield speller.rest() + word
        elif word in ",;.\n/|":
            yield speller.rest()
        elif word in _TWICE:
            speller.times = _TWICE[word]
        elif len(word) == 1 and stretch[match.start()].isupper():
            yield speller.rest() + word.upper()
    yield speller.rest()


class _Spoken:
    """A ten takes in the unit behind it, and "double" doubles what follows."""

    def __init__(self) -> None:
        self.times, self._ten = 1, 0

    def number(self, value: int) -> str:
        """The digits that are certain once a word of this value is heard."""
        if self._ten and 0 < value < (20 if self._ten in (60, 80) else 10):
            value, self._ten = self._ten + value, 0
            return str(value)
        if value >= 20 and value % 10 == 0 and self.times == 1:
            before, self._ten = self.rest(), value
            return before
        before, times = self.rest(), self.times
        self.times = 1
        return before + str(value) * times

    def rest(self) -> str:
        """The ten that nothing followed."""
        ten, self._ten = self._ten, 0
        return str(ten) if ten else ""
