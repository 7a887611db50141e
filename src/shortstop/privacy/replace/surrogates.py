"""Stand-ins for real values: of the same type, stable in a conversation, and harmless."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from shortstop.privacy.replace.dates import moved

TRIES = 64


class SurrogateFactory:
    """Makes the surrogates of one conversation. `key` belongs to the tenant."""

    def __init__(self, key: bytes, tenant: str, conversation: str) -> None:
        self._key = key
        self._scope = f"{tenant}\0{conversation}".encode()
        self._days = 400 + self._draw("DOB", "", 0) % 3_000

    def surrogate(self, label: str, value: str, avoid: str, used: set[str]) -> str:
        """A stand-in that occurs neither in `avoid` (lower case) nor among those `used`.

        Raises ValueError when none can be found: then nothing leaves.
        """
        normal = " ".join(value.split()).casefold()
        for attempt in range(TRIES):
            if label == "DOB":  # one shift for a conversation: ages and intervals stay
                made = moved(value, self._days + attempt)
            else:
                made = _shape(label, value, self._draw(label, normal, attempt))
            if made.lower() not in avoid and made.lower() not in used and made != value:
                return made
        raise ValueError("no surrogate is free")

    def _draw(self, label: str, value: str, attempt: int) -> int:
        text = b"\0".join(
            (self._scope, label.encode(), value.encode("utf-8", "surrogatepass"), b"%d" % attempt)
        )
        return int.from_bytes(hmac.new(self._key, text, hashlib.sha256).digest(), "big")


def _shape(label: str, value: str, drawn: int) -> str:
    if label in ("PERSON", "ORGANISATION", "PLACE"):
        return _name(label, value, drawn)
    if label == "EMAIL":
        return f"person-{_letters(drawn, 8)}@example.{('com', 'net', 'org')[drawn % 3]}"
    if label == "PHONE":
        area = 201 + drawn % 700
        return f"+1-{area}-555-01{drawn // 700 % 100:02d}"
    if label == "CARD":
        return _failing_card(drawn)
    if label == "IBAN":
        return f"{value[:2].upper() if value[:2].isalpha() else 'XX'}00{_digits(drawn, 18)}"
    if label == "ADDRESS":
        return f"{100 + drawn % 9900} Placeholder {_letters(drawn >> 20, 5).title()} Street"
    if label == "IP":
        return f"203.0.113.{drawn % 256}"
    if label in ("NATIONAL_ID", "BANK_ACCOUNT", "PASSPORT"):
        return f"ID-000-{_digits(drawn, 8)}"
    return f"REF-{label.replace('_', '-')}-{_letters(drawn, 8).upper()}"


_SYLLABLES = {
    "LATIN": (
        [
            "Bel",
            "Cal",
            "Dar",
            "Fen",
            "Hal",
            "Jor",
            "Kel",
            "Lor",
            "Mer",
            "Nor",
            "Quil",
            "Ros",
            "Sel",
            "Tam",
            "Ver",
            "Wen",
            "Yar",
            "Zel",
            "Bran",
            "Thal",
        ],
        ["va", "vo", "ri", "re", "lo", "la", "nu", "mi", "do", "di", "so", "ta"],
        [
            "wick",
            "thorn",
            "brook",
            "dale",
            "mond",
            "stead",
            "burn",
            "lyn",
            "dric",
            "sel",
            "var",
            "den",
        ],
    ),
    "CYRILLIC": (
        ["Бел", "Вер", "Гал", "Дар", "Зор", "Кел", "Лор", "Мир", "Нор", "Рад", "Сел", "Тал"],
        ["ва", "во", "ри", "ре", "ло", "ла", "ну", "ми", "до", "ди"],
        ["мир", "слав", "вин", "дан", "дор", "лин", "рин", "тор"],
    ),
    "GREEK": (
        ["Βελ", "Γαλ", "Δαρ", "Ζελ", "Καλ", "Λορ", "Μερ", "Νορ", "Ροσ", "Σελ", "Ταλ"],
        ["βα", "βο", "ρι", "ρε", "λο", "λα", "νου", "μι", "δο", "δι"],
        ["νης", "ρης", "μος", "δης", "λος", "νος", "ρος"],
    ),
    "CJK": (list("曦霁澜岚璟翊"), list("珩昀琰沅芷"), list("彧泓衍澈瑄")),
    "HIRAGANA": (list("ほみるなせ"), list("ぬらよむ"), list("ねへろゆ")),
    "KATAKANA": (list("ホミルナセ"), list("ヌラヨム"), list("ネヘロユ")),
    "HANGUL": (list("곽탁봉옹편"), list("슬별늘봄"), list("찬결휘솔")),
    "ARABIC": (
        ["بل", "در", "فن", "هل", "كل", "لر"],
        ["را", "لي", "دو", "مي", "نو"],
        ["مند", "فير", "دان", "لين"],
    ),
    "HEBREW": (
        ["בל", "דר", "פנ", "הל", "קל", "לר"],
        ["רא", "לי", "דו", "מי", "נו"],
        ["מנד", "פיר", "דנ", "לינ"],
    ),
    "DEVANAGARI": (
        ["बेल", "दार", "फेन", "हल", "केल"],
        ["वा", "री", "लो", "मी", "नो"],
        ["मन", "वीर", "दान", "लीन"],
    ),
    "THAI": (
        ["เบล", "ดาร", "ฟาน", "ฮาล", "คาล"],
        ["รา", "ลี", "โด", "มี", "โน"],
        ["มนต", "วีร", "ดาน", "ลิน"],
    ),
}
"""Beginnings, middles and ends of names that nobody bears, by script."""


def _name(label: str, value: str, drawn: int) -> str:
    """A name of the value's script and case; nobody's, so that it is found again in an answer."""
    script = next((unicodedata.name(c, "LATIN").split()[0] for c in value if c.isalpha()), "LATIN")
    made = ""
    for pieces in _SYLLABLES.get(script, _SYLLABLES["LATIN"]):
        made += pieces[drawn % len(pieces)]
        drawn //= len(pieces)
    if label == "PLACE" and script == "LATIN":
        made += "ford"
    made = cased(made, value)
    last = value.split()[-1]
    return f"{made} {last}" if label == "ORGANISATION" and _FIRM.fullmatch(last) else made


def cased(made: str, value: str) -> str:
    """A name written as `value` is: capitals, small letters, or with a capital."""
    if value.isupper() and len(value) > 1:
        return made.upper()
    return made.lower() if value.islower() else made.title()


_FIRM = re.compile(
    r"(?i)(?:inc|corp|co|ltd|llc|llp|plc|gmbh|ag|kg|sa|bv|nv|group|bank|university)\.?"
)


def _letters(drawn: int, count: int) -> str:
    alphabet = "bcdfghjkmnpqrstvwxz"
    return "".join(alphabet[drawn // len(alphabet) ** i % len(alphabet)] for i in range(count))


def _digits(drawn: int, count: int) -> str:
    return f"{drawn % 10**count:0{count}d}"


def _failing_card(drawn: int) -> str:
    """Sixteen digits of an unassigned range whose last one breaks Luhn."""
    body = f"9999{_digits(drawn, 11)}"
    total = sum(
        d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(map(int, body))
    )
    return f"{body}{(11 - total % 10) % 10}"
