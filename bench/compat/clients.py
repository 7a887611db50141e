"""The Python clients' cases. Runs in an environment of its own: `clients.py URL NAME`.

Prints one JSON line a case: {"case", "ok", "note"}. The frontier is scripted: `!say TEXT` makes it
say TEXT, `!call NAME JSON` makes it call a tool, `!status N` makes it fail, all else is echoed.
"""

# mypy: ignore-errors
from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

URL = sys.argv[1]
KEY = "unused"
CALL = '!call get_weather {"city":"Paris"}'
Cases = dict[str, Callable[[], object]]


def same(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{found!r} instead of {wanted!r}")


def raises(kind: type[Exception], work: Callable[[], object]) -> Exception:
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"18 degrees in {city}"


TOOL = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


def openai_cases() -> Cases:
    import openai
    from pydantic import BaseModel

    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}]

    class City(BaseModel):
        city: str

    def user(text: str, **more: object) -> object:
        messages = [{"role": "user", "content": text}]
        return client.chat.completions.create(model="big", messages=messages, **more)

    def streamed() -> None:
        chunks = list(user("!say one two", stream=True, stream_options={"include_usage": True}))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        same(text.strip(), "one two")
        same(chunks[-1].usage.completion_tokens, 5)

    def tool_loop() -> None:
        message = user(CALL, tools=tools).choices[0].message
        call = message.tool_calls[0]
        same(json.loads(call.function.arguments), {"city": "Paris"})
        done = client.chat.completions.create(
            model="big",
            tools=tools,
            messages=[
                {"role": "user", "content": CALL},
                message.model_dump(exclude_none=True),
                {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"},
            ],
        )
        same(done.choices[0].message.content, "echo: 18 degrees")

    def streamed_tools() -> None:
        with client.chat.completions.stream(
            model="big", messages=[{"role": "user", "content": CALL}], tools=tools
        ) as stream:
            message = stream.get_final_completion().choices[0].message
        same(json.loads(message.tool_calls[0].function.arguments), {"city": "Paris"})

    def parsed() -> None:
        done = client.chat.completions.parse(
            model="big",
            messages=[{"role": "user", "content": '!say {"city":"Paris"}'}],
            response_format=City,
        )
        same(done.choices[0].message.parsed, City(city="Paris"))

    def responses() -> None:
        first = client.responses.create(model="big", input="!say one")
        second = client.responses.create(
            model="big", input="!say two", previous_response_id=first.id
        )
        same(second.output_text, "two")
        events = [e.type for e in client.responses.create(model="big", input="!say x", stream=True)]
        same((events[0], events[-1]), ("response.created", "response.completed"))

    def errors() -> None:
        same(raises(openai.NotFoundError, lambda: client.models.retrieve("nope")).status_code, 404)
        limited = raises(openai.RateLimitError, lambda: user("!status 429 retry=1"))
        same(limited.response.headers["retry-after"], "1")
        raises(openai.BadRequestError, lambda: user("x", temperature=9))

    return {
        "whole": lambda: same(user("!say hi").choices[0].message.content, "hi"),
        "streamed, usage": streamed,
        "tools, two turns": tool_loop,
        "tools, streamed": streamed_tools,
        "structured": parsed,
        "responses, previous_response_id": responses,
        "embeddings": lambda: len(
            client.embeddings.create(model="auto", input="x").data[0].embedding
        ),
        "models": lambda: same("big" in [m.id for m in client.models.list()], True),
        "errors": errors,
    }


def anthropic_cases() -> Cases:
    import anthropic

    client = anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0)
    tools = [{"name": "get_weather", "description": "x", "input_schema": TOOL}]

    def user(text: str, **more: object) -> object:
        messages = [{"role": "user", "content": text}]
        return client.messages.create(model="big", max_tokens=50, messages=messages, **more)

    def streamed() -> None:
        with client.messages.stream(
            model="big", max_tokens=50, messages=[{"role": "user", "content": "!say one two"}]
        ) as stream:
            same("".join(stream.text_stream).strip(), "one two")
            same(stream.get_final_message().stop_reason, "end_turn")

    def tool_loop() -> None:
        first = user(CALL, tools=tools)
        call = first.content[-1]
        same((first.stop_reason, call.input), ("tool_use", {"city": "Paris"}))
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}
        done = client.messages.create(
            model="big",
            max_tokens=50,
            tools=tools,
            messages=[
                {"role": "user", "content": CALL},
                {"role": "assistant", "content": first.content},
                {"role": "user", "content": [result]},
            ],
        )
        same(done.content[0].text, "echo: 18 degrees")

    def streamed_tools() -> None:
        with client.messages.stream(
            model="big", max_tokens=50, tools=tools, messages=[{"role": "user", "content": CALL}]
        ) as stream:
            same(stream.get_final_message().content[-1].input, {"city": "Paris"})

    return {
        "whole": lambda: same(user("!say hi").content[0].text, "hi"),
        "streamed": streamed,
        "tools, two turns": tool_loop,
        "tools, streamed": streamed_tools,
        "count_tokens": lambda: (
            client.messages.count_tokens(
                model="big", messages=[{"role": "user", "content": "hello"}]
            ).input_tokens
        ),
        "errors": lambda: raises(anthropic.RateLimitError, lambda: user("!status 429")),
    }


