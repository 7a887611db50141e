"""Somebody's pay, debt or tax: an amount, a word for it, and whose it is."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect import pay
from shortstop.privacy.detect.rules import compile_pattern, either

SOMEBODYS = [
    ("my salary is 72k", "72k"),
    ("ich verdiene 3.800 brutto", "3.800"),
    ("mon salaire brut est de 41 k", "41 k"),
    ("moja pensja to 7800 na rękę", "7800"),
    ("我的月薪是18000", "18000"),
    ("제 연봉은 5,400만원입니다", "5,400"),
    ("Payslip Anna Schmidt: gross 4,210.55", "4,210.55"),
    ("raise for Tom Becker to 63k", "63k"),
    ("Rente von Herrn Kolb: 1412 Euro", "1412"),
    ("name,salary\nJohn Baker,72000", "72000"),
    ("Marguerite is on 62k and Deepak on 71k for the same job", "71k"),
    ("offer letter: Ms. Fiona Achebe, base $134,500", "134,500"),
    ("mortgage of the Hallorans: 318,400 outstanding", "318,400"),
    ("Kontostand -1.284,33 EUR, Dispo 2.000, Inhaber Fatih Demir", "2.000"),
    ("Marek Nowak ma komornika na 14 300 zł", "14 300"),
    ("our nanny gets 2,400 a month cash", "2,400"),
    ("李伟先生月薪18000元", "18000"),
    ("김민수 씨 급여 5200만원", "5200"),
    ("долг Иванова Петра 85 000 рублей", "85 000"),
]
NOBODYS = [
    "Q3 sales: North 412k, South 388k, mortgage rates up",
    "Peter Huber GmbH owes 1,250 for the loan of a digger",
    "the Netherlands: mortgage market of 318,400 homes",
    "房贷利率 4200 点",
    "Salary bands for engineers: 60-70k",
    "EBIT 2,300,000 gross, up 12 %",
    "if I earn 4,200 a month, what is the tax?",
    "How much does Anna Schmidt have left of her salary of 3000?",
    "Minimum wage 2025 and gross pay of 12,000 for Anna Schmidt's example",
    "Gross margin 2024: 41,000 units",
    "payroll cut-off is the 15th of 2026",
]


@pytest.mark.parametrize(("text", "amount"), SOMEBODYS)
def test_an_amount_that_is_somebodys_is_found(text: str, amount: str) -> None:
    data = text.encode()
    assert amount in {data[a:b].decode() for a, b in pay.spans(data)}
    assert compile_pattern(either(pay.gates())).search(data) is not None


@pytest.mark.parametrize("text", NOBODYS)
def test_pay_in_general_and_exercises_are_nobodys(text: str) -> None:
    assert list(pay.spans(text.encode())) == []
