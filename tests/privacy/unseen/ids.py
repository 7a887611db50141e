"""Identity numbers and accounts, drawn at random, with the check digits their kinds prescribe."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONSONANTS = "BCDFGLMNPRSTV"
Maker = Callable[[Random], str]


def draw(rng: Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def digits(rng: Random, count: int, first: str = "0123456789") -> str:
    return rng.choice(first) + draw(rng, "0123456789", count - 1)


def born(rng: Random) -> date:
    return date(1941, 1, 1) + timedelta(days=rng.randrange(21_500))


def weighted(number: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))


def luhn(number: str) -> str:
    """`number` with its Luhn digit added."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return number + str(-total % 10)


def until(make: Callable[[], str | None]) -> str:
    """The first draw that has a check digit at all."""
    while (number := make()) is None:
        pass
    return number


def grouped(number: str, sizes: Sequence[int], sep: str = " ") -> str:
    parts, start = [], 0
    for size in sizes:
        parts.append(number[start : start + size])
        start += size
    return sep.join(parts)


BRANDS = {"visa": ("4",), "mastercard": ("51", "52", "53", "54", "55", "2221")}


def card(rng: Random, brand: str = "") -> str:
    prefix = rng.choice(BRANDS[brand] if brand else ("4", "4", "51", "53", "55", "2221", "6011"))
    return luhn(prefix + draw(rng, "0123456789", 15 - len(prefix)))


def amex(rng: Random) -> str:
    return luhn(rng.choice(("34", "37")) + draw(rng, "0123456789", 12))


IBAN_BODIES = {
    "de": "dddddddddddddddddd",
    "at": "dddddddddddddddd",
    "ch": "ddddddddddddddddd",
    "fr": "ddddddddddddddddddddddd",
    "es": "dddddddddddddddddddd",
    "it": "ldddddddddddddddddddddd",
    "pt": "ddddddddddddddddddddd",
    "nl": "lllldddddddddd",
    "gb": "lllldddddddddddddd",
    "pl": "dddddddddddddddddddddddd",
    "be": "dddddddddddd",
    "ie": "lllldddddddddddddd",
}


def iban(rng: Random, country: str = "") -> str:
    country = country or rng.choice(list(IBAN_BODIES))
    kinds = {"d": "0123456789", "l": UPPER}
    body = "".join(rng.choice(kinds[kind]) for kind in IBAN_BODIES[country])
    as_number = "".join(str(int(char, 36)) for char in body + country.upper() + "00")
    return f"{country.upper()}{98 - int(as_number) % 97:02d}{body}"


def routing(rng: Random) -> str:
    """A US routing number: a Federal Reserve prefix and the 3-7-1 check digit."""
    head = f"{rng.randint(1, 12):02d}" + draw(rng, "0123456789", 6)
    return head + str(-weighted(head, (3, 7, 1, 3, 7, 1, 3, 7)) % 10)


def clabe(rng: Random) -> str:
    """A Mexican account: a bank's code, 14 digits, and the 3-7-1 check digit."""
    head = rng.choice(("002", "012", "014", "072")) + draw(rng, "0123456789", 14)
    return head + str(-sum(int(d) * w % 10 for d, w in zip(head, (3, 7, 1) * 6, strict=False)) % 10)


def ssn(rng: Random) -> str:
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def nino(rng: Random) -> str:
    pair = rng.choice("ABCEHJLMPRSWXY") + rng.choice("ABCEHJLMPRSWXY")
    return f"{pair} {grouped(digits(rng, 6), (2, 2, 2))} {rng.choice('ABCD')}"


def nhs(rng: Random) -> str:
    def make() -> str | None:
        head = digits(rng, 9, "46")
        check = 11 - weighted(head, range(10, 1, -1)) % 11
        return None if check == 10 else head + str(check % 11)

    return grouped(until(make), (3, 3, 4))


def mod_11_10(head: str) -> str:
    rest = 10
    for digit in head:
        rest = ((rest + int(digit)) % 10 or 10) * 2 % 11
    return head + str((11 - rest) % 10)