def langchain(model: object) -> Cases:
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    weather = tool(get_weather)

    def streamed() -> None:
        same("".join(str(c.text) for c in model.stream("!say one two")).strip(), "one two")

    def tool_loop() -> None:
        bound = model.bind_tools([weather])
        first = bound.invoke(CALL)
        same(first.tool_calls[0]["args"], {"city": "Paris"})
        result = ToolMessage("18 degrees", tool_call_id=first.tool_calls[0]["id"])
        same(bound.invoke([HumanMessage(CALL), first, result]).text, "echo: 18 degrees")

    return {
        "whole": lambda: same(model.invoke("!say hi").text, "hi"),
        "usage": lambda: same(model.invoke("!say hi").usage_metadata["output_tokens"], 5),
        "streamed": streamed,
        "tools, two turns": tool_loop,
    }


def langchain_openai_cases() -> Cases:
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings
    from pydantic import BaseModel

    class City(BaseModel):
        city: str

    model = ChatOpenAI(model="big", base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    vectors = OpenAIEmbeddings(
        model="auto", base_url=f"{URL}/v1", api_key=KEY, check_embedding_ctx_length=False
    )
    return {
        **langchain(model),
        "structured": lambda: same(
            model.with_structured_output(City).invoke('!say {"city":"Paris"}'), City(city="Paris")
        ),
        "embeddings": lambda: same(len(vectors.embed_documents(["a", "b"])), 2),
    }


def langchain_anthropic_cases() -> Cases:
    from langchain_anthropic import ChatAnthropic

    return langchain(ChatAnthropic(model="big", base_url=URL, api_key=KEY, max_retries=0))


def pydantic_ai_cases() -> Cases:
    from pydantic import BaseModel
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    class City(BaseModel):
        city: str

    model = OpenAIChatModel("big", provider=OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY))

    def structured() -> None:
        agent = Agent(model, output_type=City)
        done = agent.run_sync('!call final_result {"city":"Paris"}')
        same(done.output, City(city="Paris"))

    def streamed() -> None:
        import asyncio

        async def run() -> str:
            async with Agent(model).run_stream("!say one two") as stream:
                return await stream.get_output()

        same(asyncio.run(run()).strip(), "one two")

    return {
        "whole": lambda: same(Agent(model).run_sync("!say hi").output, "hi"),
        "streamed": streamed,
        "tools, two turns": lambda: same(
            Agent(model, tools=[get_weather]).run_sync(CALL).output, "echo: 18 degrees in Paris"
        ),
        "structured": structured,
    }


def instructor_cases() -> Cases:
    import instructor
    import openai
    from pydantic import BaseModel

    class City(BaseModel):
        city: str

    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY)

    def ask(mode: instructor.Mode, text: str) -> None:
        found = instructor.from_openai(client, mode=mode).chat.completions.create(
            model="big",
            messages=[{"role": "user", "content": text}],
            response_model=City,
            max_retries=0,
        )
        same(found.city, "Paris")

    return {
        "tools": lambda: ask(instructor.Mode.TOOLS, '!call City {"city":"Paris"}'),
        "json": lambda: ask(instructor.Mode.JSON_SCHEMA, '!say {"city":"Paris"}'),
    }


def llm_cases() -> Cases:
    import tempfile

    os.environ["LLM_USER_PATH"] = tempfile.mkdtemp()
    (Path(os.environ["LLM_USER_PATH"]) / "extra-openai-models.yaml").write_text(
        f"- model_id: shortstop\n  model_name: big\n  api_base: {URL}/v1\n  api_key_name: openai\n"
    )
    os.environ["OPENAI_API_KEY"] = KEY
    import llm

    model = llm.get_model("shortstop")
    return {
        "whole": lambda: same(model.prompt("!say hi", stream=False, key=KEY).text(), "hi"),
        "streamed": lambda: same("".join(model.prompt("!say one two", key=KEY)).strip(), "one two"),
    }


CLIENTS = {
    "openai": openai_cases,
    "anthropic": anthropic_cases,
    "langchain-openai": langchain_openai_cases,
    "langchain-anthropic": langchain_anthropic_cases,
    "pydantic-ai-slim": pydantic_ai_cases,
    "instructor": instructor_cases,
    "llm": llm_cases,
}


def tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")


def main() -> None:
    name = sys.argv[2]
    version = importlib.metadata.version(name)
    try:
        cases = CLIENTS[name]()
    except Exception as error:
        tell(
            case="import", ok=False, note=f"{type(error).__name__}: {error}"[:200], version=version
        )
        return
    for case, work in cases.items():
        try:
            work()
        except Exception as error:
            note = f"{type(error).__name__}: {error}"[:200]
            tell(case=case, ok=False, note=note, version=version)
        else:
            tell(case=case, ok=True, note="", version=version)


if __name__ == "__main__":
    main()
