# ruff: noqa: E501, SIM905 - patterns and lists are read whole
"""Values that documents, forms and tests use in the place of somebody's, and numbers that are free to call."""

from __future__ import annotations

import re

_DIGIT = re.compile(r"[0-9A-Z]+")
_HOST = r"@(?:(?:[\w-]+\.)?example\.(?:com|org|net|edu)|(?:test|domain|yourdomain|your-domain|mydomain|foo|bar|foobar|yourcompany|beispiel|musterfirma)\.(?:com|org|net|de)|[\w.-]+\.(?:test|invalid)|localhost(?:\.\w+)?)"
_MAILBOX = re.compile(
    r"(?i)['\"<]?(?:alice|bob|carol|user(?:name)?\d?|your[._-]?(?:name|mail|email)|you|someone|somebody|person|foo|bar|baz|test(?:er|user)?\d?|demo|sample|example|me|e?mail|abc|xyz|name|"
    r"vorname[._-]nachname|first(?:name)?[._-]last(?:name)?)" + _HOST
)
_ANYBODY = re.compile(
    r"(?i)['\"<]?(?:(?:john|jane|j|jack)[._-]?(?:doe|smith)|(?:max|erika)(?:[._-]?mustermann)?|jean[._-]?dupont|mario[._-]?rossi|juan[._-]?perez|jan[._-]?(?:kowalski|jansen)|ola[._-]?nordmann)"
    + _HOST
)
"""A name for anybody that somebody may have."""
_NUMBERS = frozenset(
    "4111111111111111 4242424242424242 4012888888881881 4000056655665556 4000000000000002 4000000000009995 5555555555554444 5105105105105100 "
    "2223003122003222 5200828282828210 378282246310005 371449635398431 6011111111111117 6011000990139424 30569309025904 38520000023237 3566002020360505 "
    "DE89370400440532013000 GB29NWBK60161331926819 GB82WEST12345698765432 GB33BUKB20201555555555 FR1420041010050500013M02606 FR7630006000011234567890189 "
    "NL91ABNA0417164300 ES9121000418450200051332 IT60X0542811101000000123456 BE68539007547034 AT611904300234573201 CH9300762011623852957 PL61109010140000071219812874 "
    "SE4550000000058398257466 NO9386011117947 DK5000400440116243 FI2112345600000785 IE29AIBK93115212345678 PT50000201231234567890154".split()
)
"""What card networks, payment services and the registry of IBANs print as examples."""
_CALLED = re.compile(
    r"(?:\+?1[ -.]?)?\(?\d{3}\)?[ -.]?555[ -.]?01\d\d|(?:\+?44 ?|0)20 ?7946 ?0\d{3}|\+?[\d ()/-]{2,9}12 ?34? ?3?4 ?5 ?6(?: ?7)?(?: ?8)?(?: ?9)?"
)
"""Telephones kept for fiction (North America's, London's), and those that count."""
_FREE = re.compile(
    r"(?:(?:^|[^\d+])(?:0 ?80[058]|0800|0808|0180|0181|0810|0820|0840|0842|0844|0845|0848|0870|0900|1300|1800)[ )/-]*(?:\d[ /-]?){3,9}"
    r"|\b1?[ .-]?\(?8(?:00|88|77|66|55|44|33)\)?[ .-]\d{3}[ .-]\d{4}|(?:^|[^\d+])(?:800|90[0-2]) ?\d{3} ?\d{3}(?!\d)|\+\d{2,3}[ -]?\(?0?\)?800[ -]?(?:\d[ -]?){5,9})$"
)
"""A telephone that is free or dear to call from everywhere is no person's."""


def is_mailbox(value: str) -> bool:
    """Whether an e-mail address is one of documents: a name for anybody at a host for nobody."""
    return _MAILBOX.fullmatch(value.strip("'\"<> ")) is not None


def is_shown(value: str) -> bool:
    """Whether a card, an account, a telephone or an address is one that is printed as an example."""
    value = value.strip("'\"<> ")
    number = "".join(_DIGIT.findall(value.upper()))
    return number in _NUMBERS or any(p.fullmatch(value) for p in (_CALLED, _ANYBODY))


def is_free_to_call(text: str, end: int) -> bool:
    """Whether the telephone that ends there is a firm's by how it begins."""
    return _FREE.search(text[max(0, end - 24) : end]) is not None