def steuer_id(rng: Random) -> str:
    def make() -> str | None:
        pool = rng.sample("0123456789", 9)
        pool.append(rng.choice(pool))
        rng.shuffle(pool)
        return None if pool[0] == "0" else mod_11_10("".join(pool))

    return grouped(until(make), (2, 3, 3, 3))


def mrz_check(text: str) -> str:
    values = (int(char, 36) if char != "<" else 0 for char in text)
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


def ausweis(rng: Random) -> str:
    serial = rng.choice("LMNPRTVWXY") + draw(rng, "0123456789CFGHJKLMNPRTVWXYZ", 8)
    return serial + mrz_check(serial)


def nir(rng: Random) -> str:
    day = born(rng)
    head = f"{rng.randint(1, 2)}{day:%y%m}{rng.randint(21, 95)}{rng.randint(1, 599):03d}"
    head += f"{rng.randint(1, 700):03d}"
    return grouped(head + f"{97 - int(head) % 97:02d}", (1, 2, 2, 2, 3, 3, 2))


DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def dni(rng: Random) -> str:
    number = rng.randrange(10_000_000, 80_000_000)
    return f"{number}{rng.choice(('', '-'))}{DNI_LETTERS[number % 23]}"


def nie(rng: Random) -> str:
    lead = rng.randrange(3)
    tail = digits(rng, 7)
    return f"{'XYZ'[lead]}{tail}{DNI_LETTERS[int(f'{lead}{tail}') % 23]}"


CF_CHARS = "0123456789" + UPPER
# The weight of each character at an odd place, for 0-9 and then A-Z.
CF_ODD_DIGITS = "1 0 5 7 9 13 15 17 19 21"
CF_ODD_LETTERS = "2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"
CF_ODD_WEIGHTS = f"{CF_ODD_DIGITS} {CF_ODD_DIGITS} {CF_ODD_LETTERS}".split()
CF_ODD = {char: int(weight) for char, weight in zip(CF_CHARS, CF_ODD_WEIGHTS, strict=True)}


def codice_fiscale(rng: Random) -> str:
    day = born(rng)
    month = "ABCDEHLMPRST"[day.month - 1]
    town = rng.choice(("F205", "H501", "L219", "F839", "G273", "D612", "A944"))
    head = f"{draw(rng, CONSONANTS, 6)}{day:%y}{month}{day.day + rng.choice((0, 40)):02d}{town}"
    odd = sum(CF_ODD[char] for char in head[::2])
    even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in head[1::2])
    return head + UPPER[(odd + even) % 26]


def nif(rng: Random) -> str:
    head = digits(rng, 8, "12")
    check = 11 - weighted(head, range(9, 1, -1)) % 11
    return head + str(check if check < 10 else 0)


def bsn(rng: Random) -> str:
    def make() -> str | None:
        head = digits(rng, 8, "12")
        check = weighted(head, range(9, 1, -1)) % 11
        return None if check == 10 else head + str(check)

    return until(make)


def rijksregister(rng: Random) -> str:
    day = born(rng)
    head = f"{day:%y%m%d}{rng.randint(1, 997):03d}"
    return f"{day:%y.%m.%d}-{head[6:]}.{97 - int(head) % 97:02d}"


