# ruff: noqa: E501 - patterns are read whole, in every script
"""E-mail addresses as people say or scan them: "jane (at) example dot com", "jane @ example . org".

A pattern is loose where its marks are (brackets, "arroba"), and strict where its words are ordinary
ones ("at", "point"): then the domain must end as domains do.
"""

from __future__ import annotations

import re
from functools import cache

TOP = (
    "com|org|net|edu|gov|mil|int|info|biz|name|pro|io|ai|app|dev|tech|online|site|shop|cloud|email|mail|xyz|eu|uk|de|fr|es|it|pt|nl|be|ch"
    "|at|pl|ru|ua|cz|sk|hu|ro|bg|gr|tr|se|no|dk|fi|ie|us|ca|mx|br|ar|cl|jp|cn|kr|in|au|nz|za|il|ae|co|me|tv|example|test"
)
_PLAIN_TOP = (
    "com|org|net|edu|gov|info|biz|io|ai|app|dev|eu|uk|de|fr|es|pt|nl|be|ch|pl|ru|cz|hu|ro|gr|tr|se|dk|fi|ie"
    "|us|ca|mx|br|ar|cl|jp|cn|kr|au|nz|za|il|example|test"
)
"""Those that are no words of their own."""
_OPEN, _SHUT = r"[\[({<（【]", r"[\])}>）】]"
_AT_WORD = "at|ät|aet|arobase|arrobas?|chiocciola|apenstaartje|małpa|malpa|klammeraffe|snabel-?a|kukac|zavináč|собака|собачка|アット|アットマーク|艾特|@"
_STRONG_AT = "arobase|arroba|chiocciola|apenstaartje|małpa|malpa|klammeraffe|snabel-?a|kukac|zavináč|собака|coбaкa|собачка|coбaчкa|アット|アットマーク|艾特"
_DOT_WORD = "dot|punkt|point|punto|ponto|punt|kropka|точка|tочка|toчka|toчкa|nokta|tečka|pont|piste|prick|点|ドット|\\."
_STRONG_DOT = "dot|kropka|ドット"
_UNDERSCORE = "underscore|tiret (?:du )?bas|barre basse|unterstrich|gui[oó]n bajo|subrayado|sublinhado|trattino basso|liggend streepje|podkreślenie|подчеркивание|нижнее подчеркивание"
_HYPHEN = "dash|hyphen|minus|tiret|trait d'union|bindestrich|gui[oó]n|h[ií]fen|tra[çc]o|trattino|streepje|koppelteken|myślnik|bindestreck|bindestreg|tire|дефис|тире"
_JOINT = rf"\s{{1,2}}(?:{_UNDERSCORE}|{_HYPHEN})\s{{1,2}}"
_ORDINARY = "the|this|that|these|those|a|an|some|any|my|our|your|his|her|its|their|home|least|all|once|which|what|one|work|school|night|noon|every|each|no|least"
_NAME = r"[\w+-]{1,64}(?:(?:\.|_)[\w+-]{1,64}){0,4}"
_HOST = r"[^\W_][\w-]{0,62}"
_SAYS_DOT = rf"\s{{0,3}}{_OPEN}\s{{0,2}}(?:{_DOT_WORD})\s{{0,2}}{_SHUT}\s{{0,3}}|\s{{1,3}}(?:{_DOT_WORD})\s{{1,3}}|\."
_ANY_DOT = rf"(?:{_SAYS_DOT}|\s?点\s?)"
_NAMES = rf"{_NAME}(?:(?:{_SAYS_DOT}|{_JOINT}){_NAME}){{0,3}}"
_HOSTS = rf"(?!(?:{_ORDINARY})\b){_HOST}(?:(?:{_ANY_DOT}|{_JOINT}){_HOST}){{0,4}}"
_WORD_DOT = rf"\s{{0,3}}{_OPEN}\s{{0,2}}(?:{_DOT_WORD})\s{{0,2}}{_SHUT}\s{{0,3}}|\s{{1,3}}(?:{_STRONG_DOT})\s{{1,3}}"

