"""The local model asked a sample of a log, without a gateway: nobody else's model is in reach."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from shortstop import registry
from shortstop.app.engines import backend_of, build_engine, start_all
from shortstop.app.trials import BacktestWatcher
from shortstop.app.workshop import Workshop
from shortstop.backtest.asking import SampleAsking, within
from shortstop.backtest.result import LocalAsking, LocalTrial
from shortstop.backtest.sample import RequestSample
from shortstop.config import Config
from shortstop.errors import ConfigError

Asked = tuple[LocalAsking | None, tuple[LocalTrial, ...]]


@dataclass(frozen=True, slots=True)
class LocalWish:
    """Ask the local `model` at most `requests` of the log, for at most `seconds`."""

    model: str
    requests: int
    seconds: float


def local_model(config: Config, name: str | None) -> str:
    """The model to ask: `name`, else the one that the router prefers. Raises ConfigError for one
    that is not local."""
    chosen = name or config.routing.local or next(iter(config.models), None)
    if chosen is None:
        raise ConfigError(
            "There is no local model to ask.",
            hint="Name one under [models], or run `shortstop init`.",
        )
    if chosen not in config.models:
        raise ConfigError(
            f"{chosen!r} is no local model, so it is not asked: this must cost no money.",
            hint=f"Local models here: {', '.join(config.models) or 'none'}.",
        )
    return chosen


def sample_for(wish: LocalWish | None) -> RequestSample | None:
    """Where the rows are drawn that will be asked."""
    return None if wish is None else RequestSample(wish.requests)


def asked_locally(
    config: Config,
    env: Mapping[str, str],
    wish: LocalWish | None,
    sample: RequestSample | None,
    onlooker: BacktestWatcher,
) -> Asked:
    """What the model made of the sample within its time, the start included. Ctrl-C ends it, and
    what was asked counts. Raises ConfigError or ModelFileError where it cannot be started."""
    if wish is None or sample is None:
        return None, ()
    workshop = Workshop(config, env)
    asking = SampleAsking(
        sample, lambda task, answer, row: workshop.grade(task)(answer, row), workshop.grader
    )
    onlooker.asking(len(sample))
    return asyncio.run(_asked(config, env, wish, asking, onlooker.answered))


async def _asked(
    config: Config,
    env: Mapping[str, str],
    wish: LocalWish,
    asking: SampleAsking,
    done: Callable[[], None],
) -> Asked:
    began, stop = time.monotonic(), asyncio.Event()
    with suppress(
        NotImplementedError, RuntimeError
    ):  # no signals in this loop: then Ctrl-C ends everything
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    models = registry.open(registry.home(config.data_dir, env))
    engine = build_engine(wish.model, config.models[wish.model], models, env, engine=config.engine)

    async def started_and_asked() -> None:
        await start_all([engine])
        await asking.run(backend_of(engine).answer, max(1, engine.slots.slots), done)

    try:
        ended = await within(wish.seconds, stop, started_and_asked())
    finally:
        await engine.close()
    seconds = time.monotonic() - began
    return asking.summary(wish.model, seconds, wish.seconds, ended), asking.trials()
