"""Papers to copy from: receipts of a few shops, and orders with fields of every kind."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

SHOPS = ["ACME SDN BHD", "BLUE MART", "CITY BOOKS LTD", "DELTA FUEL", "EAST END CAFE"]
CITIES = ["Évora", "Bath", "Lyon", "Braga", "Oslo", "Turin"]
WORDS = {"complaint": "broken and late", "question": "when will it come", "praise": "love it all"}

Answer = dict[str, Any]


def receipts(n: int, seed: int = 0) -> tuple[list[str], list[Answer]]:
    draws = np.random.default_rng(seed)
    texts: list[str] = []
    answers: list[Answer] = []
    for number in range(n):
        shop = SHOPS[draws.integers(len(SHOPS))]
        total = f"{draws.integers(1, 90)}.{draws.integers(10, 99)}"
        day = f"{draws.integers(10, 28)}/{draws.integers(10, 12)}/20{draws.integers(10, 25)}"
        texts.append(
            f"{shop}\nINVOICE NO {1000 + number}\nDATE: {day}\nITEM 1 3.20\nTOTAL RM {total}\nBYE"
        )
        answers.append({"shop": shop, "date": day, "total": total})
    return texts, answers


def orders(n: int, seed: int = 0) -> tuple[list[str], list[Answer]]:
    """Constant, number, label, boolean, list, optional and nested fields."""
    draws = np.random.default_rng(seed)
    texts: list[str] = []
    answers: list[Answer] = []
    for _ in range(n):
        mood = list(WORDS)[draws.integers(len(WORDS))]
        city = CITIES[draws.integers(len(CITIES))]
        codes = [f"K{draws.integers(100, 999)}" for _ in range(draws.integers(0, 3))]
        total = int(draws.integers(1000, 9000))
        express = bool(draws.integers(2))
        phone = f"+351 {draws.integers(200, 999)} {draws.integers(100, 999)}"
        called = bool(draws.integers(2))
        texts.append(
            f"Order from {city}\nparts {' '.join(codes) or 'none'}\npaid EUR {total / 100:,.2f}\n"
            f"{'express please' if express else 'no hurry'}\n{WORDS[mood]}\n"
            + (f"call {phone}\n" if called else "do not call\n")
        )
        answers.append(
            {
                "currency": "EUR",
                "mood": mood,
                "express": express,
                "total": total / 100,
                "parts": codes,
                "phone": phone if called else None,
                "buyer": {"city": city},
            }
        )
    return texts, answers


def spelled(answer: Answer) -> str:
    return json.dumps(answer, ensure_ascii=False, indent=2)
