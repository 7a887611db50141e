# ruff: noqa: E501 - patterns are read whole
"""What a firm tells everybody about itself: its address, its telephone, its number at the tax office.

Such a value is nobody's where the text names the firm or what it is for, and nobody beside it.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from shortstop.privacy.detect.rules import characters_of, lettered
from shortstop.privacy.detect.samples import is_free_to_call, is_shown
from shortstop.privacy.detect.somebody import may_be_named, places

AROUND = 120
"""Characters on both sides of a value in which a firm or a person is looked for."""
BESIDE = 40
"""Characters before a firm's number in which a word says that it is one."""
_FIRM = (
    r"(?:^|[^\pL])(?:GmbH|gGmbH|AG|KG|OHG|UG|e\.V\.|Ltd|Limited|LLC|Inc|PLC|plc|LLP|Corp|S\.A\.|SA|S\.?r\.?l|srl|S\.?p\.?A|SARL|SAS|SASU|EURL|SCI|B\.?V\.?|N\.?V\.?|"
    r"AB|A/S|ApS|Oy|Oyj|[Ss]p\. ?z ?o\. ?o|s\.r\.o|a\.s|Kft|Zrt|Bt|d\.o\.o|S\.L\.U?|SL|Lda|Ltda|EIRELI|Pvt|Pty|Pte|Sdn|Bhd|Tbk|A\.Ş|Şti|ООО|ОАО|ЗАО|ПАО|ТОВ|ЕООД|ООД|ЕТ|ΑΕ|ΕΠΕ|Co)(?:[^\pL]|$)"
    r"|株式会社|有限会社|合同会社|有限公司|股份|주식회사|\(주\)|บริษัท|בע\"מ"
    r"|(?i:\b(?:service ?desk|help ?desk|hotline|info ?line|support line|switchboard|reception|front desk|imprint|impressum|mentions légales|aviso legal|colofon|"
    r"opening hours|open (?:mon|tue|daily)|öffnungszeiten|geöffnet|horaires|horario|orari|openingstijden|godziny otwarcia|out of hours|customer (?:service|care)|kundenservice|kundendienst|service client|"
    r"atención al cliente|servizio clienti|sac\b|klantenservice|visit us|besuchen sie uns|find us|so finden sie uns|venez nous voir|visítenos|veniteci a trovare|"
    r"restaurant|ristorante|restaurante|gasthof|gasthaus|hotel|hostel|pension zum|café|bakery|bäckerei|boulangerie|panadería|butcher|metzgerei|pharmacy|apotheke|pharmacie|farmacia|library|bibliothek|stadtbibliothek|"
    r"(?:our|unser\pL{0,2}|nos|notre|nuestr[ao]s?|nostr[oai]|noss[oa]s?|ons|onze|nasz\pL{0,2}|vår[at]?|vores) (?:\pL+ )?(?:offices?|shops?|stores?|warehouse|depot|premises|büros?|standort|geschäft|laden|lager|bureaux?|locaux|magasin|boutique|entrepôt|oficinas?|tienda|almacén|uffici\pL?|negozio|magazzino|sede|escritórios?|loja|armazém|kantoor|winkel|magazijn|biuro|sklep\pL*|magazyn|kontor\pL*|butik\pL*)|"
    r"(?:conference|congress|event|venue|trade fair|office|delivery|warehouse|depot|pick-?up) address|warehouse:?|loading dock|dock \d+|laderampe|messegelände|tagungsort|veranstaltungsort|venue|pick-?up point|meeting point|goods[- ]in|wareneingang|warenannahme|anlieferung|abholstelle|treffpunkt|point de retrait|point de rencontre|punto de (?:recogida|encuentro)|punto di ritiro|afhaalpunt|punkt odbioru|siedzib\pL+|sídl\pL+|székhely\pL*|sediul|registered office|lieu de l['’]événement|"
    r"museum|theatre|theater|showroom|möbelhaus|autohaus|filiale|branch office|our branch|head office|headquarters|hq|zentrale|siège social|sede legale|sede social|hauptsitz|"
    r"book a table|tisch für|table pour|mesa para|tavolo per|town hall|rathaus|mairie|ayuntamiento|municipio|gemeente|embassy|consulate|botschaft|konsulat)\b)"
)
_TAXED = (
    r"(?i)(?:^|[^\pL])(?:p\. ?iva|partita iva|cnpj|ust-?id(?:-?n(?:umme)?r)?\.?|umsatzsteuer\pL*|vat(?: reg(?:istration)?)?|tva(?: intra\pL*)?|btw(?:-?(?:nr|nummer|id))?|moms|mva|alv|dph|áfa|ддс|пдв|fpa|φπα|kdv|iva|"
    r"ein|fein|employer identification|abn|acn|gstin?|hst|siret|siren|rcs|kvk|hrb|hra|handelsregister\pL*|nip|regon|krs|i[čc]o|di[čc]|cui|cvr|org\.? ?nr|organisationsnummer|y-tunnus|company (?:no|number|reg\w*)|crn|charity|"
    r"oib|mbs|pib|пиб|матични број|matični broj|αφμ|γεμη|инн|иин|бин|davčna številka|matična številka|cégjegyzékszám|adószám|reg\.? ?nr|reģ\.? ?nr|įmonės kodas|registrikood|npwp|mã số thuế|lei|"
    r"registro mercantil|cif|огрн|кпп|едрпоу|єдрпоу|булстат|еик|uen|brn|ubn|mersis|vergi dairesi)(?:[ .:#-]{0,3}(?:no|nr|n°|number|nummer|num))?(?: \pL+){0,2}[^\pL\d]{0,4}(?:[A-Z]{2}[ -]?)?$"
)
_TRADE = (
    r"(?i)(?:^|[^\pL])(?:invoices?|vies|e-?way bill|tax invoice|vat (?:rate|check|return)|rechnung\pL*|fattur[ae]\pL*|aliquota|nf-?e|nota fiscal|factur[ae]s?|facture\pL*|faktur\pL*|"
    r"company|firma|firm|supplier|lieferant\pL*|fournisseur|proveedor|fornitore|fornecedor|leverancier|dostawc\pL+|unternehmen|entreprise|empresa|azienda|bedrijf|spółk\pL+|imprint|impressum|"
    r"compan(?:y['’]s|ies)|société|societat|società|sociedade?|coopérative|cooperativa|co-?operative|genossenschaft|capitale? sociale?|siège|sede|filial|distribuidora|vereniging|stichting|foundation|charity|förening|företag\pL*|virksomhed\pL*|bedrift\pL*|selskap\pL*|yrity\pL+|osakeyhtiö\pL*|"
    r"cég\pL*|firmy|společnost\pL*|spoločnost\pL*|podjetj\pL+|tvrtk\pL+|poduzeć\pL+|preduzeć\pL+|предузећ\pL+|компани\pL+|організаці\pL+|організац\pL+|организаци\pL+|підприємств\pL+|предприяти\pL+|дружеств\pL+|εταιρεί\pL+|επιχείρησ\pL+|societăț\pL+|firmei|įmonė\pL*|uzņēmum\pL*|ettevõt\pL+|"
    r"perseroan|perusahaan|syarikat|kampuni|şirket\pL*|công ty|doanh nghiệp|"
    r"format question|check digit|validat\pL+|счёт-фактур\pL+|счет-фактур\pL+)(?:[^\pL]|$)"
    r"|شركة|الشركة|חברה|公司|会社|회사|법인|कंपनी|কোম্পানি|நிறுவன|บริษัท"
)
_ASKED = r"(?i)(?:which|what|whose) (?:bank|branch|country)|(?:welche|zu welcher) (?:bank|filiale)|quelle (?:banque|agence)|(?:qué|que|de qué) banco|(?:che|quale) banca|(?:qual|que) banco|welke bank|jaki bank|какой банк|hangi banka"
_OWN = (
    r"(?i)(?:^|[^\pL])(?:my|mine|me|i|i['’]m|im|myself|his|her|hers|their|him|she|he|attn|attention|c/o|recipient|addressee|empfänger\pL*|destinataire|destinatari[oa]|ontvanger|odbiorca|получатель|call|ask for|contact person|contact name|name|mobile|cell|personal|private|home|lives|live (?:at|in|on)|living|tenant|patient|"
    r"mein\pL{0,2}|ich|mir|mich|sein\pL{0,2}|ihre?[mrn]?|z\. ?hd|zu händen|ansprechpartner\pL*|inhaber\pL*|wohnt|wohnhaft|wohne|privat\pL*|handy|mobil|"
    r"mon \pL+|ma|mes|je|moi|j['’]\pL+|habite|domicile|portable|perso|mi|mis|yo|su|vivo|vive|móvil|celular|mio|mia|io|abit[oa]|cellulare|meu|minha|eu|moro|mora|telemóvel|"
    r"mijn|ik|woont|woon|mobiel|mój|moja|moje|mnie|mieszka\pL*|komórk\pL*|min|mitt|mit|jeg|jag|bor|minun|můj|moje|bydl\pL+|az én|lakom|lakik|meu|eu|meu|locuie\pL+|"
    r"мой|моя|моё|мне|я|живу|живет|живёт|мій|я|benim|oturuyor\pL*|μου|שלי|גר|רח)(?:[^\pL]|$)"
    r"|المستلم|المستلمة|受取人|收件人|받는|我|他|她|住|私|自宅|携帯|내|제|집|بيتي|بيت|رقمي|जी|मेरा|मेरे|ฉัน|ผม|บ้าน"
)
_DOCUMENT = (
    r"(?i)(?:^|[^\pL])(?:unit tests?|test cases?|test cards?|test data|test numbers?|integration tests?|sandbox|fixtures?|mock(?:s|ed|up)?|dummy|placeholders?|docs|documentation|tutorial|readme|regex\pL*|validat\pL+|validier\pL*|validation|format|check ?sum|check digits?|luhn|"
    r"sample (?:row|data|value|cv|form)s?|example (?:row|data|value|form)s?|\pL*beispiel\pL*|musterbrief|musterformular|testdaten|testkarten?|testnummer\pL*|platzhalter|prüfziffer\pL*|"
    r"exemple|formulaire type|données de test|clé de contrôle|ejemplo|datos de prueba|dígitos? (?:de control|verificador\pL*)|esempio|dati di prova|exemplo|dados de teste|voorbeeld|testgegevens|przykład\pL*|dane testowe|příklad|пример\pL*|тестов\pL+|örnek|test verisi)(?:[^\pL]|$)"
    r"|サンプル|テスト用|テストカード|示例|测试卡|测试数据|예시|테스트 카드"
)
"""What says that a text is about values and not about anybody's."""
TOLD = frozenset(["PHONE", "ADDRESS"])
"""Labels of what a firm tells of itself."""
SHOWN = frozenset(["PHONE", "CARD", "BANK_ACCOUNT", "IBAN", "EMAIL"])
"""Labels of what documents show by example."""