_SPELLED = (
    r"(?i)(?<![\w@])(?:"
    # an "at" in brackets, or a word for it that is no other
    rf"{_NAMES}(?:\s{{0,3}}{_OPEN}\s{{0,2}}(?:{_AT_WORD})\s{{0,2}}{_SHUT}\s{{0,3}}|\s{{1,3}}(?:{_STRONG_AT})\s{{1,3}}){_HOSTS}{_ANY_DOT}[^\W\d_]{{2,12}}"
    # "at", and a dot that is said
    rf"|{_NAMES}\s{{1,3}}(?:at|ät)\s{{1,3}}{_HOSTS}(?:{_WORD_DOT})(?:{TOP})"
    rf"|{_NAMES}\s{{1,3}}(?:at|ät|chez)\s{{1,3}}{_HOSTS}\s{{1,3}}(?:{_DOT_WORD})\s{{1,3}}(?:{_PLAIN_TOP})"
    rf"|{_NAME}@{_HOST}(?:{_SAYS_DOT})(?:{_PLAIN_TOP})"
    rf"|{_NAMES}\s{{1,3}}et\s{{1,3}}{_HOSTS}\s{{1,3}}nokta\s{{1,3}}(?:{_PLAIN_TOP})"
    # joined by lines
    rf"|[a-z][\w.+]{{0,60}}?[_-]+(?:at)[_-]+[a-z][\w-]{{0,60}}?[_-]+dot[_-]+(?:{TOP})"
    rf"|[a-z][\w.+-]{{0,60}} ?-at- ?[a-z][\w-]{{0,60}}? ?-dot- ?(?:{TOP})"
    # scanned with spaces
    rf"|[a-z][\w+-]{{0,60}}(?: ?[._] ?[\w+-]{{1,60}}){{0,3}}(?:@[ \t]{{1,2}}|[ \t]{{1,2}}@[ \t]{{1,2}}){_HOST}(?: ?\. ?{_HOST}){{0,2}} ?\. ?(?:{TOP})"
    rf"|(?:[\w+-]+[._\d-][\w+-]*|(?<=write to )\w+|(?<=mail )\w+|(?<=mail: )\w+)[ \t]{{1,2}}@{_HOST}(?:\.{_HOST}){{0,2}}\.(?:{TOP})"
    rf"|[a-z][\w+-]{{0,60}}(?: ?[._] ?[\w+-]{{1,60}}){{0,3}}@{_HOST}(?: \. ?| ?\. ){_HOST}(?: ?\. ?(?:{TOP}))?"
    rf"|{_NAMES}[ \t]{{1,2}}@{_HOST}(?: ?\. ?{_HOST}){{0,2}} ?\. (?:{_PLAIN_TOP})"
    rf"|{_NAME}@{_HOST},(?:com|net|org|de)"
    r")(?!\w)"
)
SIGN = (
    rf"(?i)[\[({{<（【]\s*(?:{_AT_WORD})\s*[\])}}>）】]|\s(?:{_STRONG_AT})\s|[\pL\pN]\s@|@\s[\pL\pN]|@[\pL\pN_-]+(?:\s?\.\s|\s\.|,(?:com|net|org|de)\b)"
    rf"|(?:\s(?:at|ät|et|chez)\s+|@)[\pL\pN_.-]+(?:\s(?:{_UNDERSCORE}|{_HYPHEN})\s[\pL\pN_.-]+){{0,2}}\s*(?:[\[({{<]\s*(?:{_DOT_WORD})|\s(?:{_DOT_WORD})\s)|[_-]at[_-]"
)
"""Matches wherever `spelled` does."""

_AT = re.compile(
    rf"(?i)\s*{_OPEN}\s*(?:{_AT_WORD})\s*{_SHUT}\s*|\s+(?:{_AT_WORD}|et|chez)\s+|\s*@\s*|[_-]+at[_-]+| ?-at- ?"
)
_POINT = re.compile(
    rf"(?i)\s*{_OPEN}\s*(?:{_DOT_WORD})\s*{_SHUT}\s*|\s+(?:{_DOT_WORD})\s+|\s*\.\s*|,|[_-]+dot[_-]+|\s?点\s?"
)


_HYPHENS = re.compile(rf"(?i)\s+(?:{_HYPHEN})\s+")
_UNDERSCORES = re.compile(rf"(?i)\s+(?:{_UNDERSCORE})\s+")


@cache
def spelled() -> re.Pattern[str]:
    """Addresses that are spelled out; compiled when a text first may hold one, which takes 0.1 s."""
    return re.compile(_SPELLED)


def address(match: re.Match[str]) -> str:
    """The address that was spelled out."""
    joined = _HYPHENS.sub("-", _UNDERSCORES.sub("_", match.group()))
    return re.sub(r"\s+", "", _POINT.sub(".", _AT.sub("@", joined, count=1)))
