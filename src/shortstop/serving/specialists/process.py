"""The specialists' process as the gateway sees it: asked in batches, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from itertools import count

from shortstop.errors import EngineDown, TargetError, UpstreamTimeout
from shortstop.serving.specialists.frames import LENGTH_BYTES, Question, framed, length, told
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "shortstop.app.specialists")
PATIENCE = 2.0
"""Seconds that an opinion may take. While the process owes one for longer, nobody waits for it."""
HANGING = 10.0
"""Seconds without an answer after which the process is killed, to be started again."""
START_PATIENCE = 30.0
"""The same for its first answer, and how long `open` waits."""
PAUSES = (0.0, 1.0, 5.0, 30.0)
"""Seconds before the next start, after so many deaths in a row without an answer."""

Answers = dict[int, asyncio.Future[Opinion | None]]


class SpecialistProcess:
    """Starts with `open`, or beside the first question. Everything that waits is sent in one frame
    as soon as the process has answered the one before. `command` is followed by the folder of the
    specialists."""

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
        self._asked_at: float | None = None
        self._opening: asyncio.Task[None] | None = None

    async def ask(self, specialist: str, query: Query) -> Opinion | None:
        """Raises EngineDown or UpstreamTimeout. No request waits for the process to start: it goes
        elsewhere until there is one."""
        if not self._served:
            self._start_beside(specialist)
            raise EngineDown("The specialists' process has not started yet.", retry_after=2)
        now = asyncio.get_running_loop().time()
        if self._asked_at is not None and now - self._asked_at > PATIENCE:
            raise EngineDown("The specialists' process is behind.", retry_after=2)
        return await self._told(Question(next(self._numbers), specialist, query), PATIENCE)

    async def open(self, specialist: str) -> None:
        """Have a specialist read from disk before it is asked; the process starts. Raises
        EngineDown, in words that say why it cannot be asked, or UpstreamTimeout."""
        await self._told(Question(next(self._numbers), specialist, Query("")), START_PATIENCE)

    def _start_beside(self, specialist: str) -> None:
        async def opened() -> None:
            with contextlib.suppress(TargetError):  # which the log has told by then
                await self.open(specialist)

        if self._opening is None or self._opening.done():
            self._opening = asyncio.get_running_loop().create_task(opened())

    async def _told(self, question: Question, patience: float) -> Opinion | None:
        loop = asyncio.get_running_loop()
        if self._work is None or self._work.done():
            self._start(loop)
        answer: asyncio.Future[Opinion | None] = loop.create_future()
        self._answers[question.number] = answer
        self._waiting.append(question)
        self._some.set()
        try:
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError as error:
            raise UpstreamTimeout("A specialist did not answer in time.") from error
        finally:
            self._answers.pop(question.number, None)

    async def close(self) -> None:
        tasks = [task for task in (self._opening, self._work) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
        except TimeoutError:
            log.error("the specialists' process does not answer: it is killed and started again")
        except (OSError, EOFError, ValueError, RuntimeError) as error:
            # uvloop raises RuntimeError where asyncio has ConnectionResetError
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
            self._asked_at = asyncio.get_running_loop().time()
            async with asyncio.timeout(HANGING if self._served else START_PATIENCE):
                child.stdin.write(framed(asked))
                await child.stdin.drain()
                head = await child.stdout.readexactly(LENGTH_BYTES)
                self._tell(await child.stdout.readexactly(length(head)))
            self._asked_at = None
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
        self._served = False
        self._asked_at = None
        self._resting_until = asyncio.get_running_loop().time() + pause
        self._waiting.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(EngineDown("The specialists' process has died."))