def speaks_of_people(text: str) -> bool:
    """Whether it names somebody, or has a word for oneself or another."""
    return may_be_named(text) or lettered(_OWN).search(text.encode("utf-8", "replace")) is not None


class Firms:
    """Where a text names firms and people. Positions are in characters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._firms = self._starts(_FIRM)
        self._people: list[int] | None = None

    def _starts(self, pattern: str) -> list[int]:
        data = self._text.encode("utf-8", "replace")
        return [
            a for a, _ in characters_of(data, (m.span() for m in lettered(pattern).finditer(data)))
        ]

    def has(self, start: int, end: int, label: str) -> bool:
        """Whether text[start:end] is what a firm tells of itself, or a bank's code that is asked
        about."""
        if label == "PHONE" and is_free_to_call(self._text, end):
            return True
        if label in SHOWN and self._is_example(start, end):
            return True
        if label in TOLD:
            named = _any(self._firms, start - AROUND, end + AROUND)
        elif label == "NATIONAL_ID":
            firms = sorted([*self._firms, *self._starts(_TRADE)])
            named = self._before(_TAXED, start) and _any(firms, start - AROUND, end + AROUND)
        else:
            return (
                label == "BANK_ACCOUNT"
                and self._before(_ASKED, start)
                and _is_code(self._text[start:end])
            )
        return named and not self._somebody(start, end)

    def _is_example(self, start: int, end: int) -> bool:
        """Whether it is printed as an example and the text speaks of such."""
        return (
            is_shown(self._text[start:end])
            and lettered(_DOCUMENT).search(self._text.encode("utf-8", "replace")) is not None
            and not self._somebody(start, end)
        )

    def _before(self, pattern: str, start: int) -> bool:
        before = self._text[max(0, start - BESIDE) : start].encode("utf-8", "replace")
        return lettered(pattern).search(before) is not None

    def _somebody(self, start: int, end: int) -> bool:
        if self._people is None:
            self._people = sorted([*places(self._text), *self._starts(_OWN)])
        return _any(self._people, start - AROUND, end + AROUND)


def _any(positions: list[int], low: int, high: int) -> bool:
    return bisect_left(positions, low) < bisect_left(positions, high)


def _is_code(value: str) -> bool:
    """Whether it is a bank's code and no account beside it."""
    return len(re.sub(r"\D", "", value)) <= 9
