# ruff: noqa: E501 - one make of value a line
"""Draw the development set of secrets from shapes: `python -m scripts.build_dev_secrets`.

    tests/privacy/dev_secrets/*.txt  ->  tests/privacy/dev_secrets.jsonl

A row is {id, half, kind, sensitive, text, values}. `half` is "fit" or "held", by SHA-256 of the
shape, so that no shape is in both: weights are fitted on the first and figures are of the second.
The shapes of `*_fit.txt` are all in the first. Values are drawn with a fixed seed and open nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path

from shortstop.privacy.detect.wordlists import seed_words

FOLDER = Path("tests/privacy/dev_secrets")
TARGET = Path("tests/privacy/dev_secrets.jsonl")
ROWS = {"positive": 4, "negative": 3, "positive_fit": 4, "negative_fit": 3}
"""Rows drawn of each shape."""
_SLOT = re.compile(r"\{(~?)([a-z][a-z0-9]*)\}")
LETTERS, DIGITS = string.ascii_letters, string.digits
ALNUM, LOWER, UPPER = (
    LETTERS + DIGITS,
    string.ascii_lowercase + DIGITS,
    string.ascii_uppercase + DIGITS,
)
HEX = "0123456789abcdef"
_STEMS = [
    "Winter",
    "Sommer",
    "Tiger",
    "Falke",
    "Orchid",
    "Blanket",
    "Harbour",
    "Pepper",
    "Monday",
    "Kaffee",
    "Rivière",
    "Cobalt",
    "Pelican",
    "Drache",
    "Lluvia",
    "Piano",
    "Marble",
    "Copper",
    "Juniper",
    "Rocket",
    "Velvet",
    "Saturn",
    "Biscuit",
    "Ferrari",
    "Madrid",
    "Hamburg",
]
_WORDS = [
    "purple",
    "kettle",
    "walks",
    "slowly",
    "over",
    "frozen",
    "lakes",
    "while",
    "seven",
    "cousins",
    "paint",
    "their",
    "quiet",
    "wooden",
    "ladder",
    "and",
    "nobody",
    "remembers",
    "why",
    "dancing",
    "lemon",
    "rocket",
    "harbour",
    "tulip",
    "engine",
    "candle",
    "mountain",
    "silver",
    "pocket",
]


class Makes:
    """One method a make of value, by its name in a slot."""

    def __init__(self, seed: str) -> None:
        self.draw = random.Random(seed)

    def of(self, alphabet: str, low: int, high: int = 0) -> str:
        return "".join(self.draw.choices(alphabet, k=self.draw.randint(low, high or low)))

    def mixed(self, alphabet: str, low: int, high: int = 0) -> str:
        """With a digit and a letter, as drawn keys have."""
        while True:
            value = self.of(alphabet, low, high)
            if re.search(r"\d", value) and re.search("[A-Za-z]", value):
                return value

    def pwx(self) -> str:
        signs = self.of("!#%*+?@^_=~.&-", 1, 3)
        value = list(self.mixed(ALNUM, 9, 14) + signs)
        self.draw.shuffle(value)
        text = "".join(value)
        return text if text[0].isalnum() and text[-1] not in ".?,-" else self.pwx()

    def chosen(self) -> str:
        """As people choose them: words, a year, a sign, letters replaced."""
        pick = self.draw.choice
        stem, other = pick(_STEMS), pick(_STEMS)
        if self.draw.random() < 0.4:
            stem = stem.translate(str.maketrans("aeiost", "@3!0$7"))
        tail = pick(
            [
                self.of(DIGITS, 2, 4),
                self.of(DIGITS, 2) + pick("!?#$*+"),
                pick("!#$&") + self.of(DIGITS, 1, 3),
            ]
        )
        return pick(
            [f"{stem}{tail}", f"{stem}{pick('-_.&+')}{other}{tail}", f"{stem}{other.lower()}{tail}"]
        )

    def pw(self) -> str:
        return self.chosen() if self.draw.random() < 0.5 else self.pwx()

    def seed(self, count: int, between: str = " ") -> str:
        return between.join(self.draw.choices(sorted(seed_words()), k=count))

    def b64(self, size: int) -> str:
        return base64.b64encode(self.draw.randbytes(size)).decode()

    def groups(self, alphabet: str, count: int, size: int, between: str = "-") -> str:
        return between.join(
            self.mixed(alphabet, size) if alphabet != DIGITS else self.of(DIGITS, size)
            for _ in range(count)
        )

    def uuid(self) -> str:
        h = self.of(HEX, 32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{self.draw.choice('89ab')}{h[17:20]}-{h[20:]}"

    def jwt(self) -> str:
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": self.of(DIGITS, 9), "iat": 1700000000})
        head = [
            base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts
        ]
        return ".".join([*head, self.of(ALNUM + "-_", 43)])


def _table(m: Makes) -> dict[str, Callable[[], str]]:
    return {
        "pw": m.pw,
        "pwx": m.pwx,
        "chosen": m.chosen,
        "pwlong": lambda: m.mixed(ALNUM + "!@#%^&*(-_=+)", 50),
        "words": lambda: " ".join(m.draw.sample(_WORDS, m.draw.randint(4, 6))),
        "hyph": lambda: "-".join(m.draw.sample(_WORDS, m.draw.randint(4, 5))),
        "pin": lambda: m.of(DIGITS, m.draw.choice([4, 4, 6])),
        "otp": lambda: m.draw.choice([m.of(DIGITS, 6), m.of(DIGITS, 6), m.of(DIGITS, 3) + " " + m.of(DIGITS, 3), m.of(DIGITS, 3) + "-" + m.of(DIGITS, 3), m.of(DIGITS, 8)]),
        "puk": lambda: m.of(DIGITS, 8),
        "rec": lambda: m.draw.choice([m.groups(LOWER, 2, 5), m.groups(HEX, 2, 4), m.mixed(LOWER, 10), m.groups(DIGITS, 2, 4)]),
        "lic": lambda: m.groups(UPPER, m.draw.choice([4, 5]), 5),
        "bitlocker": lambda: m.groups(DIGITS, 8, 6),
        "filevault": lambda: m.groups(UPPER, 6, 4),
        "seed12": lambda: m.seed(12),
        "seed24": lambda: m.seed(24),
        "seednum": lambda: " ".join(f"{i}. {w}" for i, w in enumerate(m.seed(12).split(), 1)),
        "answer": lambda: m.draw.choice(["Biscuit", "Waldkirch", "Fluffy", "Hohlweg", "O'Rourke", "Petunia"]),
        "alnum": lambda: m.mixed(m.draw.choice([ALNUM, ALNUM, LOWER, ALNUM + "-_"]), 20, 44).strip("-_"),
        "lower": lambda: m.mixed(LOWER, 16, 26),
        "upper20": lambda: "AKIA" + m.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
        "aws40": lambda: m.of(ALNUM + "+/", 40),
        "b64": lambda: m.b64(m.draw.choice([32, 32, 48])),
        "wg": lambda: m.b64(32),
        "b64long": lambda: m.b64(66).rstrip("="),
        "b32": lambda: m.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", m.draw.choice([16, 32])),
        "sig": lambda: m.of(ALNUM, 43) + "%3D",
        "uuid": m.uuid,
        "colonhex": lambda: ":".join(m.of("0123456789ABCDEF", 2) for _ in range(20)),
        "png": lambda: "iVBORw0KGgoAAAANSUhEUgAA" + m.b64(45).rstrip("="),
        "jwt": m.jwt,
    } | _ids(m) | _vendors(m)  # fmt: skip


def _ids(m: Makes) -> dict[str, Callable[[], str]]:
    hexes = {f"hex{n}": (lambda n=n: m.mixed(HEX, n)) for n in (7, 8, 16, 24, 32, 40, 64)}
    digits = {
        f"digits{n}": (lambda n=n: m.draw.choice("123456789") + m.of(DIGITS, n - 1))
        for n in (2, 3, 4, 5, 6, 8, 10, 12)
    }
    return {
        **hexes,
        **digits,
        "hexup32": lambda: m.mixed(HEX.upper(), 32),
        "hexup40": lambda: m.mixed(HEX.upper(), 40),
        "addr": lambda: m.mixed(HEX + "ABCDEF", 40),
        "hexcol": lambda: "#" + m.of(HEX, 6),
        "ordno": lambda: m.draw.choice(["INV", "PO", "SO", "ORD"]) + "-" + m.of(DIGITS, 4) + "-" + m.of(DIGITS, 5),
        "track": lambda: m.draw.choice(["1Z999AA1" + m.of(DIGITS, 10), m.of(string.ascii_uppercase, 2) + m.of(DIGITS, 9) + "DE", "JD0" + m.of(DIGITS, 15)]),
        "part": lambda: m.draw.choice([m.of(string.ascii_uppercase, 2) + m.of(DIGITS, 4) + "-" + m.of(UPPER, 3), m.of(DIGITS, 4) + "-" + m.of(UPPER, 4), "BX" + m.of(DIGITS, 7)]),
        "flight": lambda: m.of(string.ascii_uppercase, 2) + m.of(DIGITS, 4),
        "pnr": lambda: m.mixed(UPPER, 6),
        "isbn": lambda: "978-3-16-" + m.of(DIGITS, 6) + "-" + m.of(DIGITS, 1),
        "http": lambda: m.draw.choice(["401", "403", "502"]),
        "promo": lambda: m.draw.choice(["SUMMER", "WELCOME", "SPRING"]) + m.of(DIGITS, 2),
        "mac": lambda: ":".join(m.of(HEX, 2) for _ in range(6)),
        "ipv6": lambda: "2001:db8:" + ":".join(m.of(HEX, 4) for _ in range(4)),
        "year": lambda: str(m.draw.randint(1960, 2025)),
        "ver": lambda: f"{m.draw.randint(1, 30)}.{m.draw.randint(0, 20)}.{m.draw.randint(0, 9)}",
    }  # fmt: skip


def _vendors(m: Makes) -> dict[str, Callable[[], str]]:
    return {
        "openai": lambda: "sk-proj-" + m.of(ALNUM + "-_", 100),
        "anthropic": lambda: "sk-ant-api03-" + m.of(ALNUM + "-_", 93) + "AA",
        "github": lambda: m.draw.choice(["ghp_", "gho_", "ghs_"]) + m.of(ALNUM, 36),
        "gitlab": lambda: "glpat-" + m.of(ALNUM, 20),
        "awsid": lambda: "AKIA" + m.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
        "google": lambda: "AIza" + m.of(ALNUM, 35),
        "slack": lambda: f"xoxb-{m.of(DIGITS, 12)}-{m.of(DIGITS, 12)}-{m.of(ALNUM, 24)}",
        "stripe": lambda: "sk_live_" + m.of(ALNUM, 24),
        "sendgrid": lambda: "SG." + m.of(ALNUM, 22) + "." + m.of(ALNUM, 43),
        "npm": lambda: "npm_" + m.of(ALNUM, 36),
        "pypi": lambda: "pypi-AgEIcHlwaS5vcmc" + m.of(ALNUM, 120),
        "hf": lambda: "hf_" + m.of(LETTERS, 34),
        "telegram": lambda: m.of(DIGITS, 10) + ":AA" + m.of(ALNUM + "-_", 33),
        "tavily": lambda: "tvly-" + m.draw.choice(["", "dev-", "prod-"]) + m.of(ALNUM, 32),
        "firecrawl": lambda: "fc-" + m.of(HEX, 32),
        "wif": lambda: _base58check(b"\x80" + m.draw.randbytes(32) + b"\x01"),
        "xprv": lambda: _base58check(b"\x04\x88\xad\xe4" + m.draw.randbytes(74)),
        "nsec": lambda: "nsec1" + m.of("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 58),
        "resend": lambda: "re_" + m.of(ALNUM, 8) + "_" + m.of(ALNUM, 24),
        "pinecone": lambda: "pcsk_" + m.of(ALNUM, 6) + "_" + m.of(ALNUM, 63),
        "langfuse": lambda: "sk-lf-" + m.uuid(),
        "apify": lambda: "apify_api_" + m.of(ALNUM, 36),
        "neon": lambda: "napi_" + m.of(LOWER, 64),
        "elevenlabs": lambda: "sk_" + m.of(HEX, 48),
        "cerebras": lambda: "csk-" + m.of(LOWER, 48),
    }


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58check(payload: bytes) -> str:
    check = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(payload + check), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58[rest] + text
    return text


def drawn(shape: str, seed: str) -> tuple[str, list[str]]:
    """(a text of this shape, the secrets in it)."""
    makes, values = _table(Makes(seed)), list[str]()

    def fill(match: re.Match[str]) -> str:
        if match.group(2) not in makes:
            return match.group()
        value = makes[match.group(2)]()
        if not match.group(1):
            values.append(value)
        return value

    plain = shape.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
    return _SLOT.sub(fill, plain), values


def half(shape: str) -> str:
    return "held" if hashlib.sha256(shape.encode()).digest()[0] % 2 else "fit"


def rows() -> Iterator[dict[str, object]]:
    for name, count in ROWS.items():
        lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if not line or line.startswith("# "):
                continue
            kind, shape = line.split("\t", 1)
            texts: dict[str, tuple[int, list[str]]] = {}
            for i in range(count):
                text, values = drawn(shape, f"{name}{number}.{i}")
                texts.setdefault(text, (i, values))
            for text, (i, values) in texts.items():
                yield {
                    "id": f"{name[0]}{'f' * name.endswith('_fit')}{number}.{i}", "half": "fit" if name.endswith("_fit") else half(shape), "kind": kind,
                    "sensitive": name.startswith("positive"), "text": text, "values": values,
                }  # fmt: skip


if __name__ == "__main__":
    with TARGET.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
