"""A local server behind the `Backend` port: ours, llama-server, Ollama, vLLM, SGLang, LM Studio.

They all speak the OpenAI dialect, though none of them all of it: the request is rewritten from its
neutral fields to ask for log-probabilities and to bound the answer's length.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec.structs import replace

from shortstop.dialects import ToolNames, in_words
from shortstop.dialects.openai.describe import DESCRIPTION, NAME, PATH
from shortstop.dialects.openai.local import (
    COMPLETION,
    COUNTING,
    PROGRESS_WANTED,
    RENDERING,
    LocalCompletionDecoder,
    completion_of,
    rendered,
)
from shortstop.errors import EngineBusy, UpstreamFailed
from shortstop.ports import Dialect, StreamDecoder
from shortstop.schemas import EAGER, extent
from shortstop.serving.engines.calls import CallReader, chunks_with_calls, with_calls
from shortstop.serving.engines.closed import (
    ClosedAnswer,
    ClosedReader,
    OpenReader,
    closed_answer,
)
from shortstop.serving.engines.forecast import Stopwatch
from shortstop.serving.engines.grammar import constrained
from shortstop.serving.engines.markers import Markers
from shortstop.serving.engines.slots import Interrupted, Queue, require_in_time
from shortstop.serving.engines.tools import mentions_calls, wants_calls, without_tools
from shortstop.serving.gather import Gathering
from shortstop.serving.http import NO_HEADERS, LocalClient
from shortstop.serving.response import read_to_the_end, retry_after, whole_reply
from shortstop.types import (
    Chunk,
    Json,
    Message,
    Part,
    Party,
    Reply,
    Request,
    Sampling,
    Text,
    ToolResult,
    Usage,
)

ALTERNATIVES = 3
"""Log-probabilities asked for at each token, for the entropy of the answer."""
DEFAULT_MAX_TOKENS = 512
UNBEGUN_SECONDS, BEGUN_SECONDS = 1.0, 0.2
"""For how long a request that is given up occupies the engine: one that it has not begun yet is
begun and noticed at the first sign of progress, after a batch of the prompt; another sooner."""
INTERRUPTIONS = 20
"""How often background work is begun anew before it is given up."""
ANY_MARKERS = Markers()
P = TypeVar("P", bound=Part)


class LocalBackend:
    """One local model. `client` is called for every request: an engine's address can change.

    `embedded` gives the control tokens of our own engine's model; None: it is another's server. Our
    engine detects a closed connection only when it next writes, so it is always asked to stream and
    to report its progress through the prompt: it soon notices a client that has left. It has
    llguidance, for schemas of any sensible size, and takes prompts made of tokens. `fields` are
    added to every request, such as the adapter that it is for.
    """

    def __init__(
        self,
        *,
        model: str,
        dialect: Dialect,
        client: Callable[[], LocalClient],
        slots: Queue,
        max_output: int | None = None,
        tools_by_schema: bool = False,
        embedded: Callable[[], Markers] | None = None,
    ) -> None:
        self._model = model
        self._dialect = dialect
        self._client = client
        self.slots = slots
        self._max_output = max_output or DEFAULT_MAX_TOKENS
        self._tools_by_schema = tools_by_schema
        self._embedded = embedded
        self.fields: Json = {}
        self._settling: set[asyncio.Task[None]] = set()
        self.interrupted = 0

    async def answer(self, request: Request) -> Reply:
        """A whole answer. Raises TargetError, and InvalidRequest for a tool that is not offered."""
        names = ToolNames.of(request, DESCRIPTION.limits)
        request = names.request(in_words(request))
        reply = await self._whole(request)
        if self._calls_by_schema(request):
            reply = replace(reply, choices=tuple(with_calls(c) for c in reply.choices))
        return names.reply(reply)

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """The same in chunks; closing the generator frees the slot. Raises the same errors."""
        names = ToolNames.of(request, DESCRIPTION.limits)
        request = names.request(in_words(request))
        reader = CallReader() if self._calls_by_schema(request) else None
        async with aclosing(self._chunks(request)) as chunks:
            async for chunk in chunks:
                if reader is None:
                    yield names.chunk(replace(chunk, wire=None))
                    continue
                for part in chunks_with_calls(chunk, reader):
                    yield names.chunk(part)

    async def count(self, request: Request) -> int:
        """Prompt tokens by the model's own tokenizer and template.

        Raises TargetError when the server cannot count them.
        """
        reply = await self._client().post(COUNTING.path, self._encode(request, stream=False))
        return COUNTING.decode(reply.body)

    async def read_ahead(self) -> None:
        """Have the engine read what requests share, as work that gives way to any client. Raises
        TargetError."""
        for beginning in self.slots.prefixes.shared():
            question = Message("user", (Text("."),))
            await self._whole(
                Request(
                    "ahead", NAME, {}, self._model, (*beginning, question),
                    sampling=Sampling(max_tokens=1), party=Party(background=True),
                )
            )  # fmt: skip

    async def _whole(self, request: Request) -> Reply:
        """Work that was interrupted for a client is done anew when its turn comes again."""
        ask = self._posted if self._embedded is None else self._gathered
        for _ in range(INTERRUPTIONS):
            try:
                return await ask(request)
            except Interrupted:
                self.interrupted += 1
        raise EngineBusy("Clients needed the local engine all the time.", retry_after=60)

    async def _posted(self, request: Request) -> Reply:
        body = self._encode(request, stream=False)
        if ANY_MARKERS.found(body):
            body = ANY_MARKERS.broken(body)
        require_in_time(self.slots, request.party)
        async with self.slots.take(request.party):
            timing, client = Stopwatch(self.slots), self._client()
            reply = await client.post(PATH, body, self._told(request))
            with client.hiding():
                if not reply.good:
                    raise self._dialect.decode_error(reply.status, reply.body, reply.retry_after)
                decoded = replace(whole_reply(self._dialect, reply.body, request), body=None)
            timing.end(decoded.usage)
            self._note_usage(decoded.usage)
        return decoded

    def _told(self, request: Request) -> Mapping[str, str]:
        """What somebody's server is told of the trace; the embedded engine keeps none."""
        context = request.trace_context
        if context is None or self._embedded is not None:
            return NO_HEADERS
        return context.headers(local=True)

    async def _gathered(self, request: Request) -> Reply:
        gathering = Gathering()
        async with aclosing(self._chunks(request)) as chunks:
            async for chunk in chunks:
                gathering.add(chunk)
        if not gathering.finished:
            raise UpstreamFailed("The local engine's answer holds no choice.")
        return gathering.reply(request.id, self._model)

    async def _chunks(self, request: Request) -> AsyncGenerator[Chunk, None]:
        closed = self._closed(request)
        reader = OpenReader() if closed is None else ClosedReader(closed)
        body = self._encode(request, stream=True, closed=closed)
        require_in_time(self.slots, request.party)
        async with self._slot(request.party) as progress:
            timing = Stopwatch(self.slots)
            path, body, decoder = await self._spoken(body)
            async with self._client().stream(path, body, self._told(request)) as stream:
                if not stream.good:
                    raise self._dialect.decode_error(
                        stream.status, await stream.error_body(), retry_after(stream.headers)
                    )
                progress.begun = True
                async for data in read_to_the_end(stream.chunks, decoder):
                    for chunk in decoder.feed(data):
                        timing.note(chunk)
                        for piece in reader.feed(chunk):
                            yield piece
                    if reader.done:
                        break
                rest = reader.rest() or decoder.close()
                timing.end()
                self._note_usage(timing.usage)
        for chunk in rest:
            yield chunk

    @asynccontextmanager
    async def _slot(self, party: Party) -> AsyncIterator[_Progress]:
        """A slot. Our own engine notices only after some work that a client has left: who leaves
        early keeps the slot for that long, or a flood of them would pile up there. Background work
        leaves at once: it is few, and a client waits."""
        if party.background:
            async with self.slots.take(party):
                yield _Progress()
            return
        held, progress = AsyncExitStack(), _Progress()
        await held.enter_async_context(self.slots.take(party))
        left = self._embedded is not None
        try:
            yield progress
            left = False
        except Exception:
            left = False
            raise
        finally:
            if left:
                settling = asyncio.create_task(_settle(held, progress))
                self._settling.add(settling)
                settling.add_done_callback(self._settling.discard)
            else:
                await held.aclose()

    async def _spoken(self, body: bytes) -> tuple[str, bytes, StreamDecoder]:
        """Where and how a chat is asked so that control tokens in its content are text."""
        markers = ANY_MARKERS if self._embedded is None else self._embedded()
        if not markers.found(body):
            return PATH, body, self._dialect.stream_decoder()
        if not markers.exact or not self._tools_by_schema:
            return PATH, markers.broken(body), self._dialect.stream_decoder()
        chat, names = markers.hidden(body)
        reply = await self._client().post_beside(RENDERING, chat)
        if not reply.good:
            raise self._dialect.decode_error(reply.status, reply.body, reply.retry_after)
        prompt = names.prompt(rendered(reply.body))
        return COMPLETION, completion_of(body, prompt), LocalCompletionDecoder()

    def _note_usage(self, usage: Usage | None) -> None:
        if usage is not None:
            self.slots.prefixes.saved(usage.prompt, usage.cache_read)

    def _calls_by_schema(self, request: Request) -> bool:
        return wants_calls(request) and self._poses_tools(request)

    def _poses_tools(self, request: Request) -> bool:
        """Whether tools go into the prompt: always, or because their schemas are too large for the
        grammar that a server of another kind would make of them."""
        return self._tools_by_schema or not extent(
            {t.name: t.schema for t in request.tools}
        ).within(EAGER)

    def _closed(self, request: Request) -> ClosedAnswer | None:
        """What is certain of the answer; a model that reasons is not begun for."""
        if self._embedded is None or not self._embedded().exact:
            return None
        return closed_answer(request)

    def _encode(
        self, request: Request, *, stream: bool, closed: ClosedAnswer | None = None
    ) -> bytes:
        """The body, from the neutral fields alone: small servers reject fields they do not know."""
        if (request.tools or mentions_calls(request)) and self._poses_tools(request):
            request = without_tools(request)
        request, extra = constrained(
            request, guided=self._embedded is not None and not request.tools
        )
        messages = tuple(map(_joined, request.messages))
        if self._embedded is not None and not request.party.background:
            self.slots.prefixes.note(messages)
        if closed is not None:
            messages, extra = (*messages, closed.begun), closed.grammar
        if stream and self._embedded is not None:
            extra = extra | PROGRESS_WANTED
        sampling = request.sampling
        rewritten = replace(
            request,
            messages=messages,
            dialect=NAME,
            body={},
            stream=stream,
            extra=extra | self.fields,
            sampling=replace(
                sampling,
                logprobs=True,
                top_logprobs=max(sampling.top_logprobs or 0, ALTERNATIVES),
                max_tokens=min(sampling.max_tokens or self._max_output, self._max_output),
                temperature=0.0 if sampling.temperature is None else sampling.temperature,
            ),
        )
        return self._dialect.encode_request(rewritten, self._model)


@dataclass(slots=True)
class _Progress:
    """Whether the engine has begun a request: it answers then, and not before."""

    begun: bool = False


async def _settle(held: AsyncExitStack, progress: _Progress) -> None:
    async with held:
        await asyncio.sleep(BEGUN_SECONDS if progress.begun else UNBEGUN_SECONDS)


def _joined(message: Message) -> Message:
    return replace(message, parts=_merged(message.parts)) if message.parts else message


def _merged(parts: tuple[P, ...]) -> tuple[P, ...]:
    """Neighbouring texts as one: some templates put them side by side, and a control token that
    each holds half of would form."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, Text) and merged and isinstance(merged[-1], Text):
            merged[-1] = Text(f"{merged[-1].text}\n{part.text}")
        elif isinstance(part, ToolResult):
            merged.append(replace(part, parts=_merged(part.parts)))
        else:
            merged.append(part)
    return tuple(merged)
