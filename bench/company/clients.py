"""The company's programs: official SDKs against the gateway, with a stopwatch; and its people."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import openai

from bench.company.apps import App
from bench.company.setting import LOCAL
from bench.company.stream import Ask

Json = dict[str, Any]
CONCURRENCY = 2
"""Requests of one application that are under way at once; applications do not wait for others."""
TIMEOUT = 180.0
ANTHROPIC = find_spec("anthropic") is not None
"""Whether its SDK is installed; the demo does without."""
REVIEWED, THUMBS, MISTAKEN = 0.03, 0.02, 0.1
"""Shares of requests whose answer a reviewer reads (and corrects where it is wrong), and a user
likes or dislikes; the share of users who get that wrong."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an ask. `request` is the gateway's id of it, `target` who answered, `kind` the
    specialist's header; `seconds` by the client's stopwatch, `first` until the first words."""

    ask: Ask
    text: str
    seconds: float
    first: float
    request: str = ""
    target: str = ""
    task: str = ""
    why: str = ""
    tier: str = ""
    specialist: str = ""
    error: str = ""


def with_installed_clients(apps: Sequence[App]) -> list[App]:
    """The applications, with OpenAI's SDK where another one is not installed."""
    return [app if ANTHROPIC else replace(app, client="openai") for app in apps]


class Clients:
    """Sends asks to the gateway at `base` ("http://host:port") with a key of its users."""

    def __init__(self, base: str, key: str) -> None:
        options: Json = {"max_retries": 0, "timeout": TIMEOUT, "api_key": key}
        self._openai = openai.AsyncOpenAI(base_url=f"{base}/v1", **options)
        self._anthropic: Any = None
        if ANTHROPIC:
            import anthropic

            self._anthropic = anthropic.AsyncAnthropic(base_url=base, **options)
            self._errors: tuple[type[Exception], ...] = (openai.APIError, anthropic.APIError)
        else:
            self._errors = (openai.APIError,)

    async def close(self) -> None:
        await self._openai.close()
        if self._anthropic is not None:
            await self._anthropic.close()

    async def ready(self, patience: float) -> bool:
        """Wait until the local model is asked and answers, so many seconds at most."""
        until = time.monotonic() + patience
        say = [{"role": "user", "content": "Say yes."}]
        while time.monotonic() < until:
            try:
                await self._openai.chat.completions.create(
                    model=LOCAL,
                    messages=say,  # type: ignore[arg-type] # a plain dict
                    max_tokens=1,
                    extra_headers={"x-shortstop-task": "watch"},
                )
            except openai.APIError:
                await asyncio.sleep(1)
            else:
                return True
        return False

    async def send_all(
        self, asks: Sequence[Ask], done: Callable[[Outcome], None], model: str = "auto"
    ) -> list[Outcome]:
        """All of them, so many of each application at once, in their order."""
        slots = {ask.app: asyncio.Semaphore(CONCURRENCY) for ask in asks}

        async def one(ask: Ask) -> Outcome:
            async with slots[ask.app]:
                outcome = await self.send(ask, model)
            done(outcome)
            return outcome

        return await asyncio.gather(*(one(ask) for ask in asks))

    async def send(self, ask: Ask, model: str = "auto") -> Outcome:
        """One ask; a refusal is an outcome, too."""
        started = time.perf_counter()
        use = self._with_anthropic if ask.client == "anthropic" else self._with_openai
        try:
            text, first, headers = await use(ask, model, started)
        except self._errors as error:
            spent = time.perf_counter() - started
            return Outcome(ask, "", spent, spent, error=str(error)[:200])
        return Outcome(
            ask,
            text,
            time.perf_counter() - started,
            first,
            request=headers.get("x-request-id", ""),
            target=headers.get("x-shortstop-target", ""),
            task=headers.get("x-shortstop-task", ""),
            why=headers.get("x-shortstop-decision", "").split(";")[0],
            tier=headers.get("x-shortstop-tier", ""),
            specialist=headers.get("x-shortstop-specialist", ""),
        )

    async def _with_openai(
        self, ask: Ask, model: str, started: float
    ) -> tuple[str, float, Mapping[str, str]]:
        chat = self._openai.chat.completions
        extra = {"x-shortstop-task": ask.task} if ask.task else {}
        if not ask.stream:
            raw = await chat.with_raw_response.create(model=model, extra_headers=extra, **ask.body)
            message = raw.parse().choices[0].message
            calls = [(c.function.name, c.function.arguments) for c in message.tool_calls or ()]
            said = _called(calls) if calls else message.content or ""
            return said, time.perf_counter() - started, raw.headers
        parts: list[str] = []
        first = 0.0
        make = chat.with_streaming_response.create
        async with make(model=model, stream=True, extra_headers=extra, **ask.body) as raw:
            async for chunk in await raw.parse():
                for choice in chunk.choices:
                    if choice.delta.content:
                        first = first or time.perf_counter() - started
                        parts.append(choice.delta.content)
            return "".join(parts), first, raw.headers

    async def _with_anthropic(
        self, ask: Ask, model: str, started: float
    ) -> tuple[str, float, Mapping[str, str]]:
        extra = {"x-shortstop-task": ask.task} if ask.task else {}
        raw = await self._anthropic.messages.with_raw_response.create(
            model=model, extra_headers=extra, **anthropic_body(ask.body)
        )
        blocks = (await raw.parse()).content
        calls = [(b.name, json.dumps(b.input)) for b in blocks if b.type == "tool_use"]
        said = _called(calls) if calls else "".join(b.text for b in blocks if b.type == "text")
        return said, time.perf_counter() - started, raw.headers

    async def metrics(self) -> dict[str, float]:
        """The gateway's counters by name, over all labels; {} where they cannot be read."""
        base = str(self._openai.base_url).removesuffix("/v1/")
        try:
            text = await self._openai.get(f"{base}/metrics", cast_to=str)
        except openai.APIError:
            return {}
        return totals(text)

    async def idle(self, patience: float) -> None:
        """Wait until the local engine has nothing to do, so many seconds at most."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            figures = await self.metrics()
            if not any(figures.get(f"shortstop_engine_{what}") for what in ("running", "waiting")):
                return
            await asyncio.sleep(0.2)

    async def feedback(self, body: Json, key: str) -> bool:
        """Whether the gateway took it."""
        headers = {"authorization": f"Bearer {key}"}
        try:
            await self._openai.with_options(default_headers=headers).post(
                "/feedback", body=body, cast_to=object
            )
        except openai.APIError:
            return False
        return True


def totals(metrics: str) -> dict[str, float]:
    """Prometheus text as sums by name; without histograms' buckets."""
    sums: dict[str, float] = {}
    for line in metrics.splitlines():
        name = line.partition("{")[0].partition(" ")[0]
        if name.startswith("shortstop_") and not name.endswith("_bucket"):
            sums[name] = sums.get(name, 0.0) + float(line.rpartition(" ")[2])
    return sums