def pesel(rng: Random) -> str:
    head = f"{born(rng):%y%m%d}{digits(rng, 4)}"
    return head + str(-weighted(head, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def personnummer(rng: Random) -> str:
    number = luhn(f"{born(rng):%y%m%d}{rng.randint(1, 979):03d}")
    return f"{number[:6]}-{number[6:]}"


def hetu(rng: Random) -> str:
    head = f"{born(rng):%d%m%y}{rng.randint(2, 899):03d}"
    return f"{head[:6]}-{head[6:]}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(head) % 31]}"


def fodselsnummer(rng: Random) -> str:
    def make() -> str | None:
        head = f"{born(rng):%d%m%y}{rng.randint(0, 499):03d}"
        for weights in ((3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)):
            check = -weighted(head, weights) % 11
            if check == 10:
                return None
            head += str(check)
        return head

    return grouped(until(make), (6, 5))


def cpr(rng: Random) -> str:
    def make() -> str | None:
        head = f"{born(rng):%d%m%y}{rng.randint(0, 399):03d}"
        check = -weighted(head, (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return None if check == 10 else f"{head[:6]}-{head[6:]}{check}"

    return until(make)


def cpf(rng: Random) -> str:
    head = digits(rng, 9)
    for length in (9, 10):
        rest = weighted(head, range(length + 1, 1, -1)) * 10 % 11
        head += str(rest % 10)
    return f"{grouped(head, (3, 3, 3), '.')}-{head[9:]}"


VERHOEFF_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def dihedral(left: int, right: int) -> int:
    """The product in the group of the pentagon's ten symmetries."""
    if left < 5:
        return (left + right) % 5 + (5 if right >= 5 else 0)
    return (left - right) % 5 + (5 if right < 5 else 0)


def aadhaar(rng: Random) -> str:
    head = digits(rng, 11, "23456789")
    for check in "0123456789":
        state = 0
        for place, digit in enumerate(reversed(head + check)):
            value = int(digit)
            for _ in range(place % 8):
                value = VERHOEFF_TURN[value]
            state = dihedral(state, value)
        if state == 0:
            return grouped(head + check, (4, 4, 4))
    raise AssertionError("Verhoeff's scheme always has a check digit")


def pan(rng: Random) -> str:
    return draw(rng, UPPER, 3) + "P" + draw(rng, UPPER, 1) + digits(rng, 4) + draw(rng, UPPER, 1)


def sin(rng: Random) -> str:
    return grouped(luhn(digits(rng, 8, "1234567")), (3, 3, 3))


def tfn(rng: Random) -> str:
    def make() -> str | None:
        number = digits(rng, 9, "123456789")
        return number if weighted(number, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 else None

    return grouped(until(make), (3, 3, 3))


def medicare_au(rng: Random) -> str:
    head = digits(rng, 8, "23456")
    number = head + str(weighted(head, (1, 3, 7, 9, 1, 3, 7, 9)) % 10) + "1"
    return grouped(number, (4, 5, 1))


def south_africa(rng: Random) -> str:
    return luhn(f"{born(rng):%y%m%d}{digits(rng, 4)}08")


def tckn(rng: Random) -> str:
    head = digits(rng, 9, "123456789")
    odd, even = sum(map(int, head[::2])), sum(map(int, head[1::2]))
    tenth = (odd * 7 - even) % 10
    return f"{head}{tenth}{(odd + even + tenth) % 10}"


def china(rng: Random) -> str:
    place = rng.choice(("110105", "310104", "440304", "510107", "330106", "420102"))
    head = f"{place}{born(rng):%Y%m%d}{digits(rng, 3)}"
    weights = [2**place % 11 for place in range(17, 0, -1)]
    return head + "10X98765432"[weighted(head, weights) % 11]


def rrn(rng: Random) -> str:
    head = f"{born(rng):%y%m%d}{rng.randint(1, 2)}{rng.randint(0, 95):02d}{digits(rng, 3)}"
    check = (11 - weighted(head, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return f"{head[:6]}-{head[6:]}{check}"


def my_number(rng: Random) -> str:
    head = digits(rng, 11)
    rest = weighted(head, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return grouped(head + str(0 if rest < 2 else 11 - rest), (4, 4, 4))


def rodne_cislo(rng: Random) -> str:
    def make() -> str | None:
        day = born(rng)
        month = day.month + rng.choice((0, 50))
        head = f"{day:%y}{month:02d}{day:%d}{digits(rng, 3)}"
        check = int(head) % 11
        return None if day.year < 1954 or check == 10 else f"{head[:6]}/{head[6:]}{check}"

    return until(make)


def cnp(rng: Random) -> str:
    head = f"{rng.randint(1, 2)}{born(rng):%y%m%d}{rng.randint(1, 46):02d}{rng.randint(1, 999):03d}"
    check = weighted(head, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return head + str(1 if check == 10 else check)


def amka(rng: Random) -> str:
    return luhn(f"{born(rng):%d%m%y}{digits(rng, 4)}")


def teudat_zehut(rng: Random) -> str:
    return luhn(digits(rng, 8, "023"))


def rut(rng: Random) -> str:
    head = digits(rng, 8, "12")
    check = -weighted(head, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return f"{grouped(head, (2, 3, 3), '.')}-{'0123456789K'[check]}"


def cuil(rng: Random) -> str:
    def make() -> str | None:
        head = rng.choice(("20", "27")) + digits(rng, 8, "123")
        check = -weighted(head, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return None if check == 10 else f"{head[:2]}-{head[2:]}-{check}"

    return until(make)


def ahv(rng: Random) -> str:
    head = "756" + digits(rng, 9)
    check = -weighted(head, (1, 3) * 6) % 10
    return f"{grouped(head, (3, 4, 4, 1), '.')}{check}"


def pps(rng: Random) -> str:
    head = digits(rng, 7)
    return head + "WABCDEFGHIJKLMNOPQRSTUV"[weighted(head, range(8, 1, -1)) % 23]


def nric(rng: Random) -> str:
    head = digits(rng, 7, "012345678")
    return f"S{head}{'JZIHGFEDCBA'[weighted(head, (2, 7, 6, 5, 4, 3, 2)) % 11]}"


def thai(rng: Random) -> str:
    head = digits(rng, 12, "1357")
    check = (11 - weighted(head, range(13, 1, -1)) % 11) % 10
    return f"{grouped(head, (1, 4, 5, 2), '-')}-{check}"


def oib(rng: Random) -> str:
    return mod_11_10(digits(rng, 10))


def uk_licence(rng: Random) -> str:
    day = born(rng)
    month = day.month + rng.choice((0, 50))
    middle = f"{day.year % 100 // 10}{month:02d}{day:%d}{day.year % 10}"
    return draw(rng, CONSONANTS, 5) + middle + draw(rng, CONSONANTS, 2) + "9" + draw(rng, UPPER, 2)


MRZ_HOLDERS = (("D<<", "OSTERQUELL", "JANNIKA"), ("FRA", "VERMOTTE", "LUCIE<ANNE"),
               ("ITA", "TAVOLANTI", "ENZO"), ("NLD", "ROOZENBEEK", "FEMKE"))  # fmt: skip


def mrz(rng: Random) -> str:
    """Both lines of a passport's machine-readable zone."""
    country, surname, given = rng.choice(MRZ_HOLDERS)
    number = rng.choice("CFGHJK") + draw(rng, "0123456789CFGHJKLMNPRTVWXYZ", 8)
    day = f"{born(rng):%y%m%d}"
    expiry = f"{rng.randint(27, 35)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    number, day, expiry, rest = (part + mrz_check(part) for part in (number, day, expiry, "<" * 14))
    total = mrz_check(number + day + expiry + rest)
    lines = f"P<{country}{surname}<<{given}", number + country + day + "<" + expiry + rest + total
    return f"{lines[0]:<<44}\n{lines[1]}"


PASSPORTS = {
    "us": "l########",
    "gb": "#########",
    "fr": "##ll#####",
    "it": "ll#######",
    "es": "lll######",
    "in": "l#######",
    "ca": "ll######",
    "au": "l########",
    "cn": "E########",
    "ru": "## #######",
    "ua": "ll######",
}


def passport(rng: Random, country: str) -> str:
    """A passport number in the shape its country prints."""
    kinds = {"#": "0123456789", "l": "ABCEFGHJKLMNPRTXY"}
    return "".join(rng.choice(kinds.get(char, char)) for char in PASSPORTS[country])


MOBILES = {
    "cn": ("138 #### ####", "159-####-####", "186########"),
    "jp": ("090-####-####", "080-####-####", "070 #### ####"),
    "kr": ("010-####-####", "010 #### ####"),
    "ru": ("8 (916) ###-##-##", "8 903 ### ## ##", "8-921-###-##-##"),
    "ua": ("067 ### ## ##", "(050) ###-##-##"),
    "gr": ("694# ### ###", "697#######"),
    "il": ("052-###-####", "054-#######"),
    "sa": ("055 ### ####", "050#######", "053-###-####"),
    "eg": ("0100 ### ####", "012########"),
    "th": ("081-###-####", "089 ### ####"),
    "in": ("98### #####", "70########", "099########", "88## ### ###"),
    "vn": ("0903 ### ###", "091#.###.###", "038#######"),
    "tr": ("0532 ### ## ##", "0(542) ### ## ##", "0505#######"),
    "de": ("0176 ########", "0151/########"),
    "at": ("0664 #######", "0680 / #######"),
    "fr": ("06 ## ## ## ##", "07.##.##.##.##"),
    "es": ("6## ## ## ##", "7########"),
    "it": ("347 #######", "333-###-####"),
    "pt": ("91# ### ###",),
    "br": ("(11) 9####-####", "21 9####-####"),
    "nl": ("06-########", "06 ## ## ## ##"),
    "pl": ("5## ### ###", "60#-###-###"),
    "gb": ("07### ######", "07###-###-###"),
    "us": ("(415) ###-####", "612-###-####", "303.###.####"),
}
LANDLINES = {
    "cn": ("010-8### ####",),
    "jp": ("03-5###-####",),
    "kr": ("02-7##-####",),
    "gr": ("210 6## ####",),
    "il": ("03-6##-####",),
    "th": ("02-6##-####",),
    "de": ("030 8######", "0761 / ######"),
    "fr": ("01 4# ## ## ##",),
    "es": ("91 5## ## ##",),
    "it": ("02 4######",),
    "nl": ("020 - 6## ## ##",),
    "pl": ("22 6## ## ##",),
    "gb": ("020 7### ####", "0161 496 ####"),
}


def number_like(rng: Random, shape: str) -> str:
    """A number in this shape; its first free digit is 2 to 9, as a US exchange must be."""
    head, _, rest = shape.partition("#")
    tail = "".join(rng.choice("0123456789") if char == "#" else char for char in rest)
    return head + rng.choice("23456789") + tail


def mobile(rng: Random, country: str) -> str:
    return number_like(rng, rng.choice(MOBILES[country]))


def phone(rng: Random, country: str) -> str:
    return number_like(rng, rng.choice(MOBILES[country] + LANDLINES.get(country, ())))


def nuss(rng: Random) -> str:
    """A Spanish social security number."""
    head = f"{rng.randint(1, 50):02d}{digits(rng, 8, '123456789')}"
    return f"{head}{int(head) % 97:02d}"


NATIONAL: dict[str, Maker] = {
    "ssn": ssn, "nino": nino, "nhs": nhs, "steuer": steuer_id, "ausweis": ausweis, "nir": nir,
    "dni": dni, "nie": nie, "cf": codice_fiscale, "nif": nif, "bsn": bsn, "nrn": rijksregister,
    "pesel": pesel, "pnr": personnummer, "hetu": hetu, "fnr": fodselsnummer, "cpr": cpr,
    "cpf": cpf, "aadhaar": aadhaar, "pan": pan, "sin": sin, "tfn": tfn, "medicare": medicare_au,
    "za": south_africa, "tckn": tckn, "china": china, "rrn": rrn, "mynumber": my_number,
    "rc": rodne_cislo, "cnp": cnp, "amka": amka, "tz": teudat_zehut, "rut": rut, "cuil": cuil,
    "ahv": ahv, "pps": pps, "nric": nric, "thai": thai, "oib": oib, "ukdl": uk_licence, "mrz": mrz,
    "nuss": nuss,
}  # fmt: skip
