# ruff: noqa: E501 - patterns are read whole
"""Frames: words that make whatever a text speaks of made up, a statistic, or for everybody to read."""

from __future__ import annotations

from functools import cache
from typing import Any

from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.rules import lettered

_WORDS = (
    r"(?:^|[^\pL])(?:novel|short story|fanfic\w*|fictional|fiction|screenplay|drama scene|film script|plot twist|chapter \d+ of my|my (?:hero|heroine|protagonist|character)|"
    r"chart title|slide title|headline|press coverage|press release|news coverage|news summary|i18n|l10n|locale file|column headings?|field labels?|form labels?|json keys|data dictionary|glossary|flashcards?|quiz|trivia|crossword|"
    r"participation|prevalence|incidence|mortality|survival rates?|per 100[, .]?000|odds ratio|cohort|meta-analysis|screening (?:rate|programme|program|campaign|participation)|awareness (?:day|week|month|campaign|poster)|"
    r"popular science|general (?:advice|article|information|audience)|for (?:laypeople|a general audience|patients in general)|health (?:blog|column|magazine|newsletter)|patient (?:leaflet|brochure)|infographic|factsheet|fact sheet|"
    r"(?:ein|im|mein|dem|un|mon|ce|een|mijn|bir) roman|romanfigur|romankapitel|krimi|kurzgeschichte|drehbuch|schlagzeile|überschrift|ratgeber\w*|infoblatt|merkblatt|prävalenz|inzidenz|sterblichkeit|vorsorgeteilnahme|teilnahmequote|allgemein(?:er|e|es)? (?:artikel|text|info\w*)|aufklärungskampagne|"
    r"nouvelle policière|scénario|gros titre|dépliant|affiche de prévention|prévalence|taux de participation|article de vulgarisation|grand public|"
    r"novela|guion|titular|folleto|prevalencia|tasa de participación|artículo divulgativo|público general|divulgación|"
    r"romanzo|sceneggiatura|titolo di giornale|volantino|opuscolo|prevalenza|articolo divulgativo|romance policial|manchete|folheto|panfleto|prevalência|artigo de divulgação|"
    r"krantenkop|folder|prevalentie|voorlichtingscampagne|powieść|opowiadanie|scenariusz|nagłówek|ulotka|częstość występowania|artykuł popularnonaukowy|"
    r"роман|рассказ|сценарий|заголовок|листовка|памятка|распространённость|распространенность|научно-популярн\pL+|статья для|роман\pL*|оповідання|листівка|"
    r"kısa hikaye|senaryo|haber başlığı|broşür|yaygınlık|romanı|μυθιστόρημα|φυλλάδιο|επιπολασμός|román|povídka|leták|novell|deckare|broschyr|regény|novella|szórólap)(?:[^\pL]|$)"
    r"|(?:million(?:en|s|es|i|er)?|mio\.?|milliarden|thousands|percent|per cent|prozent|%|pour cent|por ciento|por cento|per cento|procent\pL*|one in \pL+|in \d+|out of \d+|von \d+|sur \d+|de cada \d+) ?(?:of |der |des |de |di |av |van |aller )?(?:all |the |los |las |os |gli |les |our |unserer )?"
    r"(?:people|adults|employees|workers|women|men|children|patients|americans|britons|europeans|menschen|erwachsene\pL*|beschäftigte\pL*|frauen|männer|kinder|deutschen|personnes|adultes|salariés|femmes|hommes|enfants|français|personas|adultos|trabajadores|mujeres|hombres|pessoas|mulheres|homens|persone|adulti|lavoratori|donne|uomini|"
    r"mensen|volwassenen|werknemers|vrouwen|mannen|osób|dorosłych|lidí|dospělých|ember|felnőtt|oameni|adulți|людей|взрослых|дорослих|insan|yetişkin|vuxna|voksne|aikuisista)"
    r"|(?:^|[^\pL])(?:worldwide|weltweit|jede[rs]? (?:zweite|dritte|vierte|fünfte|sechste|achte|zehnte)[rns]?|ein (?:drittel|viertel|fünftel) der|every (?:second|third|fourth|fifth)|a (?:third|quarter|fifth) of|un \pL+ sur (?:\d+|deux|trois|quatre|cinq|dix)|un tiers des|uno de cada|una de cada|un tercio de|un terzo d\pL+|um em cada|uma em cada|co (?:drugi|druga|trzeci|trzecia|czwarty|czwarta|piąty|piąta|dziesiąty)|každý (?:druhý|třetí|čtvrtý|pátý)|minden (?:második|harmadik|negyedik|ötödik)|каждый (?:второй|третий|четвёртый|пятый)|кожен (?:другий|третій|четвертий|п['’]ятий)|dans le monde|en el mundo|nel mondo|no mundo|wereldwijd|na świecie|в мире|у світі|dünya çapında|keep it general|in general terms|nur allgemein|ganz allgemein|en termes généraux|en términos generales|in termini generali|differences? between|unterschied\pL* zwischen|différences? entre|diferencias? entre|differenz[ae] (?:tra|fra)|diferenças? entre|verschil tussen|różnic\pL+ (?:między|pomiędzy)|rozdíl mezi|rozdiel medzi|különbség|diferenț\pL+ dintre|razlika između|разниц\pL+ между|різниц\pL+ між|forskell?en på|skillnaden mellan|tofauti|perbedaan|beda|khác nhau|"
    r"what are (?:the )?(?:\pL+ )?(?:symptoms|signs|causes) of|welche symptome|quels sont les (?:symptômes|signes)|cuáles son los síntomas|quali sono i sintomi|quais são os sintomas|wat zijn de symptomen|jakie są objawy|jaké jsou příznaky|mik a tünetei|care sunt simptomele|какие симптомы|які симптоми|koji su simptomi|how (?:do|can|would) (?:doctors|physicians|clinicians|specialists|hospitals))(?:[^\pL]|$)"
    r"|科普|宣传|海报|小说|小說|发病率|患病率|筛查率|一般饮食|注意事项|一般向け|小説|啓発|お知らせ文|有病率|罹患率|ポスター|소설|포스터|유병률|일반적인|홍보|칼럼|رواية|قصة قصيرة|معدل انتشار|مطوية|توعية|حملة|داستان کوتاه|رمان|שיעור ההיארעות|סיפור קצר|कहानी लिख|पोस्टर|जागरूकता|นิยาย|บทความทั่วไป|โปสเตอร์|ความชุก|tiểu thuyết|tờ rơi|tỷ lệ mắc|áp phích|brosur|poster kesehatan|prevalensi"
)


