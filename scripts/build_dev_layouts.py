# ruff: noqa: E501 - templates are read whole, in every script
"""Writes `tests/privacy/dev_layouts.jsonl`: invented numbers in the layouts of everyday.

    python -m scripts.build_dev_layouts

Frozen: the file was written before the rules that it measures. A row has `text` or `turns`
([role, text]), its class, kind, layout and language, whether it is `sensitive`, and the half it
belongs to: `fit` to look at while rules are written, `held` to measure. All rows of a template are
in the same half.
"""

from __future__ import annotations

import hashlib
import json
import random
import string
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "tests" / "privacy" / "dev_layouts.jsonl"
DRAW = random.Random(20261126)
Row = dict[str, Any]


def digits(n: int) -> str:
    return "".join(DRAW.choice(string.digits) for _ in range(n))


def filled(shape: str) -> str:
    """`shape` with # for a digit, @ for a capital."""
    return "".join(
        DRAW.choice(string.digits)
        if c == "#"
        else DRAW.choice(string.ascii_uppercase)
        if c == "@"
        else c
        for c in shape
    )


def valid(module: str, shape: str) -> str:
    check = import_module(f"stdnum.{module}").is_valid
    while True:
        value = filled(shape)
        if check(value) and len(set(value)) > 4:
            return value


def card(head: str, n: int) -> str:
    return valid("luhn", head + "#" * (n - len(head)))


def iban(country: str, shape: str) -> str:
    body = filled(shape)
    number = "".join(str(int(c, 36)) for c in body + country + "00")
    return f"{country}{98 - int(number) % 97:02d}{body}"


def cut(text: str, *sizes: int) -> list[str]:
    groups, i = [], 0
    for size in sizes:
        groups.append(text[i : i + size])
        i += size
    return [g for g in [*groups, text[i:]] if g]


