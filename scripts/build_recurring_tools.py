"""Builds the recurring-tools set: 2,000 single requests to three assistants of a company, 20 tools.

    python -m scripts.build_recurring_tools

Wordings stand in recurring_tools.toml, each written by hand; values are drawn. Rows are in order of
time: the first 1,400 train, the last 600 test. Wordings and values marked "!" occur in the test
alone; of three tools ("held_out") the test has no other wordings. The output is a function of this
file, the TOML and SEED: it is frozen, its hash stands in bench/data/recurring_tools/README.md.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

SEED = 2026
TRAIN, TEST = 1400, 600
IRRELEVANT = 0.15
PORTUGUESE = 0.2
NEW_WORDING = 0.2
"""Share of the test's calls, of tools whose wordings are not all held out."""
NEW_VALUE = 0.4
FOLDER = Path(__file__).parent.parent / "bench" / "data" / "recurring_tools"
FIRST_DAY = date(2026, 1, 5)
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro"
    " dezembro",
}
DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
}
COUNTS = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "pt": "dois três quatro cinco seis sete oito nove dez onze doze",
}
SLOT = re.compile(r"\{(\w+)\}")
OPTION = re.compile(r"<([^<>]*)>")
REPLIES = (
    "That needs no tool; let me answer in words.",
    "Happy to help with that.",
    "I see. Go on.",
)


class Value(NamedTuple):
    """As the user writes it, and as it stands in the call."""

    written: str
    meant: Any


class Draw(NamedTuple):
    """Of one row."""

    dice: random.Random
    language: str
    test: bool
    today: date


