"""Texts of a further author, frozen before the rules that they are for.

    python -m scripts.build_dev_authors

Reads scripts/dev_authors.txt, writes tests/privacy/dev_authors.jsonl.

A line is `class<TAB>text`; values in braces are drawn (seeded), each text twice.
"""

# ruff: noqa: E501
from __future__ import annotations

import base64
import json
import random
import string
import sys
import uuid
from pathlib import Path

FILE = Path(__file__).parent.parent / "tests" / "privacy" / "dev_authors.jsonl"
SOURCE = Path(__file__).parent / "dev_authors.txt"
TWICE = 2
OTHER = ("host", "first", "last", "name", "n1", "uuid2", "n10")
"""What stands in texts about secrets and is none."""


def luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def iban(draw: random.Random, country: str, length: int) -> str:
    body = "".join(draw.choice(string.digits) for _ in range(length - 4))
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    return f"{country}{98 - number % 97:02d}{body}"


def password(draw: random.Random) -> str:
    words = ["Tulip", "Falcon", "winter", "Banane", "Lisboa", "kayak", "Monsoon", "Zebra", "Papaya"]
    ways = [
        lambda: draw.choice(words) + draw.choice("!#$%&*") + str(draw.randint(10, 9999)),
        lambda: "".join(
            draw.choice(string.ascii_letters + string.digits + "!#%&*+-@^")
            for _ in range(draw.randint(11, 18))
        ),
        lambda: "-".join(draw.sample(words, 2)) + f"-{draw.randint(11, 98)}",
        lambda: (
            draw.choice(words)[:4]
            + draw.choice(words).lower()
            + str(draw.randint(2, 99))
            + draw.choice("?!*")
        ),
    ]
    return draw.choice(ways)()


def group(number: str) -> str:
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def values(draw: random.Random) -> dict[str, str]:
    letters = string.ascii_letters + string.digits

    def rand(n: int, pool: str = letters) -> str:
        return "".join(draw.choice(pool) for _ in range(n))

    def digits(n: int) -> str:
        return rand(n, string.digits)

    card = luhn(draw.choice(["40", "51", "53", "45"]) + digits(13))
    de, fr, es, nl, pl, it = (
        iban(draw, "DE", 22), iban(draw, "FR", 27), iban(draw, "ES", 24),
        iban(draw, "NL", 18), iban(draw, "PL", 28), iban(draw, "IT", 27),
    )  # fmt: skip
    first = draw.choice(
        [
            "Mireille",
            "Tobias",
            "Oluwaseun",
            "Ines",
            "Radek",
            "Hanna",
            "Marta",
            "Kwame",
            "Sofie",
            "Luca",
        ]
    )
    last = draw.choice(
        [
            "Vandermeer",
            "Okonjo",
            "Bielska",
            "Castellanos",
            "Hutchings",
            "Lindqvist",
            "Ferreira",
            "Aydin",
        ]
    )
    return {
        "pw": password(draw), "pw2": password(draw), "hex32": rand(32, "0123456789abcdef"), "hex40": rand(40, "0123456789abcdef"),
        "hex64": rand(64, "0123456789abcdef"), "b64": base64.b64encode(draw.randbytes(33)).decode(), "key24": rand(24), "key40": rand(40),
        "uuid": str(uuid.UUID(int=draw.getrandbits(128), version=4)), "uuid2": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        "pin4": digits(4), "otp6": digits(6), "tok": rand(6, string.ascii_lowercase) + "_" + rand(28), "short": rand(12),
        "lic": "-".join(rand(5, string.ascii_uppercase + string.digits) for _ in range(5)),
        "card": card, "card4": group(card), "iban": group(draw.choice([de, fr, es, nl, pl, it])), "iban0": draw.choice([de, es, nl]),
        "first": first, "last": last, "name": f"{first} {last}", "mail": f"{first.lower()}.{last.lower()}@{draw.choice(['posteo', 'orange', 'corp', 'mailbox'])}.example",
        "phone": draw.choice(["+49 171 " + digits(7), "+44 7700 9" + digits(5), "+351 91" + digits(7), "+1 (415) 555-0" + digits(3)]),
        "dob": f"{draw.randint(1, 28):02d}.{draw.randint(1, 12):02d}.{draw.randint(1941, 2009)}", "year": str(draw.randint(1941, 2009)),
        "n1": str(draw.randint(2, 9)), "n2": str(draw.randint(11, 98)), "n4": str(draw.randint(1000, 9899)), "n6": digits(6), "n8": digits(8),
        "n10": digits(10), "n12": digits(12), "amount": f"{draw.randint(19, 9000)}.{draw.randint(0, 99):02d}", "street": draw.choice(["Lindenallee 14", "27 Harbour Row", "Rua do Carmo 8", "Calle Olmo 31", "ul. Dluga 5"]),
        "ssn": f"{draw.randint(100, 665)}-{draw.randint(10, 99)}-{draw.randint(1000, 9999)}", "host": draw.choice(["db3", "vault-2", "gw.internal", "10.2.0." + str(draw.randint(2, 250))]),
    }  # fmt: skip


def main() -> None:
    rows = []
    for number, line in enumerate(SOURCE.read_text(encoding="utf-8").splitlines()):
        if not line.strip() or line.startswith("#"):
            continue
        cls, text = line.split("|", 1)
        for copy in range(TWICE if "{" in text else 1):
            draw = random.Random(f"{number}.{copy}")
            filled = text.replace("\\n", "\n").replace("\\t", "\t")
            secrets = []
            for name, value in values(draw).items():
                if "{" + name + "}" in filled:
                    filled = filled.replace("{" + name + "}", value)
                    secrets += [value] if cls == "SECRET" and name not in OTHER else []
            row = {
                "id": f"a{number}.{copy}",
                "cls": cls,
                "sensitive": int(cls != "NONE"),
                "text": filled,
            }
            rows.append(row | {"shape": f"a{number}", "values": secrets})
    FILE.write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8"
    )
    print(f"{len(rows)} rows", file=sys.stderr)


if __name__ == "__main__":
    main()
