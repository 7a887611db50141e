"""The company's applications: each asks one kind of thing, in its own words and dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.company.sources import Item, Source, plain_text, tool_name

Json = dict[str, Any]
NO_ANSWER = "No answer fits"
NO_CALL = "None of the available functions can do that."
RECURRING = 20
"""Requests with the same tools from which on they are an application of their own."""
TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}


@dataclass(frozen=True, slots=True)
class App:
    """One application. `client` is the SDK that it uses, `check` how its answers are compared with
    a reference ("" not at all), `task` the name that it gives its requests, if any. `in_json`: a
    label is asked for as the value of a JSON object."""

    name: str
    kind: str
    client: str
    stream: bool
    system: str
    check: str
    max_tokens: int
    items: tuple[Item, ...]
    schema: Json | None = None
    in_json: bool = False
    task: str | None = None

    def body(self, item: Item) -> Json:
        """The request in OpenAI's chat dialect, without model and stream."""
        messages = [
            {"role": "system", "content": item.system or self.system},
            {"role": "user", "content": item.text},
        ]
        body: Json = {"messages": messages, "max_tokens": self.max_tokens, "temperature": 0}
        if item.tools:
            body["tools"] = [{"type": "function", "function": f} for f in functions(item.tools)]
        if self.schema:
            wanted = {"name": "answer", "strict": True, "schema": self.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        return body

    def says(self, gold: Any, item: Item) -> str:
        """The reference as an answer of this application."""
        return _SAYS[self.kind](self, gold, item)

    def check_of(self, item: Item) -> str:
        """The check for one item; "" where it has no reference."""
        return self.check if item.gold is not None or self.kind == "faq" else ""


def applications(sources: Sequence[Source]) -> list[App]:
    """One for each source; of tools that recur, one for each set of tools. Clients and forms take
    turns, so that each kind is seen in several where there are several."""
    apps: list[App] = []
    for source in _by_tools(sources):
        turn = sum(app.kind == source.kind for app in apps)
        apps.append(_MAKERS[source.kind](source, turn))
    return apps


def _by_tools(sources: Sequence[Source]) -> list[Source]:
    out = []
    for source in sources:
        if source.kind != "tools":
            out.append(source)
            continue
        sets: dict[str, list[Item]] = {}
        for item in source.items:
            sets.setdefault(item.tools, []).append(item)
        recurring = {tools: items for tools, items in sets.items() if len(items) >= RECURRING}
        for number, items in enumerate(recurring.values(), start=1):
            out.append(Source(f"{source.name}-{number}", "tools", tuple(items)))
        rest = tuple(item for item in source.items if item.tools not in recurring)
        if rest:
            out.append(Source(source.name, "tools", rest))
    return out


def functions(tools: str) -> list[Json]:
    """Function descriptions as OpenAI's dialect has them."""
    found: list[Json] = json.loads(tools)
    return [
        {**_typed(f), "name": tool_name(f["name"]), "parameters": _typed(f["parameters"])}
        for f in found
    ]


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: TYPES.get(v, v) if k == "type" and isinstance(v, str) else _typed(v)
            for k, v in value.items()
        }
    return [_typed(v) for v in value] if isinstance(value, list) else value


# ---------------------------------------------------------------- kinds


def _label_app(source: Source, turn: int) -> App:
    labels = sorted({str(item.gold) for item in source.items})
    listed = turn % 2 == 0
    system = f"You sort the messages that customers write to us ({source.name})."
    if listed:
        system += " Reply with exactly one of these labels and nothing else:\n" + "\n".join(labels)
    else:
        system += ' Reply with JSON: {"intent": "..."}, the name of the intent in our catalogue.'
    client = ("openai", "anthropic")[turn % 2]
    return App(
        source.name, "label", client, turn % 3 == 2, system, "label", 24, source.items,
        in_json=not listed,
    )  # fmt: skip


def _extract_app(source: Source, turn: int) -> App:
    names = sorted({name for item in source.items for name in item.gold})
    always = [n for n in names if all(item.gold.get(n) is not None for item in source.items)]
    lists = {n for n in names if any(isinstance(i.gold.get(n), list) for i in source.items)}
    one, several = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {name: several if name in lists else one for name in names},
        "required": always,
        "additionalProperties": False,
    }
    system = (
        f"Take these fields from the text ({source.name}) and reply with JSON: {', '.join(names)}."
        " Copy them as they are written. Leave out what is not there."
    )
    client = ("openai", "anthropic")[turn % 2]
    wanted = schema if client == "openai" else None
    return App(
        source.name, "extract", client, False, system, "extract", 256, source.items, wanted,
        task=f"read-{source.name}",
    )  # fmt: skip


