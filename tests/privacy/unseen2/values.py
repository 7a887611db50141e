"""Values for the templates: random, with the check digits that their kinds have.

Each maker takes a `random.Random` and the parts after the placeholder's name, and returns text.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from random import Random

Maker = Callable[..., str]

ALPHABETS = {
    "an": string.ascii_letters + string.digits,
    "low": string.ascii_lowercase + string.digits,
    "up": string.ascii_uppercase + string.digits,
    "let": string.ascii_uppercase,
    "hex": "0123456789abcdef",
    "dig": string.digits,
    "nz": "123456789",
    "url": string.ascii_letters + string.digits + "-_",
    "b64": string.ascii_letters + string.digits + "+/",
    "b32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
}

CARDS = {
    "visa": (["4539", "4716", "4024", "4485"], 16),
    "mc": (["5218", "5390", "2271", "2543"], 16),
    "amex": (["34", "37"], 15),
    "diners": (["36", "300", "38"], 14),
    "discover": (["6011", "6445"], 16),
    "jcb": (["3530", "3569"], 16),
    "unionpay": (["6222", "6228"], 16),
    "unionpay19": (["621799", "622848"], 19),
    "maestro": (["5018", "6304"], 16),
    "mir": (["2200", "2202"], 16),
    "troy": (["9792"], 16),
    "rupay": (["6521", "6081"], 16),
}

IBANS = {  # The letters of each country's account: n digit, a letter.
    "DE": "n" * 18, "AT": "n" * 16, "CH": "n" * 17, "NL": "aaaa" + "n" * 10,
    "GB": "aaaa" + "n" * 14, "IE": "aaaa" + "n" * 14, "PL": "n" * 24, "SE": "n" * 20,
    "DK": "n" * 14, "CZ": "n" * 20, "RO": "aaaa" + "n" * 16, "HU": "n" * 24, "GR": "n" * 23,
    "TR": "n" * 22, "UA": "n" * 25, "IL": "n" * 19, "AE": "n" * 19, "SA": "n" * 20,
    "LT": "n" * 16, "PT": "n" * 21, "LU": "n" * 16,
}  # fmt: skip


def pick(rng: Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(ALPHABETS[alphabet]) for _ in range(count))


def digits(rng: Random, count: int) -> str:
    return pick(rng, "nz", 1) + pick(rng, "dig", count - 1)


def weighted(number: str, weights: list[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))


def luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def grouped(text: str, style: str) -> str:
    if style in ("", "plain"):
        return text
    joint = "-" if style == "dash" else " "
    if len(text) in (14, 15) and text[0] == "3":
        parts = [text[:4], text[4:10], text[10:]]
    else:
        parts = [text[at : at + 4] for at in range(0, len(text), 4)]
    return joint.join(parts)


def card(rng: Random, brand: str, style: str = "plain") -> str:
    heads, length = CARDS[brand]
    head = rng.choice(heads)
    body = head + pick(rng, "dig", length - len(head) - 1)
    return grouped(body + luhn(body), style)


def iban(rng: Random, country: str, style: str = "plain") -> str:
    account = "".join(pick(rng, "dig" if c == "n" else "let", 1) for c in IBANS[country])
    as_number = "".join(str(int(c, 36)) for c in account + country + "00")
    return grouped(f"{country}{98 - int(as_number) % 97:02d}{account}", style)


def nrb(rng: Random) -> str:
    text = iban(rng, "PL")[2:]
    return " ".join([text[:2], *(text[at : at + 4] for at in range(2, 26, 4))])


def routing(rng: Random) -> str:
    body = rng.choice(["02", "11", "12", "31", "07"]) + pick(rng, "dig", 6)
    return body + str(-weighted(body, [3, 7, 1, 3, 7, 1, 3, 7]) % 10)


def clabe(rng: Random) -> str:
    body = rng.choice(["002", "012", "072", "044"]) + pick(rng, "dig", 14)
    total = sum(int(d) * w % 10 for d, w in zip(body, [3, 7, 1] * 5 + [3, 7], strict=True))
    return body + str(-total % 10)


def password(rng: Random) -> str:
    words = ["Teapot", "marlin", "Quartz", "biscuit", "Falcon", "thunder", "Pepper", "lantern",
             "Walrus", "Juniper", "cobalt", "Mango", "ziggy", "Bramble"]  # fmt: skip
    word = rng.choice(words)
    year = str(rng.randint(1968, 2026))
    shape = rng.randrange(5)
    if shape == 0:
        return word + year + rng.choice("!?#*$")
    if shape == 1:
        leet = word.translate(str.maketrans("aeio", "@310"))
        return leet + rng.choice("_.-") + pick(rng, "dig", 3)
    if shape == 2:
        return word + rng.choice(words).title() + pick(rng, "dig", 2)
    if shape == 3:
        return pick(rng, "an", 5) + rng.choice("!%&#") + pick(rng, "an", 6)
    return rng.choice("!#$") + word.lower() + "-" + rng.choice(words).lower() + pick(rng, "dig", 2)


def phrase(rng: Random, count: str = "4") -> str:
    words = ["otter", "velvet", "sunday", "kettle", "glacier", "mustard", "violin", "pigeon",
             "copper", "drizzle", "harbor", "walnut", "saddle", "plum"]  # fmt: skip
    return " ".join(rng.sample(words, int(count)))


def jwt(rng: Random) -> str:
    def part(value: dict[str, object]) -> str:
        data = json.dumps(value, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    subject, expiry = pick(rng, "dig", 6), rng.randint(1790000000, 1799999999)
    claims: dict[str, object] = {"sub": subject, "role": "admin", "exp": expiry}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.{pick(rng, 'url', 43)}"


def basic(rng: Random, user: str) -> str:
    return base64.b64encode(f"{user}:{password(rng)}".encode()).decode()


def private_key(rng: Random, kind: str = "RSA ") -> str:
    label = "" if kind == "PKCS8" else {"EC": "EC ", "SSH": "OPENSSH "}.get(kind, "RSA ")
    body = base64.b64encode(bytes(rng.randrange(256) for _ in range(240))).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    head, foot = f"-----BEGIN {label}PRIVATE KEY-----", f"-----END {label}PRIVATE KEY-----"
    return "\n".join([head, *lines, foot])


def birth(rng: Random, style: str = "iso") -> str:
    year, month, day = rng.randint(1948, 2004), rng.randint(1, 12), rng.randint(1, 28)
    months = ["January", "February", "March", "April", "May", "June", "July", "August",
              "September", "October", "November", "December"]  # fmt: skip
    styles = {
        "iso": f"{year}-{month:02d}-{day:02d}", "dot": f"{day:02d}.{month:02d}.{year}",
        "slash": f"{day:02d}/{month:02d}/{year}", "us": f"{month}/{day}/{year}",
        "long": f"{day} {months[month - 1]} {year}", "cjk": f"{year}年{month}月{day}日",
        "ko": f"{year}년 {month}월 {day}일",
    }  # fmt: skip
    return styles[style]


GENERAL: dict[str, Maker] = {
    **{name: lambda rng, n, name=name: pick(rng, name, int(n)) for name in ALPHABETS},
    "num": lambda rng, n: digits(rng, int(n)),
    "card": card,
    "iban": iban,
    "nrb": nrb,
    "aba": routing,
    "clabe": clabe,
    "sort": lambda rng: "-".join(f"{rng.randint(10, 89)}" for _ in range(3)),
    "exp": lambda rng: f"{rng.randint(1, 12):02d}/{rng.randint(27, 31)}",
    "pw": password,
    "phrase": phrase,
    "jwt": jwt,
    "basic": basic,
    "pem": private_key,
    "dob": birth,
    "uuid": lambda rng: "-".join(pick(rng, "hex", n) for n in (8, 4, 4, 4, 12)),
}
