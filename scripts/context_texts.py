# ruff: noqa: E501, SIM905 - lists are read whole
"""Texts from `context_health*.txt` and `context_secrets*.txt`, for `fit_context`.

The sentences of `*_more.txt` are by two writers who had read no rule. A line is `+` (somebody's health, a secret) or `-`, then a sentence; what stands in braces is drawn
(seeded). `@xx` begins a language.
"""

from __future__ import annotations

import random
import re
import string
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

from shortstop.privacy.names.people import first_names

HERE = Path(__file__).parent
LISTS = Path("src/shortstop/privacy/data/health")
_PLAIN = re.compile(r"[*\[\](){}\\|?+^$.]")
_SLOT = re.compile(r"(?<!\{)\{(\w+)\}")
_SHORT = ("zh", "ja", "ko")
FILLS = {"typed": 8, "writers": 4}
"""How often a sentence is filled, by who wrote it; one about a password half as often again."""
FILES = {"typed": "context_{}.txt", "writers": "context_{}_more.txt"}

ILLNESS = "asthma,type 2 diabetes,breast cancer,multiple sclerosis,bipolar disorder,anorexia,COPD,gout,shingles,psoriasis,epilepsy,Crohn's,endometriosis,glaucoma,hepatitis C,HIV,herpes,leukaemia,lupus,migraine,Parkinson's,pneumonia,PTSD,schizophrenia,sepsis,sickle cell disease,tuberculosis,ulcerative colitis,dementia,kidney stones,a slipped disc,a stroke,a heart attack,prostate cancer,melanoma,thyroid cancer,fibromyalgia,celiac disease,long covid,eczema,gestational diabetes,pre-eclampsia,placenta praevia,ovarian cysts,PCOS,a hernia,appendicitis,gallstones,pancreatitis,cirrhosis,lymphoma,sarcoidosis,scoliosis,osteoporosis,rheumatoid arthritis,tinnitus,macular degeneration,chlamydia,gonorrhoea,syphilis,OCD,ADHD,autism,borderline personality disorder,postnatal depression,burnout,insomnia,narcolepsy,sleep apnoea,a blood clot,DVT,anaemia,haemophilia,meningitis,encephalitis,rosacea,vitiligo,alopecia,impetigo,ringworm,scabies,cellulitis,osteomyelitis,cardiomyopathy,atrial fibrillation,angina,aortic stenosis,bronchiectasis,pulmonary fibrosis,cystic fibrosis,neuropathy,sciatica,carpal tunnel,bunions,plantar fasciitis,a torn ACL,a fractured wrist,a brain tumour,glioblastoma,mesothelioma,myeloma,sarcoma,hodgkin's,thymoma,neuroblastoma,a UTI,incontinence,erectile dysfunction,infertility,menopause symptoms,mastitis,croup,measles,chickenpox,whooping cough,mumps,scarlet fever,Lyme disease,malaria,dengue,covid,the flu,Addison's,Cushing's,hypothyroidism,Graves' disease,Down syndrome,cerebral palsy,muscular dystrophy,motor neurone disease,Huntington's,Tourette's,alcoholism,cocaine addiction,an eating disorder,panic disorder,social anxiety,postpartum psychosis,a miscarriage,an ectopic pregnancy,Bell's palsy,vertigo,Meniere's,hay fever,a nut allergy,anaphylaxis,heart failure,high blood pressure,high cholesterol,kidney failure,liver failure,a burst appendix,diverticulitis,IBS,haemorrhoids,an anal fissure,varicose veins,lymphoedema,gangrene,an amputation,cataracts,retinal detachment,keratoconus,sinusitis,tonsillitis,laryngitis,silicosis".split(
    ","
)
SYMPTOM = "chest pain,a rash,night sweats,blurry vision,numb fingers,swollen ankles,shortness of breath,a lump in the neck,blood in my stool,bleeding gums,stomach cramps,dizzy spells,palpitations,a high fever,vomiting,diarrhoea,back pain,a stiff neck,hot flushes,joint pain,memory loss,tremors,hearing loss,itching all over,weight loss,constipation,heartburn,a persistent cough,leg cramps,headaches,nosebleeds,fainting,sore throat,ringing in the ears,burning when peeing,hair loss,discharge,mood swings,suicidal thoughts,hallucinations".split(
    ","
)
BODY = "knee,hip,gallbladder,appendix,kidney,liver,thyroid,prostate,uterus,left breast,tonsils,wisdom teeth,shoulder,lower spine,colon,lung,pancreas,left eye,right ear,ankle".split(
    ","
)
KIN = "mum,dad,wife,husband,son,daughter,sister,brother,grandma,grandad,uncle,aunt,partner,mother,father,nephew,niece,cousin,toddler,baby,mother-in-law,best friend,flatmate".split(
    ","
)
SURNAMES = "Ashby,Moreau,Kowalczyk,Hansen,Okafor,Ferri,Nakamura,Petrov,Lindholm,Vargas,Schuster,Bakker,Novak,Demir,Haddad,Cohen,Sharma,Nguyen,Silva,Costa,O'Neill,Marchetti,Brandt,Lefebvre,Ruiz,Jansen,Zielinska,Ivanova,Korhonen,Papadopoulos,Horvath,Ionescu,Svensson,Larsen,Dubois,Weber,Greco,Almeida,de Vries,Wójcik,Whitfield,Prendergast,Achterberg,Szymański,Quintero,Delacroix,Thorne,Ibrahim,Mbeki,Tanaka".split(
    ","
)
DAYS = {
    "en": "Monday,Tuesday,12 March,last week,yesterday,2026-03-04,3 May",
    "de": "Montag,12.03.,gestern,Freitag",
    "fr": "lundi,le 12 mars,hier",
    "es": "lunes,12 de marzo,ayer",
    "it": "lunedì,12 marzo,ieri",
    "pt": "segunda,12 de março,ontem",
    "nl": "maandag,12 maart,gisteren",
    "pl": "poniedziałek,12 marca",
    "ru": "понедельник,12 марта",
}
MONTHS = {
    "en": "January,March,May,October",
    "de": "März,Mai",
    "fr": "mars,mai",
    "es": "marzo,mayo",
    "it": "marzo,maggio",
    "pt": "março,maio",
}
NAMES = {
    "ru": "Анна Петрова,Иван Смирнов,Ольга",
    "uk": "Олена Шевченко,Тарас",
    "el": "Νίκος Παπάς,Μαρία",
    "ar": "أحمد حداد,فاطمة",
    "he": "דוד כהן,שרה לוי",
    "hi": "राहुल शर्मा,सीता",
    "th": "สมชาย,มาลี",
    "zh": "王伟,李娜,张敏,刘洋,陈静,杨帆,赵磊",
    "ja": "佐藤花子,田中,鈴木一郎,高橋",
    "ko": "김민수,이지은,박서준",
}
PARTS = {"de": "Knie", "fr": "genou", "es": "rodilla", "it": "ginocchio", "pt": "joelho"}
WORDS = "amber,anchor,apple,badger,basil,beacon,birch,bottle,bramble,bridge,candle,canyon,cedar,cherry,cloud,copper,coral,cricket,dragon,eagle,ember,falcon,fern,forest,garden,ginger,granite,harbor,hazel,hunter,island,jasmine,jungle,kettle,lantern,lemon,maple,marble,meadow,monkey,mustard,nectar,ocean,olive,orchid,otter,panda,pebble,pepper,pickle,pirate,plum,pocket,quartz,rabbit,raven,river,robin,rocket,saddle,salmon,shadow,silver,sparrow,spring,summer,sunset,thunder,tiger,tulip,turtle,velvet,violet,walnut,willow,winter,zebra,sonne,berg,wolke,katze,hund,blume,fenster,sommer,winter,lune,soleil,fleur,chat,maison,gato,perro,luna,playa,mesa,mare,gatto,stella,praia,casa,kot,pies,lato,zima,fiets,kaas,molen,sterren,london,berlin,madrid,porto,warszawa,hamburg,lisboa,oslo,jordan,michael,daniel,emma,sophie,arsenal,chelsea,juventus,batman,pikachu,letmein,welcome,hallo,bonjour,hola,qwerty,admin,start,changenow,secure".split(
    ","
)
SERVICES = "WhatsApp,PayPal,the weather service,Stripe,the carrier,Amazon,Google,the bank,Mailgun,the SMS gateway,Mapbox".split(
    ","
)
BEFORE = ["hi, ", "Hello team. ", "quick one: ", "FYI ", "Guten Tag, ", "please help: "]
AFTER = [" Thanks!", " Please make it sound friendly.", " What now?", " Draft a reply.", " Merci.", " Bitte kurz.", " Translate into French.", " (urgent)", "\n\nKind regards"]  # fmt: skip
UPPER, LOWER, DIGITS, HEX = string.ascii_uppercase, string.ascii_lowercase, string.digits, "0123456789abcdef"  # fmt: skip
SIGNS = "!?*+#%&$@=_-.^~"
TOLD = frozenset("pw key pin pin6 pin8 b32 rec comb phrase lic uuid hex32 hex40 hex64 alnum b64 word".split())  # fmt: skip
"""Slots that hold a secret in a sentence about one."""


