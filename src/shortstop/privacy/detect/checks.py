"""The checks that rules name: proofs that a matched text is what it looks like.

A check gets the matched text, separators included, and says whether to believe it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module

from shortstop.privacy.detect import filled, numbers, personal, places, samples, secrets, wallets

Check = Callable[[str], bool]


_ROLE = re.compile(
    r"(?i)(?:(?:no|do[._-]?not)[._-]?reply|git|hg|svn|info|information|sales|support|help|helpdesk|service|hello|hi|contact|contactus|office|press|media|jobs|careers|marketing|orders?|returns|billing|invoices?|accounts|newsletter|feedback|enquiries|inquiries|team|webmaster|postmaster|abuse|security|privacy|legal|booking|reservations|events|kontakt|vertrieb|bewerbung|bestellung|rechnung|buchhaltung|anfrage|presse|datenschutz|empfang|contacto|ventas|pedidos|facturacion|soporte|prensa|contatti|vendite|ordini|assistenza|contato|vendas|suporte|contacter|commercial|commandes|accueil|klantenservice|verkoop|biuro|sprzedaz|podpora|obchod|myynti|kundservice|kundeservice|mailer-?daemon|daemon|nobody|(?:[\w-]+[._-])?(?:bot|robot)|bounces?|notifications?|alerts?|listserv|majordomo|lists?[._-][\w.-]+|[\w.-]+-(?:request|leave|join|subscribe|unsubscribe|owner|bounces)|unsubscribe|reception|frontdesk|harbou?r[._-]?master|box[._-]?office|tickets?|secretar(?:y|iat)|redaktion|sekretariat|rezeption|recepcion|recepcja|segreteria|secretaria|secretariat|redactie|redakcja)@"
)
"""Mailboxes of a role: whoever reads them, their address is a firm's."""


def personal_mailbox(value: str) -> bool:
    """An e-mail address that is somebody's, unlike those of robots, roles and documents."""
    return _ROLE.match(value) is None and not samples.is_mailbox(value)


def stdnum(name: str) -> Check:
    """The validator of python-stdnum's module `name`; a number of one repeated digit fails.

    Raises ModuleNotFoundError.
    """
    module = import_module(f"stdnum.{name}")

    def valid(value: str) -> bool:
        return len(set(numbers.digits(value))) > 1 and bool(module.is_valid(value))

    return valid


NAMED: dict[str, Check] = {
    "card": numbers.card,
    "loose_card": numbers.loose_card,
    "tax_number": personal.tax_number,
    "es_person": personal.es_person,
    "br_taxpayer": personal.br_taxpayer,
    "nordic_person": personal.nordic_person,
    "eleven_person": personal.eleven_person,
    "luhn": numbers.luhn_digits,
    "iban": numbers.iban_number,
    "iban_country": numbers.iban_country,
    "ssn": numbers.ssn,
    "aba": numbers.aba,
    "phone": numbers.phone,
    "somebody": personal_mailbox,
    "date": places.date,
    "no_year": numbers.no_year,
    "birthday": places.birthday,
    "place": places.place,
    "full_place": places.full_place,
    "some_place": places.some_place,
    "real": secrets.real,
    "mixed": secrets.mixed,
    "stated": filled.is_value,
    "strong_password": filled.is_strong,
    "chosen_word": filled.is_chosen,
    "after_a_slash": filled.is_behind_a_slash,
    "seed_words": secrets.seed_words_only,
    "typed": filled.is_typed,
    "quoted": filled.is_quoted,
    "by_looks": filled.is_by_looks,
    "spaced_code": filled.is_spaced_code,
    "mostly_seed_words": secrets.mostly_seed_words,
    "assigned": filled.is_assigned,
    "guest_key": filled.is_guest_key,
    "answered": filled.is_answer,
    "coded_value": secrets.coded_value,
    "coded_groups": secrets.coded_groups,
    "drawn": secrets.drawn,
    "url_password": secrets.url_password,
    "base58check": secrets.base58check,
    "some_digits": numbers.some_digits,
    "routable_ip": numbers.routable_ip,
    "base58": wallets.base58,
    "base58_check": wallets.base58_check,
    "grouped_bitcoin": wallets.grouped_bitcoin,
    "ripple": wallets.ripple,
    "mixed_wallet": wallets.mixed_wallet,
    "forty_hex": wallets.forty_hex,
}


def named(name: str) -> Check:
    """The check that rules call `name`: one of NAMED, else python-stdnum's.

    Raises ModuleNotFoundError when there is neither.
    """
    return NAMED[name] if name in NAMED else stdnum(name)
