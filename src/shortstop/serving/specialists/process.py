"""The specialists' process as the gateway sees it: asked in batches, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from itertools import count

from shortstop.errors import EngineDown, UpstreamTimeout
from shortstop.serving.specialists.frames import LENGTH_BYTES, Question, framed, length, told
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "shortstop.app.specialists")
PATIENCE = 5.0
"""Seconds that an opinion may take; the first one of a process waits for it to start."""
START_PATIENCE = 30.0
PAUSES = (0.0, 1.0, 5.0, 30.0)
"""Seconds before the next start, after so many deaths in a row without an answer."""

Answers = dict[int, asyncio.Future[Opinion | None]]


class SpecialistProcess:
    """Starts with the first question. Everything that waits is sent in one frame as soon as the
    process has answered the one before. `command` is followed by the folder of the specialists."""

    def __init__(self, root: str, command: tuple[str, ...] = COMMAND) -> None:
        self._command = (*command, root)
        self._numbers = count()
        self._waiting: list[Question] = []
        self._answers: Answers = {}
        self._work: asyncio.Task[None] | None = None
        self._some = asyncio.Event()
        self._deaths = 0
        self._resting_until = 0.0
        self._served = False

    async def ask(self, specialist: str, query: Query) -> Opinion | None:
        """Raises EngineDown or UpstreamTimeout."""
        loop = asyncio.get_running_loop()
        if self._work is None or self._work.done():
            self._start(loop)
        number = next(self._numbers)
        answer: asyncio.Future[Opinion | None] = loop.create_future()
        self._answers[number] = answer
        self._waiting.append(Question(number, specialist, query.text, query.before))
        self._some.set()
        try:
            async with asyncio.timeout(PATIENCE if self._served else START_PATIENCE):
                return await answer
        except TimeoutError as error:
            raise UpstreamTimeout("A specialist did not answer in time.") from error
        finally:
            self._answers.pop(number, None)

    async def close(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop.time() < self._resting_until:
            raise EngineDown("The specialists' process has died and is not started again yet.")
        self._served = False
        self._work = loop.create_task(self._run())

    async def _run(self) -> None:
        child = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            await self._converse(child)
        except (OSError, EOFError, ValueError) as error:
            log.error("the specialists' process has died (%s)", type(error).__name__)
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
            self._died()

    async def _converse(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        while True:
            await self._some.wait()
            self._some.clear()
            asked = [q for q in self._waiting if q.number in self._answers]
            self._waiting.clear()
            if not asked:
                continue
            child.stdin.write(framed(asked))
            await child.stdin.drain()
            head = await child.stdout.readexactly(LENGTH_BYTES)
            self._tell(await child.stdout.readexactly(length(head)))
            self._served, self._deaths = True, 0

    def _tell(self, data: bytes) -> None:
        for one in told(data):
            answer = self._answers.get(one.number)
            if answer is None or answer.done():
                continue
            if one.error is not None:
                answer.set_exception(EngineDown(f"This specialist cannot answer: {one.error}"))
            else:
                answer.set_result(one.opinion)

    def _died(self) -> None:
        pause = PAUSES[min(self._deaths, len(PAUSES) - 1)]
        self._deaths += 1
        self._resting_until = asyncio.get_running_loop().time() + pause
        self._waiting.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(EngineDown("The specialists' process has died."))
