# ruff: noqa: E501 - patterns are read whole
"""What stands where a secret would and is none: placeholders, references, types, paths, examples."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_FILLED = re.compile(
    r"(?i)\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|a-za-z|a-z0-9|a-fa-f|0-9a-f|(?:x{4,}|\*{3,}|\.{3,}|-{4,}|_{4,}|#{4,}|0{8,}|1{8,})|"
    r"your|example|sample|dummy|placeholder|redacted|change.?me|change.?it|replace.?(?:me|with|this)|insert|"
    r"here$|_here|-here|todo|\bfake|^test$|<[^>]*>?$|^my[_-]?(?:api|secret|token|key|pass|user)|abcdef|123456789|"
    r"(?:ihr|dein|votre|tu|tuo|seu)[_-]?(?:passwor|mot|contras|senha|clave|token|key)"
)
_REFERENCE = re.compile(
    r"^[$%&@!#]?\{|\{\{|\$\{|^\$(?:[a-z_]+|[A-Z_]+|[a-z]+(?:[A-Z][a-z]+)+)\d?(?:$|[^\w!?*&%$#@^+=~])|^%\w+%|^#/|^!(?:[a-z_]+|[A-Z][A-Za-z]+)(?:$|[ .:/])|^(?:os|process|env|config|settings|self|this|request|secrets|vault|params|args|options|system|var|data|local|window|import|ctx|app)[.\[]|"
    r"^(?:op|vault|ssm|arn|kv|file|ref\+\w+|projects)[:/]|^\*[\w.]*$|^&(?:[a-z_]+;?|\w+=\S*)$|^\\"
)
_PUBLIC = re.compile(
    r"AAAA[BCE]3Nza|iVBORw0KG|/9j/4AA|R0lGOD|PHN2Zy|UklGR|MII[A-Z][a-zA-Z]{3}[CI]|d09GM|JVBERi"
)
"""How public keys, images, certificates, fonts and documents begin in base64."""
_DOTTED = re.compile(
    r"[a-z_][A-Za-z_]*\d{0,2}(?:(?:\.|::|->)[A-Za-z_]+\d{0,2})+[!?]?|[A-Z][A-Za-z_]*(?:(?:\.|::)[A-Z][A-Za-z_]*\d?)+"
)
_MODULES = re.compile(
    r"(?=.{1,80}$)(?:[a-z_]{2,}\d{0,5}\.)+(?:[A-Z]\w{0,3}[a-z]+\d{0,5}(?:[A-Z][a-z]+)*|[A-Z]{2,6}\d?v\d{1,2})"
)
"""A type in a module, numbers in their names."""
_PATH = re.compile(
    r"(?:~|\.{1,2})?/[\w./@:-]+|(?:[A-Za-z0-9][\w.@-]{0,9}/){2,}[\w.@*#-]{0,12}|(?:[a-z][a-z0-9_.@-]{1,24}/)+[A-Za-z0-9_.@*#-]*|(?:[A-Za-z]:)?\\.*|[\w./-]+\.(?:py|js|ts|tsx|md|json|ya?ml|toml|txt|html?|css|java|go|rs|rb|sh|sql|xml|pdf|png|jpe?g|svg|zip|gz|tgz|whl|so|exe|conf|cfg|ini|lock|log|pem|key|crt|csv|com|org|net|io|dev)"
)
_COUNTED = re.compile(
    r"[A-Z]{2,6}/\d[\d.]*|[A-Za-z]{2,}\d+\.\d+|(?i:[HREP]S|SHA|PKCS\dv|PKCS|AES|RSA|MD|UTF|EC|TLSv?|SSLv?|P|WPA|Argon|bcrypt|ed|x|base|int|uint|float)-?\d{1,5}|v?\d+(?:\.\d+)+(?:[a-z.+-][\w.+-]{0,11})?|[<>=~^]{1,2}v?\d[\w.]*|\d{4}-\d\d-\d\d\S*|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[.,]{1,2}\d{4}[.,]?|\d{1,2}:\d\d\S*|[A-Za-z][\w.-]*==\S+|"
    r"[\w.-]+@\d+\.\d[\w.-]*|[\w.+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,12}|(?!\d{4,6}[A-F]$)[\d.,]+(?:[a-zA-Z]{1,3}|%)|\d+-[a-z]{1,10}|#[0-9a-fA-F]{3,8}|0x[0-9a-fA-F]{1,8}|&(?:#\w+|[A-Za-z]+\d{0,2});?|u\+[0-9a-f]+"
)
"""Versions, dates, times, addresses, measures, colours."""
_UNIT = r"(?:[nmµu]?s|min|h|hrs?|d|days?|[kKMGT]i?[Bb]|[kKMGT]?[Bb]|[kMG]?Hz|px|r?em|%|x|k|[kcm]?m|[kmµ]?g|m?l|[km]?[VWA]|kWh|°[CF])"
_RANGE = re.compile(rf"~?\d[\d.,]*{_UNIT}?\s?(?:[–—-]|\.{{2,3}})\s?~?\d[\d.,]*{_UNIT}")
"""From one measure to another."""
_IDENTIFIER = re.compile(r"[A-Za-z_-]+(?:\d{0,8}[A-Za-z_.:-]+){0,2}\d{0,8}")
_CONSTANT = re.compile(
    r"0x[0-9a-fA-F]{40}|(?:[A-Z][a-z]+)+V\d(?:[A-Z][a-z]+)*|(?:[a-z]{2,}[-_./])+(?:[a-z]+-?)?v?\d|[a-z_]+=\w{0,3}|(?:[A-Z][a-z]+)+=\w{0,3}|[A-Z]?[a-z]+\d{0,4}(?:-[a-z]+){1,2}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z][a-z0-9]*(?:_[a-z0-9]+)*_(?:key|token|secret|password|passwd|id|v\d+|\d{1,2})\d?|(?i:windows|win|android|ios|ipados|macos|iphone|ipad|macbook[a-z]*|surface|office|galaxy|pixel|python|java|ubuntu|debian|node|chrome|firefox|xbox|playstation|gpt|llama|claude|gemini|qwen|react|vue|angular|php|perl|net|sql[a-z]*|oracle|db|esxi|http|ipv|usb|lib|pep|class|react|tailwind|iso|oauth|socks|utf|angular|log4j|yubikey5c|wifi|covid|level|version|room|page|step|phase|keepass[a-z]*|yubikey|fritzbox)[- ]?\d{1,4}[a-z]{0,2}"
)
_WORD = re.compile(r"[a-z]{3,}(?:[A-Z][a-z]+)*|[a-z]+(?:-[a-z]+){1,2}|[a-z]+(?:_[a-z]+)+")
_PLAIN = re.compile(
    "|".join(p.pattern for p in (_DOTTED, _MODULES, _PATH, _COUNTED, _RANGE, _CONSTANT, _WORD))
)
_NAMED = re.compile(
    r"(?i)(?:my|the|a|an|new|some|user|db|api|access|secret|auth|client|root|admin|test|default)?[_-]?"
    r"(?:key|token|secret|password|passwort|passwd|pass|pwd|pw|username|user|root|admin|guest|postgres|string|value|none|null|nil|undefined|required|optional|true|false)\d{0,3}"
)
"""Words that stand for a secret in a document, and the passwords that everybody knows."""
_ITSELF = re.compile(r"(?i)pass|pw|token|secret|key|credential|auth|login|user|hash|crypt")
"""What names in code say about the secret that they stand for."""
_ISSUED = re.compile(
    r"x{6,}|X{6,}|\*{4,}|\.{4,}|0{12,}|(?i:your[_-]|placeholder|replace[_-]?me|change[_-]?me)|EXAMPLE"
)


def is_filler(value: str) -> bool:
    """Whether a value in the place of a secret only stands for one."""
    return (
        len(set(value)) <= 2
        or value in published()
        or any(p.search(value) for p in (_FILLED, _REFERENCE))
        or _NAMED.fullmatch(value) is not None
    )


def is_example(value: str) -> bool:
    """Whether a key in its vendor's form is one from a document: printed by the vendor, or blanked."""
    return value in published() or _ISSUED.search(value) is not None