def _faq_app(source: Source, turn: int) -> App:
    system = (
        f"You answer customers of our shop ({source.name}) with one of our vetted answers, word for"
        " word. Where none fits, say so and that a colleague will reply."
    )
    client = ("anthropic", "openai")[turn % 2]
    return App(
        source.name, "faq", client, client == "openai", system, "same", 160, source.items
    )  # fmt: skip


def _bank_app(source: Source, turn: int) -> App:
    system = f"You answer questions ({source.name}) with our vetted answer, word for word."
    return App(source.name, "bank", "openai", False, system, "same", 600, source.items)


def _tools_app(source: Source, turn: int) -> App:
    system = f"Do what the user asks with the functions you have ({source.name}), if they fit."
    client = ("openai", "anthropic")[turn % 2]
    return App(source.name, "tools", client, False, system, "calls", 400, source.items)


def _summary_app(source: Source, turn: int) -> App:
    system = f"Write a short clinical note of the conversation ({source.name})."
    return App(source.name, "summary", "openai", True, system, "rouge", 96, source.items)


def _hard_app(source: Source, turn: int) -> App:
    system = f"You are the assistant of the company's experts ({source.name}). Think it through."
    client = ("anthropic", "openai")[turn % 2]
    return App(source.name, "hard", client, False, system, "maths", 700, source.items)


def _assistant_app(source: Source, turn: int) -> App:
    system = f"You are the company's assistant ({source.name}). Be brief."
    return App(source.name, "assistant", "openai", False, system, "", 48, source.items)


_MAKERS: dict[str, Callable[[Source, int], App]] = {
    "label": _label_app,
    "extract": _extract_app,
    "faq": _faq_app,
    "bank": _bank_app,
    "tools": _tools_app,
    "summary": _summary_app,
    "hard": _hard_app,
    "assistant": _assistant_app,
}


# ---------------------------------------------------------------- answers


def _says_label(app: App, gold: Any, item: Item) -> str:
    return json.dumps({"intent": gold}) if app.in_json else str(gold)


def _says_json(app: App, gold: Any, item: Item) -> str:
    return json.dumps(gold, ensure_ascii=False)


def _says_faq(app: App, gold: Any, item: Item) -> str:
    if gold is None:
        about = " ".join(plain_text(item.text).split()[:8])
        return f"{NO_ANSWER} what you wrote about: {about}. A colleague will reply."
    subject = str(gold).replace("_", " ").lower()
    return (
        f"Thank you for asking about {subject}. Our page on {subject} tells you all that you need,"
        f" step by step; see help.example/{subject.replace(' ', '-')}. Is there anything else?"
    )


def _says_calls(app: App, gold: Any, item: Item) -> str:
    if not gold:
        return NO_CALL
    return json.dumps([{n: _arguments(a) for n, a in call.items()} for call in gold])


def _arguments(accepted: Json) -> Json:
    return {name: _plain(values[0]) for name, values in accepted.items() if "" not in values}


def _plain(value: Any) -> Any:
    """An accepted value of an object lists what each of its parts may be."""
    if isinstance(value, dict):
        return {k: _plain(v[0] if isinstance(v, list) and v else v) for k, v in value.items()}
    return value


def _says_text(app: App, gold: Any, item: Item) -> str:
    return str(gold)


def _says_long(app: App, gold: Any, item: Item) -> str:
    """No reference text: as long an answer as such a question gets, from the question's words."""
    words = item.text.split() or ["nothing"]
    length = 250 + len(item.id + item.text) * 7 % 350 if app.kind == "hard" else 30
    body = " ".join(words[at % len(words)] for at in range(length))
    end = f" The answer is {gold[0]}" if isinstance(gold, list) and gold else ""
    return f"{body}.{end}"


_SAYS: dict[str, Callable[[App, Any, Item], str]] = {
    "label": _says_label,
    "extract": _says_json,
    "faq": _says_faq,
    "bank": _says_text,
    "tools": _says_calls,
    "summary": _says_text,
    "hard": _says_long,
    "assistant": _says_long,
}
