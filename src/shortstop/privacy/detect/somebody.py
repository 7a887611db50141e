# ruff: noqa: E501, SIM905 - patterns are read whole
"""Whether a few words around a value name somebody, or speak of somebody.

Each function takes the text around the value, and looks at all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from shortstop.privacy.detect.letters import bare_bytes, tight
from shortstop.privacy.detect.rules import characters_of, compile_pattern
from shortstop.privacy.names.people import FIRMS, NOT_NAMES, TITLES, first_names, unaccented

_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_NAME = re.compile(rf"\b({_CAPITAL}[^\W\d_]*)(?=(?:\.? |, |\. ?)({_CAPITAL}[^\W\d_]+)(?!\w))")
_LONE = re.compile(rf"\b{_CAPITAL}[^\W\d_]{{2,}}")
_KIN = (
    r"(?:^|[^\pL])(?i:(?:my|our|his|her|their) (?:\pL+ ){0,2}(?:wife|husband|mum|mom|mother|dad|father|son|daughter|brother|sister|"
    r"partner|boyfriend|girlfriend|fianc[ée]e?|uncle|aunt|nephew|niece|cousin|nan|gran|grandma|grandpa|grandmother|grandfather|"
    r"kid|child|stepson|stepdaughter|neighbou?r|friend|colleague|tenant|landlord|landlady|boss|cleaner|nanny|carer|client|flatmate|roommate|lodger|ex)|"
    r"(?:mein|meine[mrn]?|unsere?[mrn]?|seine?[mrn]?|ihre?[mrn]?) (?:\pL+ )?(?:frau|mann|mutter|mama|vater|papa|sohn|tochter|bruder|schwester|oma|opa|onkel|tante|neffe|nichte|kollegen?|kollegin|nachbarn?|nachbarin|mieter|mieterin|freund|freundin|chef|chefin)|"
    r"(?:mon|ma|notre|son|sa) (?:mari|femme|mère|père|fils|fille|frère|soeur|sœur|oncle|tante|neveu|nièce|voisine?|collègue|locataire|copain|copine|conjointe?|compagne|compagnon|grand-mère|grand-père)|"
    r"(?:mi|su|nuestr[ao]) (?:marido|mujer|esposa|esposo|madre|padre|hij[oa]|herman[oa]|tí[oa]|sobrin[oa]|vecin[oa]|inquilin[oa]|abuel[oa]|novi[oa]|mamá|papá|pareja)|"
    r"(?:mio|mia|suo|sua|il mio|la mia) (?:marito|moglie|madre|padre|figli[oa]|fratello|sorella|zi[oa]|nonn[oa]|cugin[oa]|inquilin[oa]|collega|vicin[oa])|"
    r"(?:meu|minha|seu|sua) (?:marido|esposa|mulher|mãe|pai|filh[oa]|irmão|irmã|ti[oa]|av[óô]|sobrinh[oa]|vizinh[oa]|namorad[oa])|"
    r"(?:mijn|zijn|haar|onze) (?:man|vrouw|moeder|vader|zoon|dochter|broer|zus|oma|opa|oom|tante|buurman|buurvrouw|collega|huurder)|"
    r"(?:mój|moja|mojej|mojego|moje) (?:mąż|męża|żon[ay]|mam[ay]|mat[kc]\pL+|ojciec|ojca|syn|syna|córk[ai]|brat|brata|siostr[ay]|babci[ai]|dziadk\pL+|sąsiad\pL*)|"
    r"(?:мой|моя|моей|моего|моему|наш|наша) (?:муж|мужа|жен[аыу]|мам[аыу]|мать|отец|отца|сын|сына|доч\pL+|брат|брата|сестр[аыу]|бабушк\pL|дедушк\pL)"
    r")(?:[^\pL]|$)"
    r"|\p{Han}{1,4}(?:先生|女士|小姐|太太|经理|老师|同事|さん|様|氏|くん|ちゃん)|(?:我|他|她)(?:的|家)?(?:妈|爸|老公|老婆|妻|丈夫|儿子|女儿|哥|姐|弟|妹|同事|租客|房客|员工|父|母)"
    r"|(?:母|父|夫|妻|息子|娘|兄|姉|弟|妹|祖母|祖父|義母|義父)(?:の|は|が|に|へ)"
    r"|\p{Hangul}{2,4} ?(?:씨|님|대리|과장|부장|차장|사원|선생)|엄마|아빠|남편|아내|아들|여동생|남동생|누나|오빠|언니|어머니|아버지|할머니|할아버지|장모"
    r"|(?:คุณ|นาย|นาง|นางสาว|น\.ส\.) ?[\x{e00}-\x{e7f}]{2}|(?:श्री|श्रीमती|सुश्री|जनाब|মোঃ|জনাব|திரு) |(?:السيد|السيدة|الأستاذ|الأستاذة|الآنسة|المدعو|باسم|الموظف|الموظفة|العامل|الزوجة|الزوج|والدي|والدتي|زوجي|زوجتي|أخي|أختي|ابني|ابنتي|آقای|خانم) ?"
    r"|(?:^|[^\pL])(?:מר|גב['׳]|גברת|אמא שלי|אבא שלי|בעלי|אשתי) |(?:^|[^\pL])(?:г-н|г-жа|гр|пан|пані|пана|тов)\.? [А-ЯЁІЇЄҐA-Z]"
    r"|(?:^|[^\pL])[А-ЯЁІЇЄҐA-Z][а-яёіїєґa-z]{0,12}[а-яёіїєґ][а-яёіїєґa-z]{0,12} (?:[А-ЯЁІЇЄҐA-Z][а-яёіїєґa-z]{0,12}[а-яёіїєґ][а-яёіїєґa-z]{0,12}|[А-ЯЁІЇЄҐA-Z]\. ?[А-ЯЁІЇЄҐA-Z]\.)|[Α-ΩΆΈΉΊΌΎΏA-Z][α-ωάέήίόύώςa-z]{0,12}[α-ωάέήίόύώς][α-ωάέήίόύώςa-z]{0,12} [Α-ΩΆΈΉΊΌΎΏA-Z][α-ωάέήίόύώςa-z]{0,12}[α-ωάέήίόύώς]"
    r"|(?:^|[^\pL])(?i:anh|chị|ông|bà|cô|chú|bapak|ibu|pak|bu|encik|puan|mama|mzee|bwana|bibi) \p{Lu}\pL+|(?i:(?:family|familie|famille|familia|família|famiglia|rodzina|семья)) \p{Lu}\pL+"
    r"|\b(?:M|MM|Mme|Mlle)\.? \p{Lu}\p{Ll}{2,}"
    r"|\b[Tt]he \p{Lu}\p{Ll}{3,}s\b"
    r"|\b(?:Cpl|Sgt|Pvt|Lt|Capt|Maj|Insp|Const|Nurse|Rev|Rabbi|Imam|Gefr|Uffz|OFw|Hptm|Adj|Cabo|Sgto)\.? \p{Lu}\p{Ll}+"
    r"|(?:^|[^\pL])(?i:mum|mom|dad|gran|grandma|grandpa|granny|nana|mama|mamma|papa|oma|opa|maman|mamie|papi|mamá|papá|babbo|nonna|nonno|mãe|pai|avó|avô|abuela|abuelo|babcia|dziadek|бабушка|дедушка|мама|папа|тато)(?:['’]s| (?:is|has|had|gets|got|owes|hat|ist|bekommt|kriegt|a|est|touche|tiene|es|cobra|ha|è|prende|tem|recebe|ma|dostaje|ima|é|имеет|получает))\b"
    r"|(?:^|[^\pL])(?i:do avô|da avó|da mãe|do pai|della mamma|del papà|della nonna|del nonno|de mamie|de papi|de maman|de papa|de la abuela|del abuelo|de mamá|de papá|von oma|von opa|van oma|van opa|the nanny|the cleaner|della colf|della badante|der putzfrau|unsere putzfrau|babci|dziadka)(?:[^\pL]|$)"
    r"|(?:^|[^\p{Hangul}])[김박]\p{Hangul}{2}(?:[^\p{Hangul}]|[은는이가의을를께님씨]|$)"
    r"|(?:^|[^\p{Han}\d])[王李张張刘劉陈陳杨楊黄黃赵趙吴吳徐孙孫朱胡郭罗羅郑鄭梁宋唐邓鄧冯馮曹彭萧蕭蔡潘田袁叶葉蒋蔣杜苏蘇魏吕呂丁沈姚卢盧傅姜崔谭譚廖汪陆陸戴贾賈韦韋邱侯邹鄒熊孟秦阎閻薛尹雷黎陶贺賀郝龚龔邵严嚴]\p{Han}{1,2}(?:[^\p{Han}]|的|$)"
    r"|(?:佐藤|鈴木|高橋|田中|伊藤|渡辺|山本|中村|小林|加藤|吉田|山田|佐々木|山口|松本|井上|木村|斎藤|清水|山崎|池田|橋本|阿部|石川|山下|中島|石井|小川|前田|岡田|長谷川|藤田|後藤|近藤|村上|遠藤|青木|坂本|福田|太田|西村|藤井|岡本|金子|三浦|藤原|中野|松田|原田|中川)\p{Han}{1,3}"
)
_HOUSES = frozenset(
    "hotel hostel gasthof gasthaus restaurant ristorante café cafe pension möbelhaus autohaus spedition bäckerei metzgerei apotheke "
    "pharmacy klinik clinic praxis museum galerie gallery villa casa haus schloss park team studio salon".split()
)
"""Houses and firms that are called by a name."""
_WORD = re.compile(r"[^\W\d_]+")
_STATES = frozenset(
    [
        "netherlands",
        "philippines",
        "states",
        "maldives",
        "bahamas",
        "alps",
        "services",
        "terms",
        "beatles",
        "olympics",
        "seychelles",
        "emirates",
    ]
)
_NOBODY = NOT_NAMES | {
    "sie",
    "wir",
    "ihr",
    "uns",
    "du",
    "tage",
    "mai",
    "juli",
    "juni",
    "mein",
    "meine",
    *"calle rue via rua ulica straße strasse avenida viale piazza plaza boulevard quai road street platz allee".split(),
}
_DOES = re.compile(
    r"(?:['’]s\b|,? (?:is|was|has|had|gets|got|took|will|asks?|needs|wants|says|hat|ist|est|es|è|jest|ma|tiene|ha)\b)"
)
_WORKS = re.compile(
    r" (?:in|from|at|aus der|aus dem|im|vom|de la|du|del|de|della|z|van) (?:accounts|accounting|hr|sales|it|finance|marketing|payroll|support|legal|ops|purchasing|logistics|reception|the warehouse|procurement|buchhaltung|vertrieb|einkauf|lager|personal|empfang|compta[^\W\d_]*|rh|almacén|contabilidad|recursos humanos|amministrazione|contabilità|ufficio|księgowości|kadr|administratie|boekhouding)\b"
)
_EARNS = re.compile(
    r"(?:['’]s (?:salary|pay|bonus|wage|wages|debt|debts|loan|pension|income|rent|mortgage|savings|account|overdraft|payslip|raise|gehalt|lohn|rente)|"
    r",?(?: (?:still|already|now|also|noch|immer noch|schon|encore|toujours|todavía|aún|ainda|ancora|nog|wciąż|dalej))? (?:(?:is|was) on [€£$]?[\d.,]+ ?k?|on [€£$]?\d{2,3} ?k|owes|owed|earns|earned|makes|pays|paid|inherits|inherited|borrowed|verdient|bekommt|"
    r"schuldet|kriegt|zarabia|dostaje|dostała|dostał|zalega|gagne|touche|perçoit|doit|gana|cobra|debe|guadagna|prende|ganha|recebe|"
    r"krijgt|tjänar|tjener|får|bere|vydělává|zarábí|zarába|dluží|dlží|keres|tartozik|câștigă|datorează|kazanıyor|alıyor|tienaa|saa|duguje|zarađuje))\b"
)


@cache
def _kin() -> Any:
    """For a bare text."""
    return compile_pattern(tight(_KIN))


def places(text: str) -> Iterator[int]:
    """Where a first name with a surname stands, in either order, or a title with a name; somebody of
    a family or a house; or a first name that does something."""
    for match in _NAME.finditer(text):
        one, two = match[1].lower(), match[2].lower()
        if one in _HOUSES or (text[match.end(1)] == "." and not _is_shortened(one)):
            continue
        turned = text[match.end(1)] == ","  # "Doe, Jane"
        named = _NOBODY.isdisjoint((one, two)) and (
            is_first(two, sure=True) or (not turned and is_first(one))
        )
        if (named or (one in TITLES and two not in NOT_NAMES)) and not _is_firm(text, match):
            yield match.start()
    data = text.encode("utf-8", "replace")
    kin = (match.span() for match in _kin().finditer(bare_bytes(data)))
    for start, end in characters_of(data, kin):
        if text[start:end].lower().removeprefix("the ") not in _STATES:
            yield start
    for match in _LONE.finditer(text):
        word, end = match[0].lower(), match.end()
        if is_first(word) and word not in NOT_NAMES:
            does = any(p.match(text, end) for p in (_EARNS, _WORKS)) or (
                _DOES.match(text, end) and is_first(word, sure=True)
            )
            if does:
                yield match.start()


def _is_shortened(word: str) -> bool:
    """Whether a full stop behind a word in small letters may stand for the rest of it."""
    return len(word) < 3 or word in TITLES


def _is_firm(text: str, match: re.Match[str]) -> bool:
    """Whether a firm is called by a name: "Peter Huber GmbH"."""
    behind = text[match.start(2) : match.end(2) + 24].lower()
    return not FIRMS.isdisjoint(_WORD.findall(behind)[:3])


def spoken_of(around: str) -> bool:
    """Whether somebody is named or spoken of."""
    return next(places(around), None) is not None


def may_be_named(around: str) -> bool:
    """The same, or a first name alone that is no other word."""
    return spoken_of(around) or any(
        is_first(match.group().lower(), sure=True) for match in _LONE.finditer(around)
    )


def is_first(word: str, *, sure: bool = False) -> bool:
    """Whether a word in small letters is a first name. `sure`: and no other word."""
    known = first_names().get(unaccented(word)) if len(word) > 2 else None
    return known is not None and (known or not sure)
