"""Looks for leaks at random: `make fuzz-privacy`, or `python -m tests.fuzz_privacy --minutes 10`.

A secret is drawn, written in some code, between words, in some place of a request in some dialect,
or anywhere at all in its JSON. First the guard alone is asked, some hundred times a second: the
request must be kept here, or leave without the secret. Then a real gateway with a frontier behind
it gets the rest of the time, and everything that reached the frontier, its log, metrics and files
is searched. What is found is printed with what makes it again; exit status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import codecs
import copy
import gzip
import html
import json
import logging
import os
import random
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdnum import iban, luhn

from shortstop import dialects
from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import InvalidRequest, PrivacyRefused
from shortstop.privacy import BodyFormat, PrivacyGuard, ephemeral_guard
from shortstop.types import Caller, DialectName, Json, Reach, Request, Target
from tests.server import test_canary as places
from tests.server.conftest import running_gateway

REMOTE = Target("big", "big", local=False, provider="vendor", context=100_000)
CALLER = Caller()
DIALECTS: dict[str, DialectName] = {
    places.CHAT: "openai.chat",
    places.CLAUDE: "anthropic.messages",
    places.COUNT: "anthropic.messages",
    places.RESPONSES: "openai.responses",
    places.COMPLETIONS: "openai.completions",
}
IN_CODE = ("base64", "hexadecimal", "percent", "invisible", "backwards", "two parts", "file")
"""Places that write the value in a code of their own."""
IN_BODY = [place for place in places.SURFACES if place not in ("query", "path")]
WORDS = [
    *"so the see what please note invoice of May ist das Konto für die Anfrage voici".split(),  # noqa: SIM905
    *"server const x = 1; // TODO ## Title - item | a | b | 日本語 の 文 кошка 42 2024".split(),  # noqa: SIM905
    "\n",
    "\t",
]


# ---------------------------------------------------------------- what is planted


def token(draw: random.Random) -> str:
    return "ghp_" + "".join(draw.choices(string.ascii_letters + string.digits, k=36))


def card(draw: random.Random) -> str:
    number = "4" + "".join(draw.choices(string.digits, k=14))
    number += luhn.calc_check_digit(number)
    gap = draw.choice(("", " ", "-"))
    return gap.join(number[i : i + 4] for i in range(0, 16, 4))


def account(draw: random.Random) -> str:
    body = "".join(draw.choices(string.digits, k=18))
    return "DE" + iban.calc_check_digits("DE00" + body) + body


def plain(text: str) -> str:
    return text


def base64_of(text: str) -> str:
    return base64.b64encode(f"it is {text} there".encode()).decode()


def gzip_of(text: str) -> str:
    return base64.b64encode(gzip.compress(f"it is {text} there".encode(), mtime=0)).decode()


def hex_of(text: str) -> str:
    return f"it is {text} there".encode().hex()


def percent(text: str) -> str:
    return "".join(f"%{b:02X}" for b in text.encode())


def entities(text: str) -> str:
    return "".join(f"&#{ord(c)};" for c in text)


def named_entities(text: str) -> str:
    return html.escape(text).replace("@", "&commat;")


def escapes(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


def quoted(text: str) -> str:
    return "".join(f"={b:02X}" for b in text.encode())


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def in_json(text: str) -> str:
    return json.dumps({"body": json.dumps({"value": text})})


def joined(mark: str) -> Callable[[str], str]:
    return lambda text: mark.join(text)


def twice(text: str) -> str:
    return base64_of(base64_of(text))


READABLE = (plain, base64_of, hex_of, in_json)
WRITTEN = (*READABLE, percent, entities, escapes, quoted, wide, joined("\u200b"), joined("\u00ad"),
           gzip_of, twice)  # fmt: skip
TURNED = (*WRITTEN, lambda text: text[::-1], lambda text: codecs.encode(text, "rot13"))
NAMES = ("note", "x", "data", "signature", "id", "url", "cache_control", "arguments")
KINDS: tuple[tuple[Callable[[random.Random], str], tuple[Callable[[str], str], ...]], ...] = (
    (places.canary, TURNED),
    (token, TURNED),
    (places.address, (*WRITTEN, named_entities)),
    (card, READABLE),
    (account, READABLE),
)
"""What is drawn, and the codes in which privacy promises to read it (docs/privacy.md)."""


@dataclass(frozen=True)
class Case:
    """One request, and what must not be seen of it outside."""

    name: str
    value: str
    path: str
    body: Json


def cases(seed: int, first: int = 0) -> Iterator[tuple[int, Case]]:
    """Endless; the same for the same seed and number."""
    number = first
    while True:
        yield number, case(random.Random(f"{seed}-{number}"))
        number += 1


def case(draw: random.Random) -> Case:
    make, codes = draw.choice(KINDS)
    value, place = make(draw), draw.choice(IN_BODY)
    code = plain if place in IN_CODE else draw.choice(codes)
    written = code(value)
    if code is plain and place in IN_CODE and make not in (places.canary, token):
        place = "user"
    if draw.random() < 0.3:
        path, body = places.SURFACES["user"]("a harmless question")
        body = copy.deepcopy(body)
        place = put_anywhere(body, said(draw, written), draw)
    else:
        text = written if place in IN_CODE or draw.random() < 0.3 else said(draw, written)
        path, body = places.SURFACES[place](text)
    if draw.random() < 0.2 and path in (places.CHAT, places.CLAUDE):
        body = {**body, "stream": True}
    return Case(f"{make.__name__} as {code.__name__} in {place}", value, path, body)


def said(draw: random.Random, text: str) -> str:
    before, after = (" ".join(draw.choices(WORDS, k=draw.randrange(12))) for _ in range(2))
    return f"{before} {text} {after}"


def put_anywhere(body: Json, text: str, draw: random.Random) -> str:
    """Into some object of the body, as a value or as a key."""
    objects = [("$", body), *inside(body, "$")]
    path, chosen = draw.choice(objects)
    name = draw.choice(
        ("note", "x", "data", "signature", "id", "url", "cache_control", "arguments")
    )
    shape = draw.randrange(4)
    if shape == 0:
        chosen[text] = draw.choice((1, None, True, {}, [], "x", {"a": "b"}))
    else:
        chosen[name] = (text, [text], {"deep": [{"er": text}]})[shape - 1]
    return f"{path} by {name}" if shape else f"{path} as a key"


def inside(value: Any, path: str) -> Iterator[tuple[str, Json]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict):
            yield f"{path}.{key}", inner
        if isinstance(inner, dict | list):
            yield from inside(inner, f"{path}.{key}")


# ---------------------------------------------------------------- the guard alone


def guard(*rules: PrivacyRule) -> PrivacyGuard:
    def rebuild(request: Request, body: Json) -> Request:
        return dialects.get(request.dialect).decode_request(body, request.id)

    config = PrivacyConfig(policies={"default": PrivacyPolicy(rules=rules)})
    return ephemeral_guard(config, BodyFormat(rebuild, dialects.wire_words()), key=b"k" * 32)


def leak(found: Case, strict: PrivacyGuard, loose: PrivacyGuard) -> str:
    """What is wrong; "" when nothing is."""
    name = DIALECTS.get(found.path)
    try:
        if name is None:
            request = Request("r", "openai.chat", found.body, "auto", ())
        else:
            request = dialects.get(name).decode_request({"max_tokens": 1, **found.body}, "r")
    except InvalidRequest:
        return ""
    verdict = strict.clear(request, CALLER)
    if verdict.reach < Reach.LOCAL_ONLY:
        return f"may leave: {verdict.reasons}"
    if found.value in repr((verdict.labels, verdict.reasons, verdict.policy)):
        return "the verdict tells the value"
    pseudonymous = loose.clear(request, CALLER)
    if pseudonymous.reach >= Reach.LOCAL_ONLY:
        return ""
    try:
        left = loose.release(request, pseudonymous, REMOTE)
    except PrivacyRefused:
        return ""
    shown = json.dumps(left.request.body, ensure_ascii=False) + repr(left.request)
    return "left with its value" if seen(found.value, shown) else ""


def seen(value: str, text: str) -> bool:
    return any(form in text.encode("utf-8", "replace") for form in places.disguises(value))


def ask_the_guard(seed: int, first: int, until: float) -> tuple[int, list[tuple[int, Case, str]]]:
    strict, loose = guard(), guard(PrivacyRule("pseudonymise", tier="S2"))
    wrong: list[tuple[int, Case, str]] = []
    number = first
    for number, found in cases(seed, first):
        if time.monotonic() > until or len(wrong) >= MOST:
            break
        what = leak(found, strict, loose)
        if what:
            wrong.append((number, found, what))
    return number - first, wrong


# ---------------------------------------------------------------- a whole gateway

MOST = 20
"""Leaks after which it stops looking."""
AT_ONCE = 16
TRIAL = places.Trial(places.SHADOWS, places.STAND_INS + places.JUDGE)


async def ask_a_gateway(seed: int, until: float) -> tuple[int, list[tuple[int, Case, str]]]:
    """Everything at once, searched at the end."""
    planted: list[tuple[int, Case]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with running_gateway(Path(folder)) as gateway:
            await gateway.stop()
            gateway.config_file.write_text(places.configured(gateway, TRIAL))
            await gateway.start()
            numbers = cases(seed)

            async def client() -> None:
                while time.monotonic() < until:
                    number, found = next(numbers)
                    planted.append((number, found))
                    async with gateway.http.post(found.path, json=found.body) as answer:
                        await answer.read()

            await asyncio.gather(*(client() for _ in range(AT_ONCE)))
            async with gateway.http.get("/metrics") as answer:
                outside = {"metrics": await answer.read()}
            await gateway.stop()
        outside |= {"frontier": b"\n".join(gateway.frontier.received), "log": gateway.log}
        outside |= {p.name: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    cases_of = {found.value: (number, found) for number, found in planted}
    search = places.Search([found.value for _, found in planted])
    return len(planted), [
        (*cases_of[value], f"seen in {where}")
        for where, text in outside.items()
        for _, value in search(text)
    ][:MOST]


def main() -> int:
    parser = argparse.ArgumentParser(description="Look for leaks at random.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="by default drawn and printed")
    parser.add_argument("--case", type=int, default=None, help="ask the guard this one alone")
    told = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if told.seed is None else told.seed
    os.environ |= {"SHORTSTOP_PRIVACY_KEY": "fuzz", "SHORTSTOP_TRACES_KEY": "fuzz as well"}
    logging.disable()
    print(f"seed {seed}", flush=True)
    if told.case is not None:
        _, found = next(cases(seed, told.case))
        print(json.dumps(found.body, ensure_ascii=False, indent=1))
        strict, loose = guard(), guard(PrivacyRule("pseudonymise", tier="S2"))
        what = leak(found, strict, loose)
        print(f"{found.name}: {what or 'nothing leaks'}")
        return int(bool(what))
    half = told.minutes * 30
    asked, wrong = ask_the_guard(seed, 0, time.monotonic() + half)
    print(f"the guard alone: {asked} requests, {len(wrong)} leaks", flush=True)
    sent, more = asyncio.run(ask_a_gateway(seed, time.monotonic() + half))
    print(f"a gateway with shadows, a judge and stand-ins: {sent} requests, {len(more)} leaks")
    for number, found, what in (*wrong, *more):
        print(f"  --seed {seed} --case {number}: {found.name} ({found.value}): {what}")
    return int(bool(wrong or more))


if __name__ == "__main__":
    sys.exit(main())
