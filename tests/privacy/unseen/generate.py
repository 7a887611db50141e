"""Write sensitive requests, each from one of the templates beside this file.

    python -m tests.privacy.unseen.generate OUT --seed 20261126 --rows 1200

A template is text under a line `== kind | language`. In it `{field}` is filled once, so that the
same field gives the same value again; `{field:argument}` narrows it, `{field#2}` is another value,
`{field@2}` its second group of four, and `{field|filter}` writes it in another way.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from . import health, ids, people, told_secrets

HERE = Path(__file__).parent
SHARES = {"SECRET": 400, "FIN": 250, "ID": 250, "HEALTH": 300}
FIELD = re.compile(r"\{([a-z][a-z0-9]*)(?::([^{}|@#]+))?(?:#(\d))?(?:@(\d))?(?:\|([a-z-]+))?\}")
Row = dict[str, str | int]


@dataclass(frozen=True)
class Template:
    cls: str
    number: int
    kind: str
    lang: str
    text: str


@dataclass
class Filling:
    """The values of one text, drawn as its fields come up."""

    rng: Random
    lang: str
    vendor: str
    drawn: dict[str, str] = field(default_factory=dict)

    def one(self, match: re.Match[str]) -> str:
        name, argument, other, group, shown = match.groups()
        key = f"{name}:{argument}#{other}"
        if key not in self.drawn:
            self.drawn[key] = MAKERS[name](self, argument or "")
        value = self.drawn[key]
        if group:
            return value[4 * int(group) - 4 : 4 * int(group)]
        return FILTERS[shown](value) if shown else value


Maker = Callable[[Filling, str], str]


def plain(make: Callable[[Random], str]) -> Maker:
    return lambda filling, _: make(filling.rng)


def named(make: Callable[[Random, str], str]) -> Maker:
    """A maker that takes the argument, or else the template's language."""
    return lambda filling, argument: make(filling.rng, argument or filling.lang)


def drawn_from(alphabet: str) -> Maker:
    return lambda filling, argument: ids.draw(filling.rng, alphabet, int(argument))


def number(filling: Filling, argument: str) -> str:
    low, _, high = argument.partition("-")
    return str(filling.rng.randint(int(low), int(high)))


def day(filling: Filling, argument: str) -> str:
    year, month = argument or "2026", filling.rng.randint(1, 12)
    return f"{year}-{month:02d}-{filling.rng.randint(1, 28):02d}"


def basic(filling: Filling, argument: str) -> str:
    pair = f"{argument or 'deploy'}:{told_secrets.password(filling.rng)}"
    return told_secrets.b64(pair.encode())


def vendor(filling: Filling, argument: str) -> str:
    shape = told_secrets.VENDORS[argument or filling.vendor]
    return told_secrets.fill(filling.rng, shape)


def drug(filling: Filling, _: str) -> str:
    """A drug that the text doesn't name yet."""
    taken = set(filling.drawn.values())
    return filling.rng.choice([one for one in health.drugs(filling.lang) if one not in taken])


ALPHABETS = told_secrets.ALPHABETS
MAKERS: dict[str, Maker] = {
    "any": lambda filling, argument: filling.rng.choice(argument.split("/")),
    "int": number,
    "day": day,
    "host": lambda filling, _: filling.rng.choice(people.HOSTS),
    "account": lambda filling, _: filling.rng.choice(people.ACCOUNTS.split()),
    "name": named(people.full_name),
    "first": named(people.first_name),
    "last": named(people.last_name),
    "woman": lambda filling, _: people.full_name(filling.rng, filling.lang, "f"),
    "man": lambda filling, _: people.full_name(filling.rng, filling.lang, "m"),
    "her": lambda filling, _: people.first_name(filling.rng, filling.lang, "f"),
    "his": lambda filling, _: people.first_name(filling.rng, filling.lang, "m"),
    "title": lambda filling, _: filling.rng.choice(people.TITLES),
    "email": named(people.email),
    "dob": named(people.birthday),
    "chart": named(people.chart),
    "illness": named(health.illness),
    "cancer": plain(health.cancer),
    "drug": drug,
    "lab": plain(health.lab),
    "pw": plain(told_secrets.password),
    "typed": plain(told_secrets.typed_password),
    "urlpw": plain(told_secrets.url_password),
    "phrase": plain(told_secrets.passphrase),
    "uuid": plain(told_secrets.uuid),
    "jwt": plain(told_secrets.jwt),
    "wif": plain(told_secrets.wif),
    "pem": lambda filling, argument: told_secrets.pem(filling.rng, argument),
    "seed": lambda filling, argument: told_secrets.seed_phrase(filling.rng, int(argument)),
    "hook": lambda filling, argument: told_secrets.fill(filling.rng, told_secrets.HOOKS[argument]),
    "basic": basic,
    "vendor": vendor,
    "vendorname": lambda filling, _: filling.vendor,
    "bytes": lambda f, argument: told_secrets.b64(told_secrets.raw(f.rng, int(argument))),
    "hex": drawn_from(ALPHABETS["h"]),
    "mixed": drawn_from(ALPHABETS["w"]),
    "caps": drawn_from(ALPHABETS["U"]),
    "lower": drawn_from(ALPHABETS["n"]),
    "url": drawn_from(ALPHABETS["u"]),
    "totp": drawn_from(ALPHABETS["t"]),
    "bech": drawn_from(ALPHABETS["x"]),
    "digits": drawn_from("0123456789"),
    "card": lambda filling, argument: ids.card(filling.rng, argument),
    "clabe": plain(ids.clabe),
    "amex": plain(ids.amex),
    "iban": lambda filling, argument: ids.iban(filling.rng, argument),
    "routing": plain(ids.routing),
    "id": lambda filling, argument: ids.NATIONAL[argument](filling.rng),
    "passport": lambda filling, argument: ids.passport(filling.rng, argument),
    "mobile": lambda filling, argument: ids.mobile(filling.rng, argument),
    "phone": lambda filling, argument: ids.phone(filling.rng, argument),
}