def anthropic_body(body: Json) -> Json:
    """OpenAI's chat body as Anthropic's Messages have it."""
    system, *messages = body["messages"]
    made: Json = {
        "system": system["content"],
        "messages": messages,
        "max_tokens": body["max_tokens"],
    }
    if "tools" in body:
        made["tools"] = [
            {
                "name": tool["function"]["name"],
                "description": tool["function"].get("description", ""),
                "input_schema": tool["function"]["parameters"],
            }
            for tool in body["tools"]
        ]
    return made


def _called(calls: Sequence[tuple[str, str]]) -> str:
    made = []
    for name, arguments in calls:
        try:
            made.append({name: json.loads(arguments)})
        except ValueError:
            made.append({name: arguments})
    return json.dumps(made)


class People:
    """A few reviewers and users, who say what they think of answers. Reviewers read what is
    disputed first. `seed` decides who speaks."""

    def __init__(self, user: str, reviewer: str, seed: int) -> None:
        self._user = user
        self._reviewer = reviewer
        self._chance = random.Random(f"{seed} people")
        self.reviews = self.disputes = self.thumbs = self.refused = 0

    async def react(
        self,
        clients: Clients,
        outcomes: Sequence[Outcome],
        disputed: Collection[str],
        gold_says: Callable[[Ask], str | None],
    ) -> None:
        """Say what people say at the end of a day. `disputed` are ids of requests to which another
        answer was known; `gold_says` gives the right one in the application's words."""
        answers = [o for o in outcomes if o.request and o.ask.right(o.text) is not None]
        self._chance.shuffle(answers)
        answers.sort(key=lambda o: o.request not in disputed)
        reviewed = round(REVIEWED * len(outcomes))
        for outcome in answers[:reviewed]:
            self.disputes += outcome.request in disputed
            await self._review(clients, outcome, gold_says(outcome.ask))
        for outcome in answers[reviewed : reviewed + round(THUMBS * len(outcomes))]:
            await self._like(clients, outcome)

    async def _review(self, clients: Clients, outcome: Outcome, gold_says: str | None) -> None:
        right = bool(outcome.ask.right(outcome.text))
        said = {"request_id": outcome.request, "target": outcome.target, "score": float(right)}
        if not right and gold_says is not None:
            said["correction"] = gold_says
        self.reviews += 1
        self.refused += not await clients.feedback(said, self._reviewer)

    async def _like(self, clients: Clients, outcome: Outcome) -> None:
        mistaken = self._chance.random() < MISTAKEN
        liked = bool(outcome.ask.right(outcome.text)) != mistaken
        said = {"request_id": outcome.request, "target": outcome.target, "label": liked}
        self.thumbs += 1
        self.refused += not await clients.feedback(said, self._user)