def fours(text: str) -> list[str]:
    return cut(text, *[4] * (len(text) // 4))


FIN: dict[str, Callable[[], list[str]]] = {
    "visa": lambda: fours(card("4", 16)),
    "mastercard": lambda: fours(card("5" + DRAW.choice("12345"), 16)),
    "mastercard2": lambda: fours(card("2" + DRAW.choice("3456"), 16)),
    "amex": lambda: cut(card("37", 15), 4, 6, 5),
    "diners": lambda: cut(card("36", 14), 4, 6, 4),
    "discover": lambda: fours(card("6011", 16)),
    "jcb": lambda: fours(card("3530", 16)),
    "iban-de": lambda: fours(iban("DE", "#" * 18)),
    "iban-gb": lambda: fours(iban("GB", "@@@@" + "#" * 14)),
    "iban-fr": lambda: fours(iban("FR", "#" * 23)),
    "iban-es": lambda: fours(iban("ES", "#" * 20)),
    "iban-nl": lambda: fours(iban("NL", "@@@@" + "#" * 10)),
    "iban-it": lambda: fours(iban("IT", "@" + "#" * 22)),
    "iban-ch": lambda: fours(iban("CH", "#" * 17)),
}
IDS: dict[str, tuple[Callable[[], list[str]], list[str]]] = {
    "ssn": (
        lambda: cut(valid("us.ssn", "#########"), 3, 2, 4),
        ["SSN", "social security number", "social"],
    ),
    "itin": (
        lambda: cut("9" + digits(2) + DRAW.choice(["70", "78", "84", "94"]) + digits(4), 3, 2, 4),
        ["ITIN", "taxpayer identification number"],
    ),
    "ein": (
        lambda: cut(valid("us.ein", "#########"), 2, 7),
        ["EIN", "employer identification number"],
    ),
    "nino": (
        lambda: cut("AB" + digits(6) + "C", 2, 2, 2, 2, 1),
        ["National Insurance number", "NINO", "NI number"],
    ),
    "nhs": (lambda: cut(valid("gb.nhs", "#" * 10), 3, 3, 4), ["NHS number", "NHS no."]),
    "sin": (lambda: cut(valid("ca.sin", "#" * 9), 3, 3, 3), ["SIN", "social insurance number"]),
    "tfn": (lambda: cut(valid("au.tfn", "#" * 9), 3, 3, 3), ["TFN", "tax file number"]),
    "steuer": (
        lambda: cut(valid("de.idnr", "#" * 11), 2, 3, 3, 3),
        ["Steuer-ID", "Steueridentifikationsnummer", "IdNr."],
    ),
    "rvnr": (
        lambda: cut("65" + digits(6) + "M" + digits(3), 2, 6, 1, 3),
        ["Rentenversicherungsnummer", "Sozialversicherungsnummer"],
    ),
    "nir": (
        lambda: cut(_nir(), 1, 2, 2, 2, 3, 3, 2),
        ["numéro de sécurité sociale", "NIR", "n° de sécu"],
    ),
    "dni": (
        lambda: cut(valid("es.dni", "########@"), 2, 3, 3, 1),
        ["DNI", "documento de identidad", "NIF"],
    ),
    "nie": (lambda: cut(valid("es.nie", "X#######@"), 1, 7, 1), ["NIE", "número de extranjero"]),
    "fiscale": (
        lambda: cut(valid("it.codicefiscale", "RSSMRA8#A01H501@"), 3, 3, 5, 5),
        ["codice fiscale", "C.F."],
    ),
    "bsn": (lambda: cut(valid("nl.bsn", "#" * 9), 3, 3, 3), ["BSN", "burgerservicenummer"]),
    "pesel": (lambda: cut(valid("pl.pesel", "8#0#1######"), 6, 5), ["PESEL", "numer PESEL"]),
    "cpf": (
        lambda: cut(valid("br.cpf", "#" * 11), 3, 3, 3, 2),
        ["CPF", "cadastro de pessoa física"],
    ),
    "cnpj": (lambda: cut(valid("br.cnpj", "########0001##"), 2, 3, 3, 4, 2), ["CNPJ"]),
    "nif": (lambda: cut(valid("pt.nif", "2########"), 3, 3, 3), ["NIF", "número de contribuinte"]),
    "aadhaar": (
        lambda: cut(valid("in_.aadhaar", "#" * 12), 4, 4, 4),
        ["Aadhaar", "Aadhaar number", "आधार"],
    ),
    "pan": (lambda: cut(filled("@@@P@####@"), 5, 4, 1), ["PAN", "PAN card"]),
    "niss": (
        lambda: cut(valid("be.nn", "8#0#1######"), 2, 2, 2, 3, 2),
        ["rijksregisternummer", "numéro national"],
    ),
    "ahv": (
        lambda: cut(valid("ch.ssn", "756" + "#" * 10), 3, 4, 4, 2),
        ["AHV-Nummer", "numéro AVS"],
    ),
    "personnummer": (lambda: cut(valid("se.personnummer", "8#0#1#####"), 6, 4), ["personnummer"]),
    "cpr": (lambda: cut(filled("0#0#8#") + digits(4), 6, 4), ["CPR-nummer", "CPR"]),
    "inn": (lambda: cut(valid("ru.inn", "#" * 12), 4, 4, 4), ["ИНН"]),
    "snils": (lambda: cut(digits(11), 3, 3, 3, 2), ["СНИЛС"]),
    "tckn": (lambda: cut(valid("tr.tckimlik", "#" * 11), 3, 3, 3, 2), ["T.C. Kimlik No", "TCKN"]),
    "rrn": (lambda: cut(filled("8#0#1#") + "1" + digits(6), 6, 7), ["주민등록번호"]),
    "mynumber": (lambda: cut(digits(12), 4, 4, 4), ["マイナンバー", "個人番号"]),
    "ric": (
        lambda: cut(valid("cn.ric", "1101011980010#####"), 6, 8, 4),
        ["身份证号", "身份证号码"],
    ),
    "thai": (
        lambda: cut(valid("th.pin", "1############"), 1, 4, 5, 2, 1),
        ["เลขประจำตัวประชาชน", "เลขบัตรประชาชน"],
    ),
    "teudat": (lambda: cut(valid("il.idnr", "#" * 9), 3, 3, 3), ["תעודת זהות", "מספר זהות"]),
    "passport": (
        lambda: cut(filled("@@#######"), 2, 3, 4),
        [
            "passport number",
            "passport no.",
            "Reisepassnummer",
            "numéro de passeport",
            "número de pasaporte",
        ],
    ),
    "licence": (
        lambda: cut(filled("@###########"), 1, 3, 4, 4),
        ["driving licence number", "driver's license", "Führerscheinnummer", "permis de conduire"],
    ),
    "mrn": (lambda: cut(digits(9), 3, 3, 3), ["MRN", "medical record number", "patient ID"]),
    "kvnr": (
        lambda: cut(filled("@#########"), 1, 3, 3, 3),
        ["Krankenversichertennummer", "Versichertennummer"],
    ),
    "mbi": (lambda: cut("1EG4TE5MK" + digits(2), 4, 3, 4), ["Medicare number", "MBI"]),
    "vin": (
        lambda: cut(_vin(), 3, 6, 8),
        ["VIN", "Fahrgestellnummer", "vehicle identification number"],
    ),
    "plate": (lambda: [filled("@@@"), filled("@@"), digits(3)], ["licence plate", "Kennzeichen"]),
    "curp": (lambda: cut(valid("mx.curp", "BOXW850115HDFRX@0#"), 4, 6, 8), ["CURP"]),
    "cuit": (lambda: cut(valid("ar.cuit", "20#########"), 2, 8, 1), ["CUIT", "CUIL"]),
    "rut": (lambda: cut(valid("cl.rut", "1########"), 2, 3, 3, 1), ["RUT"]),
    "zaid": (
        lambda: cut(valid("za.idnr", "8001015###08#"), 6, 4, 3),
        ["ID number", "South African ID"],
    ),
    "amka": (lambda: cut(valid("gr.amka", "010180#####"), 6, 5), ["ΑΜΚΑ"]),
}


def _nir() -> str:
    body = "1" + filled("8#0#75") + digits(6)
    return f"{body}{97 - int(body) % 97:02d}"


def _vin() -> str:
    body = "".join(DRAW.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(8))
    return f"1HG{body}{digits(6)}"


def each(text: str, mark: str) -> str:
    return "".join(c + mark for c in text)


def script(zero: int) -> Callable[[list[str]], str]:
    return lambda g: " ".join(g).translate({48 + i: zero + i for i in range(10)})


OCR = str.maketrans("015", "OlS")
WORDS = {
    "en": "zero one two three four five six seven eight nine",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
    "pt": "zero um dois três quatro cinco seis sete oito nove",
    "nl": "nul een twee drie vier vijf zes zeven acht negen",
}
DOUBLE = {
    "en": "double",
    "de": "doppel",
    "es": "doble",
    "fr": "double",
    "pt": "dobro",
    "it": "doppio",
    "nl": "dubbel",
}


def spelled(lang: str, sep: str = " ", doubled: bool = False) -> Callable[[list[str]], str]:
    names = dict(zip(string.digits, WORDS[lang].split(), strict=True))

    def spell(groups: list[str]) -> str:
        text, out, i = "".join(groups), [], 0
        while i < len(text):
            name = names.get(text[i], text[i])
            twice = doubled and i + 1 < len(text) and text[i] == text[i + 1] and text[i] in names
            out.append(f"{DOUBLE[lang]} {name}" if twice else name)
            i += 2 if twice else 1
        return sep.join(out)

    return spell


def tens(lang: str, n: int) -> str:
    """0..99 in words."""
    one = WORDS[lang].split()
    if lang == "en":
        teens = [
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
        ten = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
        return (
            teens[n - 10]
            if 10 <= n < 20
            else ten[n // 10 - 2] + ("-" + one[n % 10] if n % 10 else "")
            if n >= 20
            else "oh " + one[n]
        )
    if lang == "de":
        teens = [
            "zehn",
            "elf",
            "zwölf",
            "dreizehn",
            "vierzehn",
            "fünfzehn",
            "sechzehn",
            "siebzehn",
            "achtzehn",
            "neunzehn",
        ]
        ten = [
            "zwanzig",
            "dreißig",
            "vierzig",
            "fünfzig",
            "sechzig",
            "siebzig",
            "achtzig",
            "neunzig",
        ]
        head = "ein" if n % 10 == 1 else one[n % 10]
        return (
            teens[n - 10]
            if 10 <= n < 20
            else (head + "und" if n % 10 else "") + ten[n // 10 - 2]
            if n >= 20
            else "null " + one[n]
        )
    if lang == "es":
        teens = [
            "diez",
            "once",
            "doce",
            "trece",
            "catorce",
            "quince",
            "dieciséis",
            "diecisiete",
            "dieciocho",
            "diecinueve",
            "veinte",
            "veintiuno",
            "veintidós",
            "veintitrés",
            "veinticuatro",
            "veinticinco",
            "veintiséis",
            "veintisiete",
            "veintiocho",
            "veintinueve",
        ]
        ten = ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]
        return (
            teens[n - 10]
            if 10 <= n < 30
            else ten[n // 10 - 3] + (" y " + one[n % 10] if n % 10 else "")
            if n >= 30
            else "cero " + one[n]
        )
    low = [
        *one,
        *[
            "dix",
            "onze",
            "douze",
            "treize",
            "quatorze",
            "quinze",
            "seize",
            "dix-sept",
            "dix-huit",
            "dix-neuf",
        ],
    ]
    ten = [
        "vingt",
        "trente",
        "quarante",
        "cinquante",
        "soixante",
        "soixante",
        "quatre-vingt",
        "quatre-vingt",
    ]
    if n < 20:
        return low[n] if n >= 10 else "zéro " + low[n]
    rest = n % 20 if n >= 60 else n % 10
    head = ten[n // 10 - 2]
    if rest == 0:
        return head + ("s" if n == 80 else "")
    return head + (" et " if rest in (1, 11) and n < 80 else "-") + low[rest]


def pairs(lang: str) -> Callable[[list[str]], str]:
    def spell(groups: list[str]) -> str:
        text = "".join(groups)
        return ", ".join(tens(lang, int(text[i : i + 2])) for i in range(0, len(text) - 1, 2)) + (
            " " + WORDS[lang].split()[int(text[-1])] if len(text) % 2 else ""
        )

    return spell


def lines(mark: str) -> Callable[[list[str]], str]:
    return lambda g: "\n" + "\n".join(mark + x for x in g) + "\n"


def joined(sep: str) -> Callable[[list[str]], str]:
    return lambda g: sep.join(g)


LAYOUTS: dict[str, Callable[[list[str]], str]] = {
    "whole": joined(""),
    "spaces": joined(" "),
    "hyphens": joined("-"),
    "dots": joined("."),
    "slashes": joined("/"),
    "spaced-slashes": joined(" / "),
    "tabs": joined("\t"),
    "bars": joined("|"),
    "spaced-bars": joined(" | "),
    "bullets": joined(" • "),
    "middle-dots": joined("·"),
    "underscores": joined("_"),
    "en-dashes": joined("–"),
    "em-dashes": joined(" — "),
    "nbsp": joined("\u00a0"),
    "thin": joined("\u2009"),
    "commas": joined(", "),
    "colons": joined(":"),
    "ellipses": joined("..."),
    "tildes": joined("~"),
    "stars": joined(" * "),
    "plus": joined("+"),
    "arrows": joined(" -> "),
    "lines": joined("\n"),
    "crlf": joined("\r\n"),
    "blank-lines": joined("\n\n"),
    "dash-list": lines("- "),
    "star-list": lines("* "),
    "bullet-list": lines("• "),
    "quote-lines": lines("> "),
    "comment-lines": lines("# "),
    "slash-lines": lines("// "),
    "numbered": lambda g: "\n" + "\n".join(f"{i}. {x}" for i, x in enumerate(g, 1)) + "\n",
    "numbered-paren": lambda g: "\n" + "\n".join(f"{i}) {x}" for i, x in enumerate(g, 1)) + "\n",
    "lettered": lambda g: "\n" + "\n".join(f"{'abcdefgh'[i]}) {x}" for i, x in enumerate(g)) + "\n",
    "table-row": lambda g: "\n| " + " | ".join(g) + " |\n",
    "table-column": lambda g: "\n| part |\n|---|\n" + "\n".join(f"| {x} |" for x in g) + "\n",
    "table-labelled": lambda g: (
        "\n| block | value |\n|---|---|\n"
        + "\n".join(f"| {i} | {x} |" for i, x in enumerate(g, 1))
        + "\n"
    ),
    "html-cells": lambda g: "<tr>" + "".join(f"<td>{x}</td>" for x in g) + "</tr>",
    "html-list": lambda g: "<ul>" + "".join(f"<li>{x}</li>" for x in g) + "</ul>",
    "html-breaks": joined("<br>"),
    "html-bold": lambda g: "".join(f"<b>{x}</b> " for x in g),
    "csv": joined(","),
    "csv-quoted": lambda g: ",".join(f'"{x}"' for x in g),
    "semicolons": joined(";"),
    "json": lambda g: json.dumps(g),
    "json-digits": lambda g: json.dumps([int(c) if c.isdigit() else c for c in "".join(g)]),
    "python-tuple": lambda g: repr(tuple(g)),
    "quotes": lambda g: " ".join(f"'{x}'" for x in g),
    "guillemets": lambda g: " ".join(f"«{x}»" for x in g),
    "parens": lambda g: "".join(f"({x})" for x in g),
    "brackets": lambda g: " ".join(f"[{x}]" for x in g),
    "backticks": lambda g: " ".join(f"`{x}`" for x in g),
    "bold": lambda g: " ".join(f"**{x}**" for x in g),
    "single": lambda g: " ".join("".join(g)),
    "single-commas": lambda g: ", ".join("".join(g)),
    "single-dots": lambda g: ".".join("".join(g)),
    "pairs": lambda g: " ".join(cut("".join(g), *[2] * 20)),
    "threes": lambda g: " ".join(cut("".join(g), *[3] * 12)),
    "pair-dots": lambda g: ".".join(cut("".join(g), *[2] * 20)),
    "then": lambda g: ", then ".join(g),
    "and-then": lambda g: " and then ".join(g),
    "labelled": lambda g: "; ".join(f"part {i}: {x}" for i, x in enumerate(g, 1)),
    "ordinals": lambda g: (
        ", ".join(
            f"{n} {x}"
            for n, x in zip(
                ["first", "next", "then", "followed", "by", "finally", "last"], g, strict=False
            )
        )
        if len(g) < 6
        else " ".join(g)
    ),
    "zero-width": lambda g: each(" ".join(g), "\u200b"),
    "soft-hyphens": lambda g: each("".join(g), "\u00ad"),
    "word-joiner": lambda g: "\u2060".join("".join(g)),
    "variation": lambda g: each("".join(g), "\ufe0f"),
    "variation-sup": lambda g: each(" ".join(g), "\U000e0101"),
    "tags-between": lambda g: "\U000e0041".join("".join(g)),
    "tags": lambda g: "".join(chr(0xE0000 + ord(c)) for c in "".join(g)),
    "underlined": lambda g: each(" ".join(g), "\u0332"),
    "struck": lambda g: each("".join(g), "\u0336"),
    "keycaps": lambda g: each("".join(g), "\ufe0f\u20e3"),
    "fullwidth": lambda g: "".join(chr(ord(c) + 0xFEE0) for c in "".join(g)),
    "arabic": script(0x660),
    "persian": script(0x6F0),
    "devanagari": script(0x966),
    "bengali": script(0x9E6),
    "thai": script(0xE50),
    "khmer": script(0x17E0),
    "math": script(0x1D7CE),
    "ocr-letters": lambda g: " ".join(g).translate(OCR),
    "ocr-dense": lambda g: "".join(g).translate(OCR),
    "ocr-spaces": lambda g: "".join(
        c + ("  " if i % 3 == 1 else " " if i % 5 == 0 else "") for i, c in enumerate("".join(g))
    ),
    "spelled-en": spelled("en"),
    "spelled-en-commas": spelled("en", ", "),
    "spelled-en-double": spelled("en", " ", True),
    "spelled-en-dashes": spelled("en", "-"),
    "spelled-de": spelled("de"),
    "spelled-fr": spelled("fr"),
    "spelled-es": spelled("es"),
    "spelled-es-double": spelled("es", " ", True),
    "spelled-it": spelled("it"),
    "spelled-pt": spelled("pt"),
    "spelled-nl": spelled("nl"),
}
DIGITS_ONLY = {
    "pairs-en": pairs("en"),
    "pairs-de": pairs("de"),
    "pairs-fr": pairs("fr"),
    "pairs-es": pairs("es"),
}

CARD_LINES = {
    "en": [
        "Please charge my card {v} for the room.",
        "Book it with this: {v}",
        "here's my amex or visa, whichever works: {v} exp 09/28",
        "Can you format this number nicely? {v}",
        "Customer wants a refund to\n{v}\nToday, please.",
        "pay with {v}, cvv 311",
        "Credit card details below.\n\n{v}\n\nThanks, Tom",
    ],
    "de": [
        "Bitte belaste meine Kreditkarte {v} mit dem Betrag.",
        "Die Kartennummer lautet {v}.",
        "Kannst du das prüfen? {v}",
        "Karte: {v}, gültig bis 09/28",
    ],
    "fr": [
        "Ma carte bancaire : {v}",
        "Débitez la carte {v} s'il vous plaît.",
        "Voici le numéro : {v}",
    ],
    "es": [
        "Mi tarjeta es {v}",
        "Cobre a esta tarjeta: {v} por favor.",
        "El número es {v}, gracias",
    ],
    "it": ["La mia carta è {v}", "Numero della carta di credito: {v}"],
    "pt": ["Meu cartão é {v}", "Número do cartão: {v}"],
    "nl": ["Mijn creditcard is {v}"],
    "pl": ["Moja karta: {v}"],
    "ru": ["Моя карта {v}"],
    "ja": ["カード番号は{v}です"],
    "zh": ["我的信用卡号是 {v}"],
}
IBAN_LINES = {
    "en": [
        "Send the rent to {v} by Friday.",
        "My IBAN: {v}",
        "Payout account\n{v}\nAda",
        "Is this IBAN valid? {v}",
    ],
    "de": ["Überweise bitte auf {v}.", "IBAN lautet {v}", "Bankverbindung: {v}"],
    "fr": ["Virement vers {v} demain", "Mon IBAN est {v}"],
    "es": ["Transferencia a {v}", "Mi cuenta: {v}"],
    "it": ["Bonifico su {v}"],
    "nl": ["Maak het over naar {v}"],
}
ID_LINES = {
    "en": [
        "{l}: {v}",
        "My {l} is {v}.",
        "{v} is my {l}.",
        "The form asks for the {l}; mine is {v}, please fill it in.",
        "{l}\n{v}",
        "| {l} | {v} |",
        "Could you check the {l} I sent ({v})?",
        "<td>{l}</td><td>{v}</td>",
        "name,{l}\nAda Wong,{v}",
        '{{"{l}": "{v}"}}',
        "Here is what HR needs. {l} on file: {v}. Start date Monday.",
    ],
    "other": [
        "{l}: {v}",
        "{l} {v}",
        "{l} = {v}",
        "{l}\n{v}",
        "| {l} | {v} |",
        "- {l}: {v}\n- OK",
        "{v} ({l})",
    ],
}
ID_LAYOUTS = [
    "whole",
    "spaces",
    "hyphens",
    "dots",
    "slashes",
    "spaced-slashes",
    "tabs",
    "bars",
    "spaced-bars",
    "bullets",
    "underscores",
    "en-dashes",
    "em-dashes",
    "nbsp",
    "thin",
    "commas",
    "lines",
    "dash-list",
    "numbered",
    "table-row",
    "html-cells",
    "csv",
    "csv-quoted",
    "json",
    "quotes",
    "parens",
    "backticks",
    "single",
    "pairs",
    "threes",
    "zero-width",
    "soft-hyphens",
    "variation",
    "tags",
    "tags-between",
    "underlined",
    "fullwidth",
    "arabic",
    "devanagari",
    "bengali",
    "thai",
    "math",
    "ocr-letters",
    "spelled-en",
    "spelled-en-commas",
    "then",
]
PHONES = {
    "zh": (
        ["电话：{v}", "手机号 {v}", "请拨打{v}联系我", "联系电话是{v}"],
        ["138 1234 5678", "13912345678", "010-6552 9988", "(021) 5888 1234"],
    ),
    "ja": (
        ["電話番号は{v}です", "携帯 {v}", "TEL：{v}", "お電話は{v}まで"],
        ["090-1234-5678", "03-3581-0000", "0120-444-113", "080 5566 7788"],
    ),
    "ko": (
        ["전화 {v}", "휴대폰 번호는 {v}입니다", "연락처: {v}"],
        ["010-9876-5432", "02-312-4455", "010 2345 6789"],
    ),
    "ru": (
        ["телефон {v}", "Мой номер: {v}", "позвоните по {v}", "моб. {v}"],
        ["8 (916) 123-45-67", "8-926-555-44-33", "89161234567", "495 123 45 67"],
    ),
    "el": (
        ["τηλέφωνο {v}", "κινητό: {v}", "Τηλ. {v}"],
        ["210 3456789", "6971234567", "694 555 1234"],
    ),
    "he": (
        ["טלפון {v}", "נייד: {v}", "התקשרו אליי {v}"],
        ["050-1234567", "03-6123456", "0541234567"],
    ),
    "ar": (
        ["هاتف {v}", "رقم الجوال: {v}", "اتصل بي على {v}"],
        ["0501234567", "٠٥٥ ١٢٣ ٤٥٦٧", "02 555 1234"],
    ),
    "th": (
        ["โทร {v}", "เบอร์โทรศัพท์ {v}", "มือถือ: {v}"],
        ["081-234-5678", "02 123 4567", "๐๘๑๒๓๔๕๖๗๘"],
    ),
    "hi": (
        ["फोन {v}", "मोबाइल नंबर: {v}", "मुझे {v} पर कॉल करें"],
        ["98765 43210", "०९८७६५४३२१०", "022-2345 6789"],
    ),
    "vi": (
        ["điện thoại {v}", "SĐT: {v}", "gọi cho tôi số {v}"],
        ["0912 345 678", "024 3825 1234", "0387654321"],
    ),
    "de": (
        ["Ruf mich an: {v}", "Handynummer {v}", "Telefon: {v}"],
        ["0151/23456789", "030 - 12 34 56", "0170.1234567"],
    ),
    "fr": (
        ["Mon portable : {v}", "joignable au {v}", "tél. {v}"],
        ["06.12.34.56.78", "01-44-55-66-77", "0612345678"],
    ),
    "es": (
        ["Mi móvil es {v}", "Teléfono: {v}", "llámame al {v}"],
        ["612 34 56 78", "91 555 12 34", "612345678"],
    ),
    "it": (["Il mio cellulare: {v}", "tel. {v}"], ["347 123 4567", "06/1234567"]),
    "pt": (["Meu celular: {v}", "telefone {v}"], ["(11) 98765-4321", "912 345 678"]),
    "pl": (["Mój telefon: {v}", "dzwoń pod {v}"], ["601 234 567", "22 123 45 67"]),
    "tr": (["telefonum {v}", "cep: {v}"], ["0532 123 45 67", "0 (212) 555 44 33"]),
    "uk": (["телефон {v}", "мобільний {v}"], ["067 123 45 67", "0501234567"]),
    "id": (["nomor HP {v}", "telepon: {v}"], ["0812-3456-7890", "021 5551234"]),
    "en": (
        ["my cell is {v}", "Phone: {v}", "text me at {v}", "reach me on {v}"],
        [
            "415.555.2671",
            "(415) 555 2671",
            "07700 900123",
            "020 7946 0123",
            "4155552671",
            "0412 345 678",
        ],
    ),
    "nl": (["mijn 06-nummer is {v}", "bel {v}"], ["06-12345678", "020 123 4567"]),
    "sv": (["mobil {v}", "ring mig på {v}"], ["070-123 45 67", "0701234567"]),
    "cs": (["telefon {v}", "volejte {v}"], ["601 123 456"]),
    "hu": (["telefonszám: {v}"], ["06 30 123 4567"]),
    "ro": (["telefon {v}"], ["0722 123 456"]),
    "fi": (["puhelin {v}"], ["040 123 4567"]),
}
MAILS = {
    "en": [
        "write to {n} (at) {h} dot {t}",
        "{n} at {h} dot {t} is mine",
        "mail {n}[at]{h}[dot]{t}",
        "{n} @{h}.{t}",
        "reach {n}@ {h}.{t} today",
        "scan: {n} @ {h} . {t}",
        "{n} AT {h} DOT {t}",
        "{n}<at>{h}<dot>{t}",
        "{n} {{at}} {h} {{dot}} {t}",
        "{n} -at- {h} -dot- {t}",
        "{n}_at_{h}_dot_{t}",
    ],
    "de": [
        "schreib an {n} ät {h} Punkt {t}",
        "{n} (ät) {h} (Punkt) {t}",
        "{n} at {h} Punkt {t}",
        "{n} Klammeraffe {h} Punkt {t}",
    ],
    "fr": [
        "écris à {n} arobase {h} point {t}",
        "{n} (arobase) {h} point {t}",
        "{n} chez {h} point {t} (arobase)",
    ],
    "es": ["escríbeme a {n} arroba {h} punto {t}", "{n} (arroba) {h} (punto) {t}"],
    "it": ["scrivi a {n} chiocciola {h} punto {t}"],
    "pt": ["escreva para {n} arroba {h} ponto {t}"],
    "nl": ["mail naar {n} apenstaartje {h} punt {t}"],
    "pl": ["pisz na {n} małpa {h} kropka {t}"],
    "ru": ["пиши на {n} собака {h} точка {t}"],
    "sv": ["mejla {n} snabel-a {h} punkt {t}"],
    "tr": ["{n} et {h} nokta {t}"],
    "ja": ["{n}（アット）{h}（ドット）{t}"],
    "zh": ["{n}（艾特）{h} 点 {t}"],
}
ACCOUNTS: list[tuple[str, str, str, Callable[[], tuple[str, str]]]] = [
    (
        "uk-account",
        "en",
        "sort code {a}, account {b}",
        lambda: ("-".join(cut(digits(6), 2, 2, 2)), digits(8)),
    ),
    (
        "uk-account",
        "en",
        "Sort: {a} / Acc: {b}",
        lambda: (" ".join(cut(digits(6), 2, 2, 2)), digits(8)),
    ),
    (
        "uk-account",
        "en",
        "| sort code | account no |\n|---|---|\n| {a} | {b} |",
        lambda: (".".join(cut(digits(6), 2, 2, 2)), digits(8)),
    ),
    (
        "uk-account",
        "en",
        "Pay me: {a} then {b}. Sort code first, then the account.",
        lambda: (digits(6), digits(8)),
    ),
    (
        "us-account",
        "en",
        "routing {a} account {b}",
        lambda: (valid("us.rtn", "0########"), digits(10)),
    ),
    (
        "us-account",
        "en",
        "ABA/RTN:\t{a}\nDDA:\t{b}",
        lambda: (valid("us.rtn", "0########"), digits(10)),
    ),
    (
        "us-account",
        "en",
        "direct deposit goes to {b} at routing no. {a}",
        lambda: (" ".join(cut(valid("us.rtn", "0########"), 3, 3, 3)), digits(10)),
    ),
    (
        "us-account",
        "en",
        "checking acct ending? full one is {b}, routing is {a}",
        lambda: ("-".join(cut(valid("us.rtn", "0########"), 4, 4, 1)), digits(12)),
    ),
    ("blz", "de", "BLZ {a}, Konto {b}", lambda: (" ".join(cut("37040044", 3, 3, 2)), digits(10))),
    (
        "blz",
        "de",
        "Kto.-Nr.: {b}\nBankleitzahl: {a}",
        lambda: ("370 400 44", " ".join(cut(digits(9), 3, 3, 3))),
    ),
    (
        "blz",
        "de",
        "| Kontonummer | BLZ |\n|---|---|\n| {b} | {a} |",
        lambda: ("37040044", digits(9)),
    ),
    ("bic", "en", "BIC DEUTDEFF, acct {b}", lambda: ("", digits(10))),
    ("bic", "es", "BIC BBVAESMM, cuenta {b}", lambda: ("", " ".join(cut(digits(20), 4, 4, 2, 10)))),
    ("ccc", "es", "cuenta corriente {b}", lambda: ("", "-".join(cut(digits(20), 4, 4, 2, 10)))),
    ("rib", "fr", "RIB : {b}", lambda: ("", " ".join(cut(digits(23), 5, 5, 11, 2)))),
    ("bsb", "en", "BSB {a} Account {b}", lambda: ("062-001", digits(8))),
    ("ifsc", "en", "IFSC HDFC0001234, A/C {b}", lambda: ("", digits(14))),
    (
        "clabe",
        "es",
        "CLABE interbancaria: {b}",
        lambda: ("", " ".join(cut(digits(18), 3, 3, 11, 1))),
    ),
    ("cn-account", "zh", "银行账号：{b}", lambda: ("", " ".join(cut(digits(19), 4, 4, 4, 4, 3)))),
    ("jp-account", "ja", "口座番号 普通 {b}", lambda: ("", digits(7))),
    ("kr-account", "ko", "계좌번호 국민은행 {b}", lambda: ("", "-".join(cut(digits(14), 6, 2, 6)))),
    ("ru-account", "ru", "расчётный счёт {b}, БИК 044525225", lambda: ("", digits(20))),
    (
        "pl-account",
        "pl",
        "numer rachunku: {b}",
        lambda: ("", " ".join(cut(digits(26), 2, 4, 4, 4, 4, 4))),
    ),
    ("cvv", "en", "exp {a}, security code {b}", lambda: ("04/29", digits(3))),
    ("cvv", "en", "CVC is {b} and it expires {a}", lambda: ("11/27", digits(3))),
    ("cvv", "en", "three digits on the back: {b}, valid thru {a}", lambda: ("11/27", digits(3))),
    ("cvv", "de", "Prüfziffer der Karte {b}, gültig bis {a}", lambda: ("11/27", digits(3))),
    ("cvv", "fr", "cryptogramme {b}, expire fin {a}", lambda: ("11/27", digits(3))),
    ("cvv", "es", "código de seguridad {b}, caduca {a}", lambda: ("11/27", digits(3))),
    ("cvv", "en", "| CVV | expiry |\n|---|---|\n| {b} | {a} |", lambda: ("11/27", digits(3))),
    ("pin", "en", "my card PIN is {b}", lambda: ("", digits(4))),
    ("wallet-btc", "en", "tip jar: {b}", lambda: ("", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")),
    (
        "wallet-btc",
        "en",
        "send sats to {b}",
        lambda: ("", " ".join(cut("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", *[4] * 10))),
    ),
    (
        "wallet-eth",
        "en",
        "ETH: {b}",
        lambda: ("", "0x" + "".join(DRAW.choice("0123456789abcdef") for _ in range(40))),
    ),
    (
        "wallet-eth",
        "en",
        "my wallet\n{b}",
        lambda: (
            "",
            "0x"
            + " ".join(
                "".join(DRAW.choice("0123456789abcdef") for _ in range(4)) for _ in range(10)
            ),
        ),
    ),
    (
        "wallet-tron",
        "en",
        "USDT (TRC20) wallet {b}",
        lambda: ("", "TJYeasTPa6gpEEiSbhDJjFqHQ4Fg6ZyhgR"),
    ),
    ("wallet-xrp", "en", "XRP address rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh{a}{b}", lambda: ("", "")),
    (
        "wallet-sol",
        "en",
        "solana wallet: {b}",
        lambda: ("", "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"),
    ),
    (
        "wallet-xmr",
        "en",
        "monero {b}",
        lambda: (
            "",
            "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
        ),
    ),
    (
        "wallet-doge",
        "en",
        "dogecoin address {b}",
        lambda: ("", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"),
    ),
]
GO_ON = {
    "en": ["Go on.", "Got it, next?", "OK, please continue."],
    "de": ["Weiter bitte.", "Ja, und dann?"],
    "fr": ["Continuez."],
    "es": ["Sigue."],
}
DICTATED = {
    "en": [
        "The card starts with {v}",
        "{v}",
        "then {v}",
        "and {v}",
        "next {v}",
        "{v} and that's all",
    ],
    "de": ["Die Karte beginnt mit {v}", "{v}", "dann {v}", "{v}, fertig"],
    "fr": ["Ma carte : {v}", "ensuite {v}", "{v}", "et {v}"],
    "es": ["Mi tarjeta empieza por {v}", "luego {v}", "{v}", "y {v}"],
}


def row(template: str, sensitive: bool, **fields: Any) -> Row:
    half = "fit" if hashlib.sha256(template.encode()).digest()[0] % 2 else "held"
    return {
        "split": half,
        "sensitive": sensitive,
        "template": hashlib.sha256(template.encode()).hexdigest()[:8],
        **fields,
    }


def financial() -> Iterator[Row]:
    for kind, make in FIN.items():
        iban_kind = kind.startswith("iban")
        letters = kind in ("iban-gb", "iban-nl", "iban-it")
        table = IBAN_LINES if iban_kind else CARD_LINES
        layouts = {**LAYOUTS, **({} if iban_kind else DIGITS_ONLY)}
        for name in DRAW.sample(sorted(layouts), 26 if kind in ("visa", "iban-de") else 13):
            if letters and name.startswith(("spelled", "ocr", "pairs-")):
                continue
            lang = (
                name[8:10]
                if name.startswith("spelled")
                else name[6:8]
                if name.startswith("pairs-")
                else DRAW.choice(sorted(table))
            )
            lang = lang if lang in table else "en"
            template = DRAW.choice(table[lang])
            yield row(
                f"{template}{name}",
                True,
                cls="FIN",
                kind=kind,
                layout=name,
                lang=lang,
                text=template.format(v=layouts[name](make())),
            )
    for kind, lang, template, draw in ACCOUNTS:
        for _ in range(2):
            a, b = draw()
            yield row(
                template,
                True,
                cls="FIN",
                kind=kind,
                layout="account",
                lang=lang,
                text=template.format(a=a, b=b),
            )


def dictated() -> Iterator[Row]:
    for kind in ("visa", "mastercard", "amex", "iban-de", "ssn", "nhs"):
        for lang, sayings in DICTATED.items():
            groups = FIN[kind]() if kind in FIN else IDS[kind][0]()
            if kind in IDS and lang != "en":
                continue
            turns = []
            for i, group in enumerate(groups):
                saying = (
                    sayings[0]
                    if i == 0 and kind not in IDS
                    else f"my {IDS[kind][1][0]}: {{v}}"
                    if i == 0
                    else DRAW.choice(sayings[1:])
                )
                turns += [["user", saying.format(v=group)], ["assistant", DRAW.choice(GO_ON[lang])]]
            yield row(
                f"turns-{lang}",
                True,
                cls="FIN" if kind in FIN else "ID",
                kind=kind,
                layout="turns",
                lang=lang,
                turns=turns[:-1],
            )
            bare = [["user", g] for g in groups]
            yield row(
                f"bare-turns-{lang}-{kind}",
                True,
                cls="FIN" if kind in FIN else "ID",
                kind=kind,
                layout="bare-turns",
                lang=lang,
                turns=[
                    [
                        "user",
                        f"{sayings[0].format(v='')}" if kind in FIN else f"my {IDS[kind][1][0]}:",
                    ],
                    *bare,
                ],
            )


def ids() -> Iterator[Row]:
    for kind, (make, labels) in IDS.items():
        for name in ["whole", "spaces", *DRAW.sample(ID_LAYOUTS[2:], 7)]:
            label = DRAW.choice(labels)
            template = DRAW.choice(
                ID_LINES["en" if label.isascii() and label[0].isascii() else "other"]
            )
            groups = make()
            if name.startswith(("ocr", "spelled")) and not "".join(groups).isdigit():
                name = "dots"
            yield row(
                f"{template}{name}",
                True,
                cls="ID",
                kind=kind,
                layout=name,
                lang="en",
                text=template.format(l=label, v=LAYOUTS[name](groups)),
            )


def contacts() -> Iterator[Row]:
    for lang, (templates, numbers) in PHONES.items():
        for template in templates:
            for number in DRAW.sample(numbers, min(2, len(numbers))):
                yield row(
                    f"{lang}{template}",
                    True,
                    cls="CONTACT",
                    kind="phone",
                    layout="national",
                    lang=lang,
                    text=template.format(v=number),
                )
    for lang, templates in MAILS.items():
        for template in templates:
            for name, host, top in (
                ("jane.doe", "example", "org"),
                ("m_keller", "web-mail", "net"),
            ):
                yield row(
                    f"{lang}{template}",
                    True,
                    cls="CONTACT",
                    kind="email",
                    layout="spelled",
                    lang=lang,
                    text=template.format(n=name, h=host, t=top),
                )


NEGATIVES: list[tuple[str, Callable[[], str]]] = [
    (
        "part number",
        lambda: f"Part no. {digits(9)}-{digits(7)} is out of stock; order {digits(8)} waits.",
    ),
    (
        "order",
        lambda: (
            f"Order 4{digits(15)[:10]}-{digits(4)} was shipped on 2026-03-{DRAW.randint(10, 28)}."
        ),
    ),
    ("tracking ups", lambda: f"Tracking number 1Z{filled('@@@')}{digits(13)} has not moved."),
    ("tracking dhl", lambda: f"Sendungsnummer 0034043{digits(13)} steckt in Leipzig fest."),
    (
        "invoice",
        lambda: (
            f"Invoice INV-2026-{digits(6)} over {DRAW.randint(100, 9999)},{digits(2)} EUR, due 14 days, reference {digits(4)}/{digits(4)}."
        ),
    ),
    (
        "table",
        lambda: (
            "Revenue by quarter (k€)\n\n| region | Q1 | Q2 | Q3 | Q4 |\n|---|---|---|---|---|\n"
            + "\n".join(
                f"| {r} | {DRAW.randint(1000, 9999)} | {DRAW.randint(1000, 9999)} | {DRAW.randint(1000, 9999)} | {DRAW.randint(1000, 9999)} |"
                for r in ("North", "South", "East")
            )
        ),
    ),
    (
        "table small",
        lambda: (
            "| n | squares | cubes |\n|---|---|---|\n"
            + "\n".join(f"| {n} | {n * n} | {n**3} |" for n in range(DRAW.randint(2, 9), 16))
        ),
    ),
    (
        "csv",
        lambda: (
            "year,births,deaths\n"
            + "\n".join(
                f"{y},{DRAW.randint(3000, 9999)},{DRAW.randint(3000, 9999)}"
                for y in range(2018, 2026)
            )
        ),
    ),
    (
        "csv metrics",
        lambda: (
            "step,loss,lr\n"
            + "\n".join(
                f"{i},{DRAW.random():.6f},{DRAW.random() / 1000:.8f}"
                for i in range(DRAW.randint(3, 9))
            )
        ),
    ),
    (
        "years",
        lambda: (
            "Which were leap years: 1984, 1988, 1992, 1996, 2000, "
            + str(DRAW.randint(2001, 2030))
            + "?"
        ),
    ),
    ("year range", lambda: f"Compare 2021/2022/2023/2024 sales, then {DRAW.randint(2025, 2029)}."),
    (
        "timestamps",
        lambda: "\n".join(
            f"2026-05-{d:02d} {DRAW.randint(10, 23)}:{DRAW.randint(10, 59)}:{DRAW.randint(10, 59)}.{digits(3)} INFO request {digits(5)} took {digits(3)} ms"
            for d in range(1, 5)
        ),
    ),
    ("epoch", lambda: f"Convert 17{digits(8)} and 17{digits(11)} to ISO dates."),
    (
        "versions",
        lambda: (
            f"Upgrade from 4.1{digits(1)}.{digits(2)}.{digits(4)} to 5.0.{digits(1)}.{digits(4)}, then 120.0.{digits(4)}.{digits(3)}."
        ),
    ),
    (
        "coordinates",
        lambda: (
            f"The hut is at 47.{digits(6)}, 11.{digits(6)}; the spring at 47.{digits(6)}, 11.{digits(6)}."
        ),
    ),
    (
        "coordinates dms",
        lambda: (
            f"48° {DRAW.randint(10, 59)}' {digits(2)}\" N, 2° {DRAW.randint(10, 59)}' {digits(2)}\" E"
        ),
    ),
    ("isbn", lambda: f"Is ISBN 978-{digits(1)}-{digits(3)}-{digits(5)}-{digits(1)} in print?"),
    ("isbn whole", lambda: f"Find the book {valid('isbn', '978##########')} please."),
    (
        "ean",
        lambda: (
            f"EAN {valid('ean', '4############')} and {valid('ean', '5############')} scan as the same tea."
        ),
    ),
    (
        "issn",
        lambda: (
            f"The journal has ISSN {digits(4)}-{digits(4)}, volume {digits(2)}, pages {digits(4)}-{digits(4)}."
        ),
    ),
    ("doi", lambda: f"See doi:10.1{digits(3)}/s{digits(5)}-0{digits(2)}-{digits(5)}-{digits(1)}"),
    ("hash", lambda: "sha256 " + "".join(DRAW.choice("0123456789abcdef") for _ in range(64))),
    ("commit", lambda: "git revert " + "".join(DRAW.choice("0123456789abcdef") for _ in range(40))),
    (
        "uuid",
        lambda: (
            f"object {digits(8)}-{digits(4)}-4{digits(3)}-a{digits(3)}-{digits(12)} was deleted"
        ),
    ),
    (
        "prices",
        lambda: (
            f"Offers: {DRAW.randint(1000, 9999)}.00, {DRAW.randint(1000, 9999)}.50, {DRAW.randint(1000, 9999)}.99 and {DRAW.randint(1000, 9999)}.00 EUR. Which is the median?"
        ),
    ),
    (
        "price list",
        lambda: (
            "Price list\n"
            + "\n".join(
                f"- {x}: {DRAW.randint(10, 9999)},{digits(2)} €"
                for x in ("bolts", "nuts", "washers", "rods")
            )
        ),
    ),
    (
        "sports",
        lambda: (
            f"Final: 6-4, 3-6, 7-6 ({digits(1)}-5), {digits(1)}-6; yesterday 21-{DRAW.randint(10, 19)} 21-{DRAW.randint(10, 19)}."
        ),
    ),
    (
        "league",
        lambda: (
            "| team | P | W | D | L | GF | GA | Pts |\n|---|---|---|---|---|---|---|---|\n"
            + "\n".join(
                f"| {t} | 34 | {DRAW.randint(10, 25)} | {digits(1)} | {digits(1)} | {DRAW.randint(30, 90)} | {DRAW.randint(20, 60)} | {DRAW.randint(40, 80)} |"
                for t in ("Ajax", "PSV", "AZ")
            )
        ),
    ),
    (
        "lottery",
        lambda: (
            "Lottery: "
            + " ".join(str(DRAW.randint(10, 49)) for _ in range(6))
            + f", bonus {DRAW.randint(1, 9)}"
        ),
    ),
    (
        "fibonacci",
        lambda: (
            "1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 "
            + ["2584", "2584 4181", "2584 4181 6765"][DRAW.randint(0, 2)]
        ),
    ),
    ("powers", lambda: ", ".join(str(2**i) for i in range(DRAW.randint(4, 8), 20))),
    (
        "primes",
        lambda: (
            "Are these prime: "
            + ", ".join(str(DRAW.randrange(1001, 9999, 2)) for _ in range(6))
            + "?"
        ),
    ),
    ("pi", lambda: "pi is 3.14159265358979323846264338327950288" + digits(DRAW.randint(3, 12))),
    ("big product", lambda: f"Compute {digits(12)} * {digits(9)} mod {digits(7)}."),
    (
        "matrix",
        lambda: (
            "A = [["
            + "], [".join(", ".join(str(DRAW.randint(10, 99)) for _ in range(4)) for _ in range(3))
            + "]]"
        ),
    ),
    ("array", lambda: "sort([" + ", ".join(str(DRAW.randint(100, 9999)) for _ in range(10)) + "])"),
    (
        "json ints",
        lambda: '{"ids": [' + ", ".join(str(DRAW.randint(1000, 9999)) for _ in range(7)) + "]}",
    ),
    (
        "hex dump",
        lambda: " ".join(
            "".join(DRAW.choice("0123456789abcdef") for _ in range(4)) for _ in range(8)
        ),
    ),
    (
        "bytes",
        lambda: "b = bytes([" + ", ".join(str(DRAW.randint(0, 255)) for _ in range(16)) + "])",
    ),
    (
        "ips",
        lambda: (
            f"Ping 10.{digits(2)}.{digits(2)}.1, 192.168.{DRAW.randint(1, 9)}.{DRAW.randint(1, 99)} and 172.16.{DRAW.randint(1, 9)}.2"
        ),
    ),
    (
        "ports",
        lambda: f"Open ports 443, 8080, 8443, 9090 and {DRAW.randint(2000, 9999)} on the host.",
    ),
    (
        "measures",
        lambda: f"Cut 4 boards: 1200 x 300 x 18, {DRAW.randint(1000, 2000)} x 450 x 18 mm.",
    ),
    (
        "bolts",
        lambda: f"Item\nM8x{digits(2)}\n{digits(4)}\n{digits(4)}\nM10x{digits(2)}\n{digits(3)}",
    ),
    (
        "bus",
        lambda: (
            "Departures: 07:15 07:35 07:55 08:15 08:35 "
            + f"{DRAW.randint(10, 20)}:{DRAW.randint(10, 59)}"
        ),
    ),
    (
        "zip list",
        lambda: "Deliver to ZIP codes " + ", ".join(digits(5) for _ in range(4)) + " on Mondays.",
    ),
    ("cron", lambda: f"0 {DRAW.randint(1, 9)} * * 1-5 and {DRAW.randint(1, 59)} 4 1,15 * *"),
    ("chords", lambda: "e|-0-2-3-2-0-|\nB|-1-3-0-3-1-|\nG|-0-2-0-2-" + digits(1) + "-|"),
    (
        "morning in words",
        lambda: DRAW.choice(
            [
                "One or two of the three said that four weeks and five or six days is enough.",
                "Zwei von drei sagten, vier oder fünf Tage reichen, sechs wären zu viel.",
                "Un deux trois, nous irons au bois, quatre cinq six, cueillir des cerises.",
                "Uno de los dos tiene tres o cuatro gatos y cinco perros.",
            ]
        ),
    ),
    (
        "count",
        lambda: DRAW.choice(
            [
                "Count: one two three four five six seven eight nine ten.",
                "Zähle: eins zwei drei vier fünf sechs sieben acht neun zehn.",
                "Compte: un deux trois quatre cinq six sept huit neuf dix.",
                "Cuenta: uno dos tres cuatro cinco seis siete ocho nueve diez.",
            ]
        ),
    ),
    (
        "at point",
        lambda: DRAW.choice(
            [
                "We look at the dot com boom.",
                "At this point we leave at once.",
                "Sie wohnt at home, Punkt.",
                "À ce point de vue, on reste chez nous.",
                "En este punto, arroba es una unidad de peso.",
                "Il punto è che la chiocciola striscia.",
                "Ponto final: uma arroba de café pesa 15 kg.",
                "Собака сидела, точка.",
            ]
        ),
    ),
    (
        "mention",
        lambda: DRAW.choice(
            [
                "Thanks @example.team and @kelly for the fix",
                "ping @ops at 10.30",
                "5 kg @ 3.50 EUR",
                "cc @web.dev / @infra",
            ]
        ),
    ),
    (
        "nutrition",
        lambda: (
            f"per 100 g: energy {digits(4)} kJ / {digits(3)} kcal, fat {digits(1)},{digits(1)} g, salt 0,{digits(2)} g"
        ),
    ),
    (
        "flight",
        lambda: (
            f"LH {digits(4)} lands 16:45, gate B{digits(2)}, booking total {digits(3)}.{digits(2)} EUR"
        ),
    ),
    (
        "patent",
        lambda: (
            f"US patent {DRAW.randint(5, 11)},{digits(3)},{digits(3)} cites {DRAW.randint(5, 11)},{digits(3)},{digits(3)}"
        ),
    ),
    (
        "law",
        lambda: (
            f"§ {digits(3)} Abs. 2 Nr. 4 BGB, BGH NJW 20{DRAW.randint(10, 24)}, {digits(4)} Rn. {digits(2)}"
        ),
    ),
    (
        "serials",
        lambda: (
            f"Router serial {filled('@@##########')} runs firmware {digits(1)}.{digits(2)}.{digits(3)}"
        ),
    ),
    ("sku", lambda: "SKU " + ", ".join(filled("@@-####-##") for _ in range(4))),
    ("genome", lambda: f"chr{DRAW.randint(1, 22)}:{digits(8)}-{digits(8)} and rs{digits(8)}"),
    (
        "polynomial",
        lambda: f"Factor x^4 - {digits(3)}x^3 + {digits(4)}x^2 - {digits(4)}x + {digits(4)}",
    ),
    (
        "colors",
        lambda: (
            "Palette: "
            + " ".join(
                "#" + "".join(DRAW.choice("0123456789abcdef") for _ in range(6)) for _ in range(5)
            )
        ),
    ),
    (
        "sudoku",
        lambda: "\n".join(" ".join(DRAW.choice("123456789") for _ in range(9)) for _ in range(9)),
    ),
    (
        "binary",
        lambda: (
            "Add "
            + " ".join("".join(DRAW.choice("01") for _ in range(4)) for _ in range(4))
            + " and 0101 1100"
        ),
    ),
    (
        "phone-like",
        lambda: (
            f"The ratio is {digits(3)}:{digits(3)}:{digits(4)}, sample {digits(3)} {digits(2)} {digits(4)}."
        ),
    ),
    (
        "words account",
        lambda: (
            f"On account of the {DRAW.randint(2000, 2030)} rules, 3 of {digits(4)} firms moved; the card game has 52 cards and {digits(4)} players."
        ),
    ),
    (
        "card game",
        lambda: (
            f"Deck {digits(4)}: card 12, card 13, card 14, then draw {digits(2)} cards from {digits(3)}."
        ),
    ),
    (
        "graphics card",
        lambda: (
            f"Which graphics card is better, RTX 4070 with {digits(4)} points or RX 7800 with {digits(5)} points in test {digits(4)}?"
        ),
    ),
    (
        "passport text",
        lambda: (
            f"How long is a passport valid? In {DRAW.randint(2024, 2030)} about {digits(2)},{digits(3)} were issued."
        ),
    ),
    (
        "vat",
        lambda: (
            f"The tax is {digits(2)}% of {digits(4)},{digits(2)}; the card fee is {digits(1)}.{digits(2)} EUR."
        ),
    ),
    (
        "ticket",
        lambda: (
            f"Ticket {digits(7)}: the phone app crashes on build {digits(8)} after {digits(3)} s"
        ),
    ),
]


def negatives() -> Iterator[Row]:
    for name, make in NEGATIVES:
        for _ in range(5):
            yield row(name, False, cls="NONE", kind="harmless", layout=name, lang="en", text=make())
    for i in range(10):
        turns = [["user", "Let us play a guessing game."], ["assistant", "Sure, a number?"]]
        for _ in range(4):
            turns += [
                ["user", str(DRAW.randint(1000, 2200))],
                ["assistant", "Higher!" if i % 2 else "Lower!"],
            ]
        yield row(
            "game turns", False, cls="NONE", kind="harmless", layout="turns", lang="en", turns=turns
        )


def main() -> None:
    rows = [*financial(), *dictated(), *ids(), *contacts(), *negatives()]
    for i, one in enumerate(rows):
        one["id"] = f"{'P' if one['sensitive'] else 'N'}{i:04d}"
    OUT.write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