def is_none(value: str, behind: str = "") -> bool:
    """Whether a value is no secret by what it is. `behind` are the characters after it."""
    return is_type(value) or is_never(value, behind)


def may_be_chosen(name: str) -> bool:
    """Whether people take such a name in code for a password, too: one with a digit in it
    ("BlueTiger7") that is not what it stands for."""
    return any(map(str.isdigit, name)) and _ITSELF.search(name) is None


def is_never(value: str, behind: str = "") -> bool:
    """Whether a value is no secret whatever the text says of it."""
    if behind[:1] in ("(", "[") or (behind[:1] == "." and behind[1:2].isalpha()):
        return True
    if value.isdigit():
        return (
            len(set(value)) == 1
            or value in "0123456789"
            or (len(value) < 6 and value.endswith("000"))
        )
    return (
        _PLAIN.fullmatch(value) is not None
        or is_filler(value)
        or _PUBLIC.match(value) is not None
        or _is_dotted(value)
    )


def _is_dotted(value: str) -> bool:
    """Whether it is a path through modules and types."""
    parts = value.split(".")
    return len(parts) > 1 and all(
        p.isidentifier()
        and (is_type(p) or _UPPER.fullmatch(p) or (p == p.lower() and not _TWO_DIGITS.search(p)))
        for p in parts
    )