class Book:
    """The TOML: wordings, phrases and pools, each as (all that train may use, new ones)."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree = tree
        self.tools: dict[str, Any] = tree["tools"]

    def wording(self, source: dict[str, Any], draw: Draw) -> tuple[str, bool]:
        """A wording, and whether only the test has it."""
        lines = source[draw.language].strip().splitlines()
        old = [line for line in lines if not line.startswith("!")]
        new = [line[1:] for line in lines if line.startswith("!")]
        chance = 1.0 if source.get("held_out") else NEW_WORDING
        if draw.test and new and draw.dice.random() < chance:
            return draw.dice.choice(new), True
        return draw.dice.choice(old), False

    def pool(self, name: str, draw: Draw) -> str:
        pools = self.tree["pools"]
        own = pools.get(f"{name}_pt") if draw.language == "pt" else None
        words: list[str] = (own or pools[name]).split("|")
        new = [word[1:] for word in words if word.startswith("!")]
        if draw.test and draw.dice.random() < NEW_VALUE:
            return draw.dice.choice(new)
        return draw.dice.choice([word for word in words if not word.startswith("!")])

    def phrase(self, name: str, draw: Draw) -> Value:
        meanings = self.tree["phrases"][name]
        meant = draw.dice.choice(sorted(meanings))
        written = draw.dice.choice(meanings[meant][draw.language].split("|"))
        return Value(written, True if meant == "true" else meant)

    def value(self, name: str, about: dict[str, Any], draw: Draw) -> Value:
        if name in ("from", "to"):
            return self.phrase("currency", draw)
        if "enum" in about or about.get("type") == "boolean":
            return self.phrase(name, draw)
        kind = about.get("pool", name)
        kind = "date" if about.get("format") == "date" else kind
        if kind in SHAPES:
            return SHAPES[kind](self, draw)
        return Value(written := self.pool(kind, draw), written)


def order_id(book: Book, draw: Draw) -> Value:
    n = draw.dice.randrange(10_000, 99_999)
    shapes = [f"{n}", f"{n}", f"ORD-{n}", f"A{n}", f"{n}-{draw.dice.randrange(10)}"]
    meant = draw.dice.choice([*shapes, f"2026/{n}"] if draw.test else shapes)
    mark = draw.dice.choice(["", "", "", "#", "no. "]) if meant[0].isdigit() else ""
    return Value(mark + meant, meant)


def tracking(book: Book, draw: Draw) -> Value:
    digits = "".join(draw.dice.choice("0123456789") for _ in range(14))
    shapes = [f"1Z{digits[:12]}", f"RR{digits[:9]}PT", f"JD{digits}", digits]
    return Value(meant := draw.dice.choice(shapes), meant)


def grouped(amount: float, language: str) -> str:
    whole = amount == int(amount)
    text = f"{amount:,.0f}" if whole else f"{amount:,.2f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def money(book: Book, draw: Draw) -> Value:
    amount = draw.dice.choice([draw.dice.randrange(5, 400), draw.dice.randrange(500, 90_000) / 100])
    text = grouped(amount, draw.language)
    if draw.language == "pt":
        return Value(draw.dice.choice([f"{text} €", f"{text} euros", f"{text}€"]), amount)
    return Value(draw.dice.choice([f"€{text}", f"${text}", f"{text} euros", f"EUR {text}"]), amount)


def plain_amount(book: Book, draw: Draw) -> Value:
    amount = draw.dice.choice(
        [
            draw.dice.randrange(5, 1000),
            draw.dice.randrange(1000, 20_000),
            draw.dice.randrange(9999) / 100,
        ]
    )
    text = grouped(amount, draw.language)
    plain = f"{amount}" if draw.language == "en" else text
    return Value(draw.dice.choice([text, plain]), amount)


def threshold(book: Book, draw: Draw) -> Value:
    thousands = draw.dice.choice([5, 10, 20, 25, 40, 50, 75, 100])
    text = grouped(thousands * 1000, draw.language)
    shapes = [text, f"{thousands}k", f"{thousands}000", f"€{text}", f"{text} EUR"]
    return Value(draw.dice.choice(shapes), thousands * 1000)


def quantity(book: Book, draw: Draw) -> Value:
    if draw.dice.random() < 0.2:
        n = draw.dice.randrange(2, 13)
        return Value(COUNTS[draw.language].split()[n - 2], n)
    n = draw.dice.choice([draw.dice.randrange(2, 30), draw.dice.randrange(30, 600)])
    return Value(f"{n}", n)


def percent(book: Book, draw: Draw) -> Value:
    n = draw.dice.choice([3, 5, 7.5, 10, 12, 12.5, 15, 20, 25, 30])
    text = f"{n}" if draw.language == "en" else f"{n}".replace(".", ",")
    word = "percent" if draw.language == "en" else "por cento"
    return Value(draw.dice.choice([f"{text}%", f"{text}%", f"{text} %", f"{text} {word}"]), n)


def day(book: Book, draw: Draw) -> Value:
    if draw.dice.random() < 0.2:
        return relative_day(draw)
    when = draw.today + timedelta(days=draw.dice.randrange(1, 150))
    month, n = MONTHS[draw.language].split()[when.month - 1], when.day
    shapes = [when.isoformat(), f"{when:%d/%m/%Y}", f"{n}.{when.month}.{when.year}"]
    if draw.language == "pt":
        shapes += [f"{n} de {month}", f"{n} de {month}", f"{n} de {month} de {when.year}"]
    else:
        end = "th" if 10 < n < 14 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
        shapes += [f"{n} {month}", f"{month} {n}", f"{month} {n}{end}", f"{n}{end} {month}"]
        shapes += [f"{month[:3]} {n}", f"{n} {month[:3]}", f"{month} {n}, {when.year}"]
        shapes += [f"the {n}{end} of {month}"] if draw.test else []
    return Value(draw.dice.choice(shapes), when.isoformat())


def relative_day(draw: Draw) -> Value:
    ahead = draw.dice.randrange(1, 7)
    when = draw.today + timedelta(days=ahead)
    name = DAYS[draw.language].split()[when.weekday()]
    tomorrow = "tomorrow" if draw.language == "en" else "amanhã"
    if ahead == 1:
        return Value(tomorrow, when.isoformat())
    if draw.language == "en" and when.weekday() < draw.today.weekday():
        name = draw.dice.choice([name, f"next {name}"])
    return Value(name, when.isoformat())


def clock(book: Book, draw: Draw) -> Value:
    hour, minute = draw.dice.randrange(8, 19), draw.dice.choice([0, 0, 0, 15, 30, 30, 45])
    meant = f"{hour:02}:{minute:02}"
    if draw.language == "pt":
        shapes = [meant, f"{hour}h{minute:02}" if minute else f"{hour}h"]
        return Value(draw.dice.choice(shapes), meant)
    half = "am" if hour < 12 else "pm"
    short = f"{(hour - 1) % 12 + 1}" + (f":{minute:02}" if minute else "")
    shapes = [
        meant,
        f"{hour}:{minute:02}",
        f"{short}{half}",
        f"{short} {half}",
        f"{short} {half.upper()}",
    ]
    shapes += ["noon"] if meant == "12:00" else []
    return Value(draw.dice.choice(shapes), meant)


def minutes(book: Book, draw: Draw) -> Value:
    n = draw.dice.choice([15, 20, 30, 30, 45, 60, 60, 90, 120])
    return Value(f"{n}", n)


def email(book: Book, draw: Draw) -> Value:
    first, last = book.pool("first", draw), book.pool("surname", draw)
    shapes = [
        f"{first}.{last}",
        f"{first}.{last}",
        first,
        f"{first[0]}{last}",
        f"{first}_{last}{draw.dice.randrange(99)}",
    ]
    return Value(meant := f"{draw.dice.choice(shapes)}@{book.pool('domain', draw)}", meant)


def emails(book: Book, draw: Draw) -> Value:
    found = [email(book, draw).meant for _ in range(draw.dice.choice([1, 2, 2, 3]))]
    last = " and " if draw.language == "en" else " e "
    joined = ", ".join(found)
    if len(found) > 1 and draw.dice.random() < 0.6:
        joined = ", ".join(found[:-1]) + last + found[-1]
    return Value(joined, found)


def customer_or_email(book: Book, draw: Draw) -> Value:
    if draw.dice.random() < 0.35:
        return email(book, draw)
    return Value(written := book.pool("customer", draw), written)


def address(book: Book, draw: Draw) -> Value:
    street, city, n = (
        book.pool("street", draw),
        book.pool("city", draw),
        draw.dice.randrange(1, 240),
    )
    code = draw.dice.choice(
        [
            f"{draw.dice.randrange(1000, 9999)}-{draw.dice.randrange(100, 999)}",
            f"{draw.dice.randrange(10_000, 99_999)}",
        ]
    )
    shapes = [
        f"{street} {n}, {code} {city}",
        f"{n} {street}, {city} {code}",
        f"{street} {n}, {city}",
    ]
    return Value(meant := draw.dice.choice(shapes), meant)


SHAPES: dict[str, Callable[[Book, Draw], Value]] = {
    "order_id": order_id, "tracking": tracking, "amount": money, "plain_amount": plain_amount,
    "min_amount": threshold, "quantity": quantity, "discount_percent": percent, "date": day,
    "time": clock, "minutes": minutes, "email": email, "emails": emails,
    "customer_or_email": customer_or_email, "address": address,
}  # fmt: skip


def worded(
    book: Book, wording: str, values: dict[str, Any], draw: Draw
) -> tuple[str, dict[str, Any]]:
    """The request, and what stands in the call; a slot of the same name twice has one value."""
    text = OPTION.sub(lambda m: m.group(1) if draw.dice.random() < 0.5 else "", wording)
    meant: dict[str, Any] = {}
    written: dict[str, str] = {}
    for name in SLOT.findall(text):
        if name not in written:
            drawn = book.value(name, values.get(name, {}), draw)
            while not sensible(name, drawn.meant, meant):
                drawn = book.value(name, values.get(name, {}), draw)
            written[name], meant[name] = drawn
    pieces = re.split(r"(\{\w+\})", text)
    noisy = [p if SLOT.fullmatch(p) else mistyped(p, draw.dice) for p in pieces]
    told = "".join(written[p[1:-1]] if SLOT.fullmatch(p) else p for p in noisy)
    told = re.sub(r"\b(?:on|no dia|dia|em) (tomorrow|next|amanhã)\b", r"\1", told)
    return around(book, re.sub(r" +", " ", told).strip(" ,-"), draw), meant


def sensible(name: str, value: Any, others: dict[str, Any]) -> bool:
    """No conversion into the same currency, no leave that ends before it begins."""
    if name == "to":
        return bool(value != others.get("from"))
    return name != "end_date" or bool(value >= others["start_date"])


def mistyped(words: str, dice: random.Random) -> str:
    """One slip in some texts, never in a value."""
    long = list(re.finditer(r"[a-z]{5,}", words))
    if not long or dice.random() > 0.05:
        return words
    at = dice.choice(long).start() + dice.randrange(1, 4)
    return words[:at] + dice.choice(["", words[at + 1] + words[at]]) + words[at + 2 :]


def around(book: Book, text: str, draw: Draw) -> str:
    around = book.tree["around"]
    if draw.dice.random() < 0.12:
        text = draw.dice.choice(around[f"before_{draw.language}"].split("|")) + text
    elif draw.dice.random() < 0.3:
        text = text[0].upper() + text[1:] if text[:2].isascii() and text[:2].islower() else text
    if draw.dice.random() < 0.1:
        text += draw.dice.choice(around[f"after_{draw.language}"].split("|"))
    elif draw.dice.random() < 0.25 and text[-1].isalnum():
        text += "."
    return text


def called(book: Book, draw: Draw, weights: dict[str, float]) -> dict[str, Any]:
    name = draw.dice.choices(list(weights), list(weights.values()))[0]
    tool = book.tools[name]
    wording, new = book.wording(tool, draw)
    text, arguments = worded(book, wording, tool["args"], draw)
    calls = [{"name": name, "arguments": {a: arguments[a] for a in tool["args"] if a in arguments}}]
    return {
        "assistant": tool["assistant"],
        "text": text,
        "calls": calls,
        "new_wording": new,
        "wording": wording,
    }


def irrelevant(book: Book, draw: Draw) -> dict[str, Any]:
    """Small talk, questions for which there is no tool, and what another assistant's tools do."""
    assistant = draw.dice.choice(list(book.tree["assistants"]))
    about = book.tree["assistants"][assistant]
    roll = draw.dice.random()
    if roll < about["small_talk"]:
        source = book.tree["small_talk"]
    elif roll < 0.65:
        others = [tool for tool in book.tools.values() if tool["assistant"] != assistant]
        source = draw.dice.choice(others)
    else:
        source = about
    wording, new = book.wording(source, draw)
    text, _ = worded(book, wording, source.get("args", {}), draw)
    reply = draw.dice.choice(REPLIES)
    return {
        "assistant": assistant,
        "text": text,
        "calls": [],
        "new_wording": new,
        "wording": wording,
        "reply": reply,
    }


