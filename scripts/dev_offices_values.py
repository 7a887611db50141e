"""The values that the texts of `dev_offices` are filled with: right in shape and check digit, and nobody's."""

# ruff: noqa: E501
from __future__ import annotations

import base64
import random
import re
import string
import uuid
from importlib import import_module

from scripts.build_dev_authors import group, iban, luhn, password

SHAPES = {
    "ar.dni": "3#.###.###", "ar.cuit": "20-3#######-#", "at.vnr": "####%d%m%y", "au.tfn": "### ### ###", "be.nn": "%y.%m.%d-###.##",
    "bg.egn": "%y%m%d####", "br.cpf": "###.###.###-##", "ca.sin": "### ### ###", "ch.ssn": "756.####.####.##", "cl.rut": "1#.###.###-#",
    "cn.ric": "110105%Y%m%d###@", "co.nit": "10########", "cz.rc": "%y%m%d/####", "de.idnr": "## ### ### ###", "dk.cpr": "%d%m%y-####",
    "do.cedula": "001-#######-#", "ec.ci": "17########", "ee.ik": "3%y%m%d####", "es.dni": "########?", "es.nie": "X#######?",
    "fi.hetu": "%d%m%y-###?", "fr.nir": "1 %y %m 75 ### ### ##", "gb.nhs": "### ### ####", "gb.utr": "##########", "gr.amka": "%d%m%y#####",
    "hr.oib": "###########", "ie.pps": "#######?A", "il.idnr": "#########", "in_.aadhaar": "#### #### ####", "in_.pan": "???P?####?",
    "is_.kennitala": "%d%m%y-###9", "jp.in_": "############", "kr.rrn": "%y%m%d-1######", "lt.asmens": "3%y%m%d####",
    "mx.curp": "???O%y%m%dHDF?R?0#", "mx.rfc": "???O%y%m%d???", "my.nric": "%y%m%d-10-####", "nl.bsn": "#########", "no.fodselsnummer": "%d%m%y#####",
    "nz.ird": "##-###-###", "pk.cnic": "42101-#######-#", "pl.pesel": "%y%m%d#####", "pt.nif": "2########", "ro.cnp": "1%y%m%d40####",
    "se.personnummer": "%y%m%d-####", "sk.rc": "%y%m%d/####", "th.pin": "#-####-#####-##-#", "tr.tckimlik": "###########",
    "ua.rntrc": "##########", "us.ssn": "###-##-####", "us.itin": "9##-7#-####", "za.idnr": "%y%m%d5###08#", "it.codicefiscale": "RSS?RA%yA%dH501?",
    "by.unp": "#########", "br.cnpj": "##.###.###/0001-##", "gb.vat": "GB#########", "de.vat": "DE#########", "isbn": "978-3-#####-###-#",
    "ean": "40###########", "imei": "35#############", "pe.ruc": "10#########", "hu.anum": "########",
}  # fmt: skip
"""Shapes by python-stdnum module: `#` is a digit, `?` a letter, `%` a part of a birthday; drawn until valid."""
PLAIN = {
    "lv.pk": "%d%m%y-1####", "nino": "JK ## ## ## C", "nino0": "PB######D", "hu.taj": "### ### ###", "passport.de": "C01X0####", "passport.fr": "##FV#####", "passport.gb": "5########",
    "passport.us": "A########", "passport.in": "P#######", "passport.it": "YB#######", "passport.br": "FT######", "passport.ng": "A0#######", "passport.ph": "P#######B",
    "passport.pl": "EM#######", "passport.ua": "FE######", "passport.jp": "TK#######", "licence.gb": "MORGA7####5SM9IJ", "licence.us": "D#######", "licence.ca": "N####-#####-6####", "medicare.au": "2### ##### 1", "mbi": "1EG4-TE5-MK##", "npwp": "##.###.###.#-###.000",
    "nik": "3171########000#", "nid.bd": "##########", "nid.eg": "29#############", "kra": "A0########Z", "nin.ng": "###########", "ghana": "GHA-#########-#", "philsys": "####-####-####-####", "sss": "##-#######-#", "uae": "784-1985-#######-#", "iqama": "2#########",
    "emirates.po": "P#######", "svnr.de": "65%d%m%yM0##", "perso.de": "L01X00T##", "green": "A-###-###-###", "plate.gb": "LB## ???", "plate.de": "M-?? ####", "plate.fr": "A?-###-?C", "icao.vin": "WVWZZZ1JZ3W######", "vn.cccd": "0012########", "snils": "###-###-### ##", "inn": "77##########", "rupass": "45 1# ######", "kz.iin": "%y%m%d3#####",
    "sort": "20-##-##", "acc8": "########", "routing": "0210000##", "acc10": "##########", "acc12": "4#########12", "bsb": "06#-###", "clabe": "0121800########4##", "ifsc": "HDFC000####", "upi": "sandra.p##@okhdfc", "kto": "########", "blz": "370###00", "pin4": "####", "cvv": "###",
}  # fmt: skip


def draw_shape(draw: random.Random, shape: str) -> str:
    year = draw.randint(1950, 1999)
    birthday = {"Y": str(year), "y": f"{year % 100:02d}", "m": f"{draw.randint(1, 12):02d}", "d": f"{draw.randint(1, 28):02d}"}  # fmt: skip
    shape = re.sub("%([Yymd])", lambda m: birthday[m[1]], shape)
    letters = {"#": string.digits, "?": "ABCDEGHJKLMNPRSTVWXYZ", "@": string.digits + "X"}
    return "".join(draw.choice(letters.get(c, c)) for c in shape)