def lines(file: str) -> Iterator[tuple[int, str, bool, str]]:
    """(number, language, sensitive, sentence)."""
    language = ""
    for number, line in enumerate((HERE / file).read_text(encoding="utf-8").splitlines()):
        if line.startswith("@"):
            language = line[1:]
        elif line:
            yield number, language, line[0] == "+", line[2:]


@cache
def given_names() -> list[str]:
    return [n.title() for n, sure in first_names().items() if sure and n.isascii() and 3 < len(n) < 9]  # fmt: skip


@cache
def listed(folder: Path, language: str, kind: str) -> list[str]:
    """The plain words of a list about health."""
    text = (folder / f"{language}.toml").read_text(encoding="utf-8")
    words = re.split(r",\s+", tomllib.loads(text).get(kind, "").strip())
    least = 1 if language in _SHORT else 3
    return [w for w in words if len(w) > least and not _PLAIN.search(w)]


class HealthTexts:
    """Sentences about health, with words from the lists in `folder`."""

    def __init__(self, author: str, folder: Path = LISTS) -> None:
        self._author, self._folder, self._draw = author, folder, random.Random(7)
        self._drugs = [w for w in listed(folder, "latin", "drugs") if w.isalpha()]

    def __iter__(self) -> Iterator[tuple[str, bool, str]]:
        """(shape, sensitive, text)."""
        for number, language, sensitive, sentence in lines(FILES[self._author].format("health")):
            for _ in range(FILLS[self._author]):
                yield f"health{number}", sensitive, self._filled(sentence, language)

    def _filled(self, sentence: str, language: str) -> str:
        draw, values = self._draw, self._person(language) | self._words(language)
        text = _SLOT.sub(lambda m: values[m[1]], sentence)
        text = text.lower() if draw.random() < 0.15 else text
        return text.rstrip(".?!") if draw.random() < 0.1 else text

    def _person(self, language: str) -> dict[str, str]:
        draw = self._draw
        first, last = draw.choice(given_names()), draw.choice(SURNAMES)
        name = f"{first} {last}"
        if language in NAMES:
            name = draw.choice(NAMES[language].split(","))
            first, last = name.split()[0], name.split()[-1]
        elif draw.random() < 0.1:
            name = draw.choice([f"{last}, {first}", f"{first[0]}. {last}"])
        he = draw.choice(["he", "she"])
        kin = KIN if language == "en" else listed(self._folder, language, "kin") or ["mama"]
        job = draw.choice("driver,teacher,carpenter,student,pensioner,nurse,farmer".split(","))
        return {"N": name, "F": first, "L": last, "he": he, "his": draw.choice(["his", "her"]), "kin": draw.choice(kin), "job": job, "a": str(draw.randint(3, 97))}  # fmt: skip

    def _words(self, language: str) -> dict[str, str]:
        draw = self._draw
        illness = listed(self._folder, language, "illness")
        symptom = listed(self._folder, language, "symptom") or illness
        if language == "en":
            illness = ILLNESS + draw.sample(illness, min(150, len(illness)))
            symptom = SYMPTOM + draw.sample(symptom, min(60, len(symptom)))
        number = str(draw.randint(10, 99))
        return {
            **{slot: draw.choice(illness) for slot in ("I", "I2", "I3")},
            **{slot: draw.choice(self._drugs) for slot in ("D", "D2")},
            "S": draw.choice(symptom),
            "n": str(draw.randint(2, 9)),
            "mg": str(draw.choice([5, 10, 20, 25, 40, 50, 80, 100, 150, 200, 250, 500, 600, 800])),
            "id": str(draw.randint(10_000, 9_999_999)),
            "day": draw.choice(DAYS.get(language, "12.03.2026,5.6.").split(",")),
            "month": draw.choice(MONTHS.get(language, "03/2026").split(",")),
            "date": f"{draw.randint(1, 28)}.{draw.randint(1, 12)}.{draw.randint(1930, 2015)}",
            "body": draw.choice(BODY) if language == "en" else PARTS.get(language, "Knie"),
            "icd": draw.choice("EFGIJKLMNCAZ") + number + draw.choice(["", f".{number[0]}"]),
        }