SPOKEN = {
    "en": "zero one two three four five six seven eight nine",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
}
SPELLED_MAIL = {
    "en": {"@": " at ", ".": " dot ", "_": " underscore ", "-": " dash "},
    "de": {"@": " ät ", ".": " Punkt ", "_": " Unterstrich ", "-": " Bindestrich "},
    "fr": {"@": " arobase ", ".": " point ", "_": " tiret bas ", "-": " tiret "},
    "es": {"@": " arroba ", ".": " punto ", "_": " guion bajo ", "-": " guion "},
}
SEPARATORS = {
    "dot": ".", "slash": "/", "tab": "\t", "bar": "|", "bullet": " • ", "dash": "-", "space": " ",
    "lines": "\n", "list": "\n- ", "cells": " | ", "under": "_", "middot": "·",
    "html": "</td><td>", "wide": "   ", "ellipsis": " ... ", "arrow": " > ", "semi": ";",
}  # fmt: skip


def in_fours(sep: str) -> Callable[[str], str]:
    return lambda value: sep.join(value[start : start + 4] for start in range(0, len(value), 4))


def in_words(lang: str) -> Callable[[str], str]:
    words = SPOKEN[lang].split()
    return lambda value: " ".join(words[int(char)] for char in value if char.isdigit())


def mail_in_words(lang: str) -> Callable[[str], str]:
    words = SPELLED_MAIL[lang]
    return lambda value: "".join(words.get(char, char) for char in value)


def shifted(zero: str) -> Callable[[str], str]:
    """Digits of another script."""
    table = {ord("0") + digit: ord(zero) + digit for digit in range(10)}
    return lambda value: value.translate(table)


FILTERS: dict[str, Callable[[str], str]] = {
    **{name: in_fours(sep) for name, sep in SEPARATORS.items()},
    **{f"words-{lang}": in_words(lang) for lang in SPOKEN},
    **{f"mail-{lang}": mail_in_words(lang) for lang in SPELLED_MAIL},
    "one-by-one": " ".join,
    "one-by-one-dash": "-".join,
    "amex": lambda value: f"{value[:4]} {value[4:10]} {value[10:]}",
    "fullwidth": shifted("０"),
    "arabic": shifted("٠"),
    "devanagari": shifted("०"),
    "thai": shifted("๐"),
    "ocr": lambda value: re.sub(r"([.@])", r" \1 ", value),
    "ocr-at": lambda value: value.replace("@", "@ "),
    "ocr-dot": lambda value: value.replace("@", " @").replace(".", ". "),
    "bracket": lambda value: value.replace("@", " [at] ").replace(".", " [dot] "),
    "lowercase": str.lower,
    "unspaced": lambda value: re.sub(r"\D", "", value),
    "first-half": lambda value: value[: len(value) // 2],
    "second-half": lambda value: value[len(value) // 2 :],
}


def templates(cls: str) -> list[Template]:
    source = (HERE / f"{cls.lower()}.txt").read_text(encoding="utf-8")
    parts = re.split(r"^== (.+?) \| (\w+)\n", source, flags=re.MULTILINE)[1:]
    return [
        Template(cls, place + 1, kind, lang, text.strip("\n"))
        for place, (kind, lang, text) in enumerate(
            zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        )
    ]


def counts(rows: int) -> dict[str, int]:
    """How many rows each class gets; the first takes what rounding leaves."""
    total = sum(SHARES.values())
    split = {cls: rows * share // total for cls, share in SHARES.items()}
    split["SECRET"] += rows - sum(split.values())
    return split


def row(template: Template, turn: int, rng: Random, vendor_name: str, told: set[str]) -> Row:
    """One filling of the template; a text that is told already is drawn again, some times."""
    for _ in range(50):
        filling = Filling(rng, template.lang, vendor_name)
        text = FIELD.sub(filling.one, template.text)
        if text not in told:
            break
    told.add(text)
    kind = template.kind + (f":{vendor_name}" if "{vendor}" in template.text else "")
    return {
        "id": f"{template.cls}-{template.number:03d}-{turn:02d}",
        "lang": template.lang,
        "text": text,
        "sensitive": 1,
        "cls": template.cls,
        "kind": kind,
    }


def generate(seed: int, rows: int) -> Iterator[Row]:
    """The templates of each class in turn, again and again until the class has its rows."""
    rng, told = Random(seed), set[str]()
    vendors = list(told_secrets.VENDORS)
    rng.shuffle(vendors)
    asked = 0
    for cls, count in counts(rows).items():
        known = templates(cls)
        for place in range(count):
            template = known[place % len(known)]
            vendor_name = vendors[asked % len(vendors)]
            asked += "{vendor}" in template.text
            yield row(template, place // len(known) + 1, rng, vendor_name, told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--rows", type=int, default=1200)
    options = parser.parse_args()
    lines = (json.dumps(r, ensure_ascii=False) for r in generate(options.seed, options.rows))
    options.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