_UPPER = re.compile(r"[A-Z]+(?:_[A-Z]+)*")
_YEAR = re.compile(r"[_.-].*\D\d{2,5}$|\D(?!16$|32$|64$|128$|256$|512$)\d{2,5}$")
"""How a chosen password ends, and no type does."""
_TWO_DIGITS = re.compile(r"\d\d\d|\d\D+\d")
_HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_VOWELS = frozenset("aeiouyAEIOUY")


def is_type(value: str) -> bool:
    """Whether it is the name of a type or of something else in code: words in CamelCase, which are
    long and have vowels, with at most a number or two."""
    value = value.strip("_")
    if not _IDENTIFIER.fullmatch(value) or value.isupper() or value.islower():
        return False
    if _YEAR.search(value):
        return False
    letters = [c for c in value if c.isalpha()]
    humps = _HUMPS.findall(value)
    return (
        len(humps) <= len(letters) / 3.4
        and sum(c in _VOWELS for c in letters) >= 0.2 * len(letters)
        and (len(humps) > 1 or value.isalpha())
    )


_NUMBERED = r"v?\d{1,3}(?:\.\d+)*[a-z]{0,2}"
"""An edition or a number: "3", "v0.3", "135m"."""
_LABEL = re.compile(
    rf"(?=[a-z0-9.-]*[a-z]{{4}})[a-z]+[0-9.]{{0,4}}"
    rf"(?:-(?:[a-z]{{2,12}}|{_NUMBERED}|[a-z]{{1,2}}\d{{1,3}}))*-(?:{_NUMBERED}|[a-z]\d{{1,3}})"
)
_RELEASE = re.compile(
    r"[a-z]+[a-z0-9.]*(?:[-_][a-z0-9.]+)*[-_]20[12]\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
)


def is_label(value: str) -> bool:
    """Whether it is what models, tools, machines, rooms and builds are called: words and short
    numbers joined by hyphens, or a name with the day of its release."""
    return _LABEL.fullmatch(value) is not None or _RELEASE.fullmatch(value) is not None


@cache
def published() -> frozenset[str]:
    """Keys that vendors print in their documents as examples."""
    path = files("shortstop.privacy").joinpath("data", "published_keys.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