_PART = "one|two|three|four|five|six|seven|eight|nine|ten|eins|zwei|drei|vier|fünf|un|deux|trois|quatre|uno|dos|tres|due|tre|[ivx]{1,4}"
_MADE_UP = (
    rf"(?:^|[^\pL])(?:(?:chapter|scene|kapitel|szene|chapitre|scène|capítulo|escena|capitolo|scena|cena|hoofdstuk|scène|rozdzial\pL*|rozdział\pL*|kapitola|kapitole|fejezet|глав[аеыу]|розділ\pL?|bölüm\pL*|κεφάλαιο|luku|luvussa) (?:\d{{1,3}}|{_PART})|(?:\d{{1,3}}|first|second|third|last|opening|final|erste[nrm]?|zweite[nrm]?|letzte[nrm]?)\.? (?:chapter|scene|kapitel|szene|bölüm\pL*|fejezet\pL*)|"
    r"(?:my|a|the|in|our) (?:novel|short story|screenplay|protagonist|heroine|fanfic\pL*)|(?:meinem|mein|im|der|meiner) (?:roman|kurzgeschichte|drehbuch|erzählung)|(?:mon|le|un) (?:roman|scénario)|ma nouvelle|(?:mi|la|una|el|un) (?:novela|cuento|guion|relato)|(?:mio|nel|il) (?:romanzo|racconto)|(?:meu|no|um) (?:romance|conto)|mijn (?:roman|verhaal)|(?:mojej|w) (?:powieści|opowiadaniu)|(?:моём|моем|моей|в) (?:романе|рассказе|повести)|"
    r"monologue|subtext|plot hole|plot point|prophecy|d&d|dungeons? (?:and|&) dragons|backstory|character (?:sheet|arc|study)|villain|protagonist\pL*|antagonist\pL*|murder mystery|stage play|radio play|for the play|fairy ?tale|fantasy (?:novel|story)|"
    r"theaterstück|hörspiel|bösewicht|märchen|monolog|pièce de théâtre|conte de fées|obra de teatro|cuento de hadas|spettacolo teatrale|fiaba|peça de teatro|toneelstuk|sprookje|sztuk\pL teatraln\pL+|bajk\pL|пьес\pL|сказк\pL)(?:[^\pL]|$)"
    r"|第[一二三四五六七八九十\d]+(?:章|幕|話|회|장)"
)
"""Parts of books and plays, and those who appear in them."""


@cache
def _pattern(words: str) -> Any:
    return lettered(canonical(words).text)


def is_framed(low: str) -> bool:
    """Whether a text in small letters is, by such a word, about nobody in particular."""
    data = low.encode("utf-8", "replace")
    return _pattern(_WORDS).search(data) is not None or _pattern(_MADE_UP).search(data) is not None


def is_made_up(low: str) -> bool:
    """Whether those whom it names are figures of a book or a play."""
    return _pattern(_MADE_UP).search(low.encode("utf-8", "replace")) is not None