def rows(book: Book) -> list[dict[str, Any]]:
    dice = random.Random(SEED)
    weights = {name: dice.uniform(0.6, 1.5) for name in book.tools}
    out: list[dict[str, Any]] = []
    seen: set[str] = set()
    while len(out) < TRAIN + TEST:
        number = len(out)
        today = FIRST_DAY + timedelta(days=number // 20)
        language = "pt" if dice.random() < PORTUGUESE else "en"
        draw = Draw(dice, language, number >= TRAIN, today)
        row = irrelevant(book, draw) if dice.random() < IRRELEVANT else called(book, draw, weights)
        if row["text"].lower() in seen:
            continue
        seen.add(row["text"].lower())
        midnight = datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp()
        at = midnight + 28_800 + (number % 20) * 1500 + dice.randrange(1500)
        split = "test" if draw.test else "train"
        out.append({"id": f"r{number:04}", "at": at, "split": split, "language": language, **row})
    return out


def functions(book: Book) -> dict[str, Any]:
    """Each assistant with its system prompt and its tools as OpenAI's API takes them."""
    assistants = {}
    for name, about in book.tree["assistants"].items():
        tools = [function(n, tool) for n, tool in book.tools.items() if tool["assistant"] == name]
        assistants[name] = {"system": about["system"], "tools": tools}
    return assistants


def function(name: str, tool: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for arg, about in tool["args"].items():
        said = {k: v for k, v in about.items() if k not in ("required", "pool")}
        properties[arg] = said | ({"items": {"type": "string"}} if said["type"] == "array" else {})
    required = [arg for arg, about in tool["args"].items() if about["required"]]
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"name": name, "description": tool["description"], "parameters": schema}


def main() -> None:
    book = Book(tomllib.loads(Path(__file__).with_name("recurring_tools.toml").read_text("utf-8")))
    FOLDER.mkdir(exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(book))
    (FOLDER / "requests.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    tools = json.dumps(functions(book), ensure_ascii=False, indent=1)
    (FOLDER / "tools.json").write_text(tools + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
