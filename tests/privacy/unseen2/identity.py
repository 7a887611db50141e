"""Identity numbers with the check digits of their countries, and people's names."""

from __future__ import annotations

import string
from random import Random

from tests.privacy.unseen2.values import GENERAL, Maker, digits, luhn, pick, weighted

NAMES = {
    "en": ["Harriet Colborne", "Marcus Delgado", "Priya Raman", "Owen Tattersall", "Denise Okafor",
           "Tyler Brandvold", "Siobhan Keegan", "Leroy Whitcombe", "Gemma Pascoe", "Andre Boudin"],
    "de": ["Annegret Löffler", "Jens Pohlmann", "Mehmet Aydin", "Katrin Brückner", "Uwe Stadler"],
    "fr": ["Élodie Marchand", "Thibault Girardin", "Nadia Belkacem", "Gérard Poncet"],
    "es": ["Rocío Maldonado", "Álvaro Quintanilla", "Jimena Ortuño", "Ernesto Vallejo"],
    "it": ["Ginevra Bellandi", "Matteo Sartori", "Loredana Pisani", "Fabio Carnevali"],
    "pt": ["Thaís Figueiredo", "Rui Carvalhal", "Juliana Prado", "Caio Menezes"],
    "nl": ["Sanne Hoekstra", "Joost Verbruggen", "Fatima el Idrissi"],
    "pl": ["Agnieszka Wrona", "Tomasz Gajewski", "Beata Kulczyk"],
    "sv": ["Elsa Nordgren", "Mattias Hedlund"], "da": ["Mette Kjærgaard", "Rasmus Toft"],
    "cs": ["Lenka Havránková", "Petr Doležal"], "tr": ["Zeynep Karaca", "Burak Özdemir"],
    "ru": ["Светлана Лаптева", "Игорь Ермаков"], "uk": ["Оксана Бондаренко", "Тарас Кравець"],
    "zh": ["陈晓琳", "吴志强"], "ja": ["高橋美咲", "小林健太"], "ko": ["박서연", "최민준"],
    "ar": ["ليلى الحداد", "سامر العطار"], "he": ["נועה פרידמן", "אייל ברק"],
    "hi": ["सुनीता वर्मा", "राकेश चौहान"], "vi": ["Nguyễn Thu Hà", "Trần Quốc Bảo"],
    "el": ["Ελένη Δημητρίου", "Κώστας Αλεξίου"], "ro": ["Ioana Munteanu", "Radu Stoica"],
    "hu": ["Szabó Eszter", "Kiss Gergő"], "fi": ["Aino Lehtonen", "Ville Rantanen"],
}  # fmt: skip

D = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
     [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
     [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
     [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]  # fmt: skip
P = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def day(rng: Random) -> tuple[int, int, int]:
    return rng.randint(1948, 1999), rng.randint(1, 12), rng.randint(1, 28)


def until(rng: Random, count: int, weights: list[int], modulus: int) -> tuple[str, int]:
    """Digits and their weighted sum's remainder."""
    body = digits(rng, count)
    return body, weighted(body, weights) % modulus


def aadhaar(rng: Random) -> str:
    body = rng.choice("23456789") + pick(rng, "dig", 10)
    steps = [list(P[0]), list(P[1])]
    while len(steps) < 8:
        steps.append([steps[-1][value] for value in P[1]])
    check = 0
    for place, digit in enumerate(reversed(body)):
        check = D[check][steps[(place + 1) % 8][int(digit)]]
    text = body + str(D[check].index(0))
    return f"{text[:4]} {text[4:8]} {text[8:]}"


def cpf(rng: Random) -> str:
    text = digits(rng, 9)
    for count in (9, 10):
        rest = weighted(text, list(range(count + 1, 1, -1))) * 10 % 11
        text += str(rest % 10)
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def dni(rng: Random) -> str:
    number = rng.randint(10_000_000, 79_999_999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def nie(rng: Random) -> str:
    body = rng.choice("XYZ") + pick(rng, "dig", 7)
    number = int(str("XYZ".index(body[0])) + body[1:])
    return f"{body}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def fiscal_code(rng: Random) -> str:
    year, month, date = day(rng)
    body = (pick(rng, "let", 6) + f"{year % 100:02d}{'ABCDEHLMPRST'[month - 1]}{date:02d}"
            + rng.choice(["H501", "F205", "L219", "F839"]))  # fmt: skip
    odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18,
           20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]  # fmt: skip
    places = [int(c) if c.isdigit() else ord(c) - 65 for c in body]
    total = sum(odd[v] if at % 2 == 0 else v for at, v in enumerate(places))
    return body + string.ascii_uppercase[total % 26]


def pesel(rng: Random) -> str:
    year, month, date = day(rng)
    body = f"{year % 100:02d}{month:02d}{date:02d}{pick(rng, 'dig', 4)}"
    return body + str(-weighted(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)


def bsn(rng: Random) -> str:
    rest = 10
    while rest == 10:
        body, rest = until(rng, 8, [9, 8, 7, 6, 5, 4, 3, 2], 11)
    return body + str(rest)


def nir(rng: Random) -> str:
    year, month, _ = day(rng)
    body = f"{rng.choice('12')}{year % 100:02d}{month:02d}{rng.randint(10, 19)}"
    body += pick(rng, "dig", 6)
    key = 97 - int(body) % 97
    return f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {key:02d}"


def tax_id(rng: Random) -> str:
    """A German one: of its first ten digits one comes twice, another never."""
    order = rng.sample("0123456789", 10)
    while order[0] == "0":
        rng.shuffle(order)
    order[9] = order[rng.randint(2, 6)]
    product = 10
    for digit in order:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return "".join(order) + str((11 - product) % 10)


def personnummer(rng: Random) -> str:
    year, month, date = day(rng)
    body = f"{year % 100:02d}{month:02d}{date:02d}{pick(rng, 'dig', 3)}"
    return f"{year // 100}{body[:6]}-{body[6:]}{luhn(body)}"


def hetu(rng: Random) -> str:
    year, month, date = day(rng)
    head, serial = f"{date:02d}{month:02d}{year % 100:02d}", rng.randint(2, 899)
    check = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(f"{head}{serial:03d}") % 31]
    return f"{head}-{serial:03d}{check}"


def rodne(rng: Random) -> str:
    while True:
        year, month, date = day(rng)
        body = f"{year % 100:02d}{month + 50:02d}{date:02d}{pick(rng, 'dig', 3)}"
        if year >= 1954 and int(body) % 11 < 10:
            return f"{body[:6]}/{body[6:]}{int(body) % 11}"


def tckn(rng: Random) -> str:
    body = [int(d) for d in digits(rng, 9)]
    tenth = (sum(body[0::2]) * 7 - sum(body[1::2])) % 10
    return "".join(map(str, [*body, tenth, (sum(body) + tenth) % 10]))


def snils(rng: Random) -> str:
    body = digits(rng, 9)
    check = weighted(body, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100
    return f"{body[:3]}-{body[3:6]}-{body[6:]} {check:02d}"


def resident(rng: Random) -> str:
    """Of the People's Republic of China."""
    year, month, date = day(rng)
    body = rng.choice(["110105", "310104", "320102"])
    body += f"{year}{month:02d}{date:02d}{pick(rng, 'dig', 3)}"
    total = weighted(body, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    return body + "10X98765432"[total % 11]


def rrn(rng: Random) -> str:
    year, month, date = day(rng)
    body = f"{year % 100:02d}{month:02d}{date:02d}{rng.choice('12')}"
    body += f"{rng.randint(0, 95):02d}{pick(rng, 'dig', 3)}"
    check = (11 - weighted(body, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10
    return f"{body[:6]}-{body[6:]}{check}"


def my_number(rng: Random) -> str:
    body, rest = until(rng, 11, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11)
    return body + str(0 if rest <= 1 else 11 - rest)


def cnp(rng: Random) -> str:
    year, month, date = day(rng)
    body = f"{rng.choice('12')}{year % 100:02d}{month:02d}{date:02d}"
    body += f"{rng.randint(10, 39)}{rng.randint(1, 999):03d}"
    check = weighted(body, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
    return body + str(1 if check == 10 else check)


def nhs(rng: Random) -> str:
    rest = 1
    while rest == 1:
        body, rest = until(rng, 9, [10, 9, 8, 7, 6, 5, 4, 3, 2], 11)
    text = body + str(-rest % 11)
    return f"{text[:3]} {text[3:6]} {text[6:]}"


def taj(rng: Random) -> str:
    body, rest = until(rng, 8, [3, 7, 3, 7, 3, 7, 3, 7], 10)
    return f"{body[:3]} {body[3:6]} {body[6:]}{rest}"


def tfn(rng: Random) -> str:
    rest = 10
    while rest == 10:
        body, rest = until(rng, 8, [1, 4, 3, 7, 5, 8, 6, 9], 11)
    text = body + str(rest)
    return f"{text[:3]} {text[3:6]} {text[6:]}"


def sin(rng: Random) -> str:
    body = rng.choice("124567") + pick(rng, "dig", 7)
    text = body + luhn(body)
    return f"{text[:3]}-{text[3:6]}-{text[6:]}"


def amka(rng: Random) -> str:
    year, month, date = day(rng)
    body = f"{date:02d}{month:02d}{year % 100:02d}{pick(rng, 'dig', 4)}"
    return body + luhn(body)


def with_luhn(rng: Random, head: str, count: str) -> str:
    body = head + pick(rng, "dig", int(count) - len(head) - 1)
    return body + luhn(body)


def ssn(rng: Random) -> str:
    return f"{rng.randint(101, 649)}-{rng.randint(11, 98)}-{rng.randint(1001, 9899)}"


def nino(rng: Random) -> str:
    text = pick(rng, "dig", 6)
    head = rng.choice(["AB", "JK", "PX", "SN"])
    return f"{head} {text[:2]} {text[2:4]} {text[4:]} {rng.choice('ABCD')}"


def cpr(rng: Random) -> str:
    year, month, date = day(rng)
    return f"{date:02d}{month:02d}{year % 100:02d}-{rng.choice('0123')}{pick(rng, 'dig', 3)}"


def curp(rng: Random) -> str:
    year, month, date = day(rng)
    body = (f"{pick(rng, 'let', 4)}{year % 100:02d}{month:02d}{date:02d}{rng.choice('HM')}DF"
            + "".join(rng.choice("BCDFGHJKLM") for _ in range(3)) + "0")  # fmt: skip
    letters = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    return body + str(-sum(letters.index(c) * (18 - at) for at, c in enumerate(body)) % 10)


def identity_card(rng: Random) -> str:
    """The number on a German one."""
    body = "L" + "".join(rng.choice("0123456789CFGHJKLMNPRTVWXYZ") for _ in range(8))
    total = sum(int(c, 36) * (7, 3, 1)[at % 3] for at, c in enumerate(body))
    return body + str(total % 10)


MAKERS: dict[str, Maker] = {
    **GENERAL,
    "aadhaar": aadhaar, "cpf": cpf, "dni": dni, "nie": nie, "cf": fiscal_code, "pesel": pesel,
    "bsn": bsn, "nir": nir, "taxid": tax_id, "personnummer": personnummer, "hetu": hetu,
    "rodne": rodne, "tckn": tckn, "snils": snils, "resident": resident, "rrn": rrn,
    "mynumber": my_number, "cnp": cnp, "nhs": nhs, "taj": taj, "tfn": tfn, "sin": sin,
    "amka": amka, "luhn": with_luhn, "ssn": ssn, "nino": nino, "cpr": cpr,
    "curp": curp, "perso": identity_card,
}  # fmt: skip