def identity(draw: random.Random, module: str) -> str:
    valid = import_module("stdnum." + module).is_valid
    for _ in range(100_000):
        number = draw_shape(draw, SHAPES[module])
        if valid(number):
            return number
    raise ValueError(module)


FIRST = ["Ayşe", "Björn", "Chidi", "Dagmar", "Emeka", "Fatou", "Giulia", "Hiroshi", "Ilse", "Joanna", "Katya", "Leandro", "Mehwish", "Nuno", "Oona", "Petra", "Quentin", "Rajesh", "Soledad", "Thandi", "Ulrike", "Viktor", "Wanjiru", "Xenia", "Yusuf", "Zuzana"]  # fmt: skip
LAST = ["Abergel", "Brandstetter", "Cavaco", "Dlamini", "Eriksen", "Fontaine", "Grabowski", "Halvorsen", "Iyer", "Jankowski", "Kowalczyk", "Lemoine", "Mbeki", "Novotná", "Ogunleye", "Papadakis", "Quispe", "Rossi", "Schreiber", "Takahashi", "Uzun", "Varga", "Whitfield", "Yamamoto", "Zielinski"]  # fmt: skip
WORDS = ["copper", "lagoon", "walnut", "pixel", "harvest", "meteor", "saddle", "violet", "anchor", "bamboo"]  # fmt: skip
STREETS = ["Amselweg 17", "4 Orchard Close", "12 bis rue des Lilas", "Via Garibaldi 88", "Calle Mayor 23, 2º B", "Kastanjelaan 6", "ul. Polna 14/3", "1187 Maple Ridge Dr"]  # fmt: skip
IBANS = [("DE", 22), ("FR", 27), ("ES", 24), ("NL", 18), ("PL", 28), ("IT", 27), ("AT", 20), ("BE", 16), ("PT", 25), ("SE", 24), ("CH", 21), ("GB", 22), ("NO", 15), ("FI", 18)]  # fmt: skip


def of_iban(draw: random.Random) -> str:
    country, length = draw.choice(IBANS)
    if country != "GB":
        return iban(draw, country, length)
    body = "NWBK" + "".join(draw.choice(string.digits) for _ in range(14))
    number = int("".join(str(int(c, 36)) for c in body + "GB00"))
    return f"GB{98 - number % 97:02d}{body}"


def other(draw: random.Random, name: str) -> str:
    pool = string.ascii_letters + string.digits

    def rand(n: int, of: str = pool) -> str:
        return "".join(draw.choice(of) for _ in range(n))

    date = f"{draw.randint(2023, 2026)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
    made = {
        "first": lambda: draw.choice(FIRST), "last": lambda: draw.choice(LAST), "low": lambda: draw.choice(["marek", "sandra", "aiko", "priya"]),
        "street": lambda: draw.choice(STREETS), "iban": lambda: group(of_iban(draw)), "iban0": lambda: of_iban(draw),
        "card": lambda: luhn(draw.choice(["4539", "5213", "4026", "5477"]) + rand(11, string.digits)), "amex": lambda: luhn("3782" + rand(10, string.digits)),
        "pw": lambda: password(draw), "b64": lambda: base64.b64encode(draw.randbytes(30)).decode(), "jwt": lambda: f"eyJhbGciOiJIUzI1NiJ9.{rand(44)}.{rand(43)}",
        "uuid": lambda: str(uuid.UUID(int=draw.getrandbits(128), version=4)), "date": lambda: date, "time": lambda: f"{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}",
        "dmy": lambda: f"{draw.randint(1, 28):02d}.{draw.randint(1, 12):02d}.{draw.randint(2023, 2026)}", "dob": lambda: f"{draw.randint(1, 28):02d}.{draw.randint(1, 12):02d}.{draw.randint(1940, 2008)}",
        "amount": lambda: f"{draw.randint(12, 9800)}.{draw.randint(0, 99):02d}", "phrase": lambda: " ".join(draw.sample(WORDS, 6)), "word": lambda: draw.choice(WORDS),
        "ipv4": lambda: f"10.{draw.randint(0, 250)}.{draw.randint(0, 250)}.{draw.randint(1, 250)}", "ver": lambda: f"{draw.randint(1, 20)}.{draw.randint(0, 30)}.{draw.randint(0, 9)}",
        "lic": lambda: "-".join(rand(5, string.ascii_uppercase + string.digits) for _ in range(5)), "phone": lambda: draw.choice(["+49 170 ", "+33 6 12 ", "+48 601 "]) + rand(7, string.digits),
    }  # fmt: skip
    if name in made:
        return made[name]()
    if name == "card4":
        return group(made["card"]())
    kind, length = re.fullmatch(r"(n|hex|k|up|lo)(\d+)", name).groups()  # type: ignore[union-attr]
    pools = {"n": string.digits, "hex": "0123456789abcdef", "k": pool, "up": string.ascii_uppercase + string.digits, "lo": string.ascii_lowercase}  # fmt: skip
    value = rand(int(length), pools[kind])
    return value if kind != "n" else str(draw.randint(1, 9)) + value[1:]


def value(draw: random.Random, name: str) -> str:
    """The value for a place; `name'2` is a second one of the same kind."""
    name = name.split("'")[0]
    compact = name.endswith("/")
    name = name.removesuffix("/")
    if name in SHAPES:
        made = identity(draw, name)
    elif name in PLAIN:
        made = draw_shape(draw, PLAIN[name])
    else:
        made = other(draw, name)
    return re.sub(r"[ ./-]", "", made) if compact else made
