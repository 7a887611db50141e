# ruff: noqa: E501 - patterns are read whole
"""Frames: words that make whatever a text speaks of made up, a statistic, or for everybody to read."""

from __future__ import annotations

from functools import cache
from typing import Any

from shortstop.privacy.detect.rules import compile_pattern

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
    r"|科普|宣传|海报|小说|小說|发病率|患病率|筛查率|一般饮食|注意事项|一般向け|小説|啓発|お知らせ文|有病率|罹患率|ポスター|소설|포스터|유병률|일반적인|홍보|칼럼|رواية|قصة قصيرة|معدل انتشار|مطوية|توعية|حملة|داستان کوتاه|رمان|שיעור ההיארעות|סיפור קצר|कहानी लिख|पोस्टर|जागरूकता|นิยาย|บทความทั่วไป|โปสเตอร์|ความชุก|tiểu thuyết|tờ rơi|tỷ lệ mắc|áp phích|brosur|poster kesehatan|prevalensi"
)


@cache
def _pattern() -> Any:
    return compile_pattern(_WORDS)


def is_framed(low: str) -> bool:
    """Whether a text in small letters is, by such a word, about nobody in particular."""
    return _pattern().search(low.encode("utf-8", "replace")) is not None
