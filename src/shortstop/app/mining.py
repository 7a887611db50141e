"""What traffic consists of, as the operator of a configuration sees it: masked."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path

from shortstop.app.decisions import patient_guard
from shortstop.app.places import data_paths
from shortstop.app.recorded import Progress, Recorded, decoded
from shortstop.config import Config
from shortstop.errors import ShortstopError
from shortstop.evaluate.log_lines import whole_lines
from shortstop.flywheel.encoding import StaticTextEncoder
from shortstop.flywheel.examples import Examples
from shortstop.flywheel.gather import Corrections, TaskKey, TaskTraffic, gather
from shortstop.flywheel.mine.decisions import DecisionFile, Decisions, found
from shortstop.flywheel.mine.logs import logged_traces
from shortstop.flywheel.mine.tasks import MinedTask, mined, with_names
from shortstop.privacy.redact import redacted
from shortstop.routing import packaged
from shortstop.types import Request, Trace

HIDDEN = "(not shown: privacy could not take everything out)"


class Anyone(Container[str]):
    """Every target: nothing is learned here, tasks are only listed."""

    def __contains__(self, target: object) -> bool:
        return True


class Mine:
    """`bad` are the lines of a log that could not be read, with why."""

    def __init__(self, config: Config, env: Mapping[str, str]) -> None:
        self._config = config
        paths = data_paths(config, env)
        self._recorded = Recorded(config, env, paths)
        self._file = DecisionFile(paths.workshop)
        self._guard = patient_guard(config)
        self.bad: list[tuple[int, str]] = []

    def tasks(self, now: float, log: Path | None, advance: Progress) -> list[MinedTask]:
        """Of the recorded traffic before `now`, or of a log. Raises StoreError, OSError."""
        traffic = self._traffic(now, log, advance)
        decisions = with_names(traffic, self._file.read(), _asked)
        if log is None and traffic:
            self._file.write(decisions)
        return mined(traffic, decisions, StaticTextEncoder(packaged().embedder), self._masked)

    def decide(
        self,
        names: Sequence[str],
        now: float,
        change: Callable[[Decisions, list[TaskKey]], Decisions],
    ) -> None:
        """Write what `change` makes of the decisions about the tasks of these names. Raises
        ConfigError, StoreError, OSError."""
        traffic = self._traffic(now, None, lambda rows: None)
        decisions = with_names(traffic, self._file.read(), _asked)
        self._file.write(change(decisions, [found(traffic, decisions, n) for n in names]))

    def _traffic(
        self, now: float, log: Path | None, advance: Progress
    ) -> dict[TaskKey, TaskTraffic]:
        examples = Examples(Anyone(), decoded, pinned=True)
        most = self._config.learning.examples
        rows = self._recorded.rows(now, advance=advance) if log is None else self.logged(log, now)
        return gather(rows, Corrections([]), examples, most)

    def logged(self, log: Path, now: float, tenant: str = "default") -> Iterator[Trace]:
        """The lines of a log as rows, up to where it breaks off. Raises OSError."""
        with log.open("rb") as stream:
            lines = whole_lines(stream, self.bad)
            yield from logged_traces(
                lines, self.bad, decode=decoded, judge=self._guard.clear, tenant=tenant, now=now
            )

    def _masked(self, text: str, tenant: str) -> str:
        try:
            body = {"messages": [{"role": "user", "content": text}]}
            clean = redacted(self._guard, body, tenant)
            return str(clean["messages"][0]["content"])
        except (ShortstopError, ValueError, TimeoutError):
            return HIDDEN


def _asked(traffic: TaskTraffic) -> Request | None:
    sample = traffic.sample
    if sample is None or sample.request is None:
        return None
    try:
        return decoded(sample.dialect, sample.request, sample.id)
    except (ShortstopError, KeyError):
        return None
