"""What a firm tells everybody about itself is nobody's; a person's value beside a firm is."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.business import Firms, speaks_of_people
from shortstop.privacy.detect.scan import scan
from shortstop.privacy.leaves import Leaf
from shortstop.types import Tier


def tier(text: str) -> Tier:
    return max((f.tier for f in scan([Leaf("$.x", text)])), default=Tier.S0)


@pytest.mark.parametrize(
    "text",
    [
        "Möbelhaus Kranz GmbH, Industriestraße 12, 33689 Bielefeld, Tel. 05205 4400",
        "restaurant Zum Hirschen, Dorfstr. 2, 6370 Kitzbühel, Tisch für 8 um 19 Uhr",
        "service desk ext. 4410, out of hours 0345 600 0123, update the poster",
        "CNPJ 42.098.278/0001-93 Padaria Trigo Bom Ltda, emitir NF-e como?",
        "fattura n. 118/2026 P.IVA 00874470792 controlla l'aliquota",
        "imprint: Cobalt Werbung GmbH, Hafenstr. 77, 20359 Hamburg, USt-IdNr. DE862300116",
        "which bank has sort code 20-00-00",
        "OIB tvrtke 93043712776, mlinica kod Osijeka, upis u sudski registar u Zagrebu.",
        "ПИБ предузећа 452217747, матични број 40525752, млекара код Шапца.",
    ],
)
def test_a_firm_s_own_is_free(text: str) -> None:
    assert tier(text) < Tier.S2


@pytest.mark.parametrize(
    "text",
    [
        "Kranz GmbH, z.Hd. Frau Weber, Industriestraße 12, 33689 Bielefeld",
        "I stay at the Hotel Adler, call me on 0345 600 0123",
        "la mia P.IVA è 00874470792, fattura per Anna Rossi",
        "CNPJ: 25 | 841 | 524 | 0001 | 36",
        "my sort code 20-00-00, account 12345678",
        "OIB moje mame 93043712776, radi u tvrtki za namještaj",
        "Home: Peter Huber, Dorfstr. 2, 6370 Kitzbühel",
    ],
)
def test_a_person_s_beside_a_firm_stays(text: str) -> None:
    assert tier(text) >= Tier.S2


def test_other_labels_are_never_a_firm_s() -> None:
    text = "Kranz GmbH, Tel. 05205 4400"
    assert Firms(text).has(17, 27, "PHONE")
    assert not Firms(text).has(17, 27, "CARD")


def test_words_for_people() -> None:
    assert speaks_of_people("call me")
    assert speaks_of_people("wohnt hier")
    assert not speaks_of_people("two rooms for the team")


@pytest.mark.parametrize(
    "text",
    [
        "Unsere Hotline erreichen Sie unter 0800 6296909, 8-18 Uhr. Bitte in leichte Sprache.",
        "Ring 1300 654 321 for bookings, Mon-Sat. Shorten for a banner.",
        "Stripe test card 4242 4242 4242 4242 declines in live mode, expected?",
        "Our sandbox IBAN DE89 3704 0044 0532 0130 00 comes from the docs, is it a valid example?",
        "john.doe@example.com is our sample row in the docs",
        "bob@example.com and alice@example.com in the sequence diagram",
        "Unser Büro zieht um: ab 1. März Lindenallee 12, 50968 Köln. Rundmail an alle Kunden.",
    ],
)
def test_what_documents_show_and_what_is_free_to_call_is_nobody_s(text: str) -> None:
    assert tier(text) < Tier.S2


@pytest.mark.parametrize(
    "text",
    [
        "charge 4242 4242 4242 4242, it is my card",
        "Please refund to IBAN DE89 3704 0044 0532 0130 00, order 1181.",
        "write to jane.doe@example.com about the price",
        "call me on 030 123456 after the test",
    ],
)
def test_the_same_value_stays_where_it_is_somebody_s(text: str) -> None:
    assert tier(text) >= Tier.S2