def _hex(length: int) -> Callable[[SecretTexts], str]:
    return lambda texts: texts._of(HEX, length)


class SecretTexts:
    """Sentences about secrets and about values that look like some."""

    def __init__(self, author: str) -> None:
        self._author, self._draw = author, random.Random(11)

    def __iter__(self) -> Iterator[tuple[str, list[str], str]]:
        """(shape, secrets, text)."""
        fills = FILLS[self._author]
        for number, _, sensitive, sentence in lines(FILES[self._author].format("secrets")):
            chosen = sensitive and "{pw}" in sentence
            for _ in range(fills * 3 // 2 if chosen else fills):
                yield f"secret{number}", *self._filled(sentence, sensitive)

    def _filled(self, sentence: str, sensitive: bool) -> tuple[list[str], str]:
        draw, secrets = self._draw, list[str]()

        def value(match: re.Match[str]) -> str:
            made = self._makes[match[1]](self)
            if sensitive and match[1] in TOLD:
                secrets.append(made)
            return made

        text = _SLOT.sub(value, sentence)
        text = text.replace("{{", "{").replace("}}", "}").replace("\\n", "\n")
        text = draw.choice(BEFORE) + text if draw.random() < 0.1 else text
        return secrets, text + draw.choice(AFTER) if draw.random() < 0.3 else text

    def _of(self, alphabet: str, length: int) -> str:
        return "".join(self._draw.choice(alphabet) for _ in range(length))

    def _either(self, *choices: str) -> str:
        return self._draw.choice(choices)

    def _password(self) -> str:
        draw = self._draw
        word, other = draw.choice(WORDS), draw.choice(WORDS)
        sign, last = draw.choice(SIGNS), draw.choice(SIGNS)
        digits = self._of(DIGITS, draw.choice([1, 2, 2, 3, 4, 4]))
        respelled = "".join(
            {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5"}.get(c, c) if draw.random() < 0.5 else c
            for c in word
        )  # fmt: skip
        drawn = self._of(UPPER + LOWER + DIGITS + SIGNS, draw.randint(8, 20)).strip("._-~^")
        ways = {
            word.title() + sign + other.title() + digits + draw.choice(["", last]): 16,
            respelled + sign + other.title() + digits + draw.choice(["", last]): 10,
            word.title() + draw.choice(["", sign]) + digits + draw.choice("!?*#$+%"): 12,
            word + sign + digits + draw.choice(["", last]): 10,
            f"{word}-{other}-{digits}": 4,
            f"{word.title()}-{other}-{digits}": 4,
            word.title() + other.title() + digits: 6,
            word + digits: 4,
            drawn: 18,
            self._of(UPPER + LOWER + DIGITS, draw.randint(8, 16)): 8,
            self._of(UPPER + DIGITS, draw.choice([8, 10, 12, 16])): 4,
            word.title() + sign + word.title() + sign + digits: 4,
        }
        return draw.choices(list(ways), list(ways.values()))[0]

    def _uuid(self) -> str:
        x = self._of(HEX, 32)
        return f"{x[:8]}-{x[8:12]}-4{x[13:16]}-a{x[17:20]}-{x[20:]}"

    def _base64(self) -> str:
        length = self._draw.choice([22, 32, 43, 44, 86])
        return self._of(UPPER + LOWER + DIGITS + "+/", length) + self._either("", "=", "==")

    def _key(self) -> str:
        draw, letters = self._draw, UPPER + LOWER + DIGITS
        prefix = self._either("sk", "pk_live", "key", "tok", "prod", "app") + self._either("-", "_")
        ways = {
            self._uuid(): 20,
            self._of(HEX, 32): 20,
            self._of(HEX, 40): 10,
            self._of(letters, draw.choice([20, 24, 32, 40])): 25,
            prefix + self._of(letters, draw.choice([16, 24, 32])): 17,
            self._base64(): 8,
        }
        return draw.choices(list(ways), list(ways.values()))[0]

    def _tracking(self) -> str:
        of = self._of
        return self._either("1Z" + of(UPPER + DIGITS, 16), "JD0146" + of(DIGITS, 14), f"RR{of(DIGITS, 9)}DE", of(DIGITS, 12), "00340434" + of(DIGITS, 12))  # fmt: skip

    def _part(self) -> str:
        of = self._of
        return self._either(f"{of(UPPER, 2)}-{of(DIGITS, 4)}-{of(UPPER, 1)}{of(DIGITS, 1)}", f"{of(DIGITS, 4)}-{of(DIGITS, 3)}-{of(DIGITS, 3)}", of(UPPER, 3) + of(DIGITS, 5), f"{of(DIGITS, 3)}.{of(DIGITS, 3)}.{of(DIGITS, 2)}", f"{of(UPPER, 1)}{of(DIGITS, 3)}/{of(DIGITS, 2)}")  # fmt: skip

    def _number(self, *lengths: int) -> str:
        return self._of(DIGITS[1:], 1) + self._of(DIGITS, self._draw.choice(lengths))

    def _user(self) -> str:
        name = self._draw.choice(given_names())
        return self._either("admin", "root", "svc_build", "deploy", "guest", name.lower(), name[0].lower() + self._draw.choice(WORDS), "app_rw", "ops")  # fmt: skip

    def _phrase(self) -> str:
        draw = self._draw
        return draw.choice([" ", "-", "."]).join(draw.choices(WORDS, k=draw.choice([4, 5, 6])))

    _makes: ClassVar[dict[str, Callable[[SecretTexts], str]]] = {
        "pw": _password,
        "key": _key,
        "uuid": _uuid,
        "b64": _base64,
        "track": _tracking,
        "part": _part,
        "user": _user,
        "phrase": _phrase,
        **{f"hex{n}": _hex(n) for n in (4, 7, 12, 16, 24, 32, 40, 64)},
        "alnum": lambda self: self._of(UPPER + LOWER + DIGITS, self._draw.choice([20, 24, 32, 40])),
        "alnum11": lambda self: self._of(UPPER + LOWER + DIGITS + "-_", 11),
        "alnum12": lambda self: self._of(UPPER + DIGITS, 12),
        "pin": lambda self: self._of(DIGITS, 4),
        "pin6": lambda self: self._of(DIGITS, 6),
        "pin8": lambda self: self._of(DIGITS, 8),
        "num": lambda self: self._number(4, 5, 6, 7, 8, 9),
        "num6": lambda self: self._number(5),
        "n2": lambda self: self._number(0, 1),
        "b32": lambda self: self._of(UPPER + "234567", self._draw.choice([16, 32])),
        "rec": lambda self: f"{self._of(HEX, 4)}-{self._of(HEX, 4)}",
        "comb": lambda self: "-".join(str(self._draw.randint(1, 99)) for _ in range(3)),
        "lic": lambda self: "-".join(
            self._of(UPPER + DIGITS, 5) for _ in range(self._draw.choice([4, 5]))
        ),
        "word": lambda self: self._draw.choice(WORDS),
        "host": lambda self: self._draw.choice(WORDS) + self._either(".example.net", ".internal"),
        "mail": lambda self: "info@example.org",
        "N": lambda self: self._draw.choice(given_names()),
        "Svc": lambda self: self._draw.choice(SERVICES),
        "pnr": lambda self: self._of(UPPER, 6),
    }
