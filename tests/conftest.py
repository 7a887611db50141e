"""What many tests share: a clock to turn by hand, and the open data where it is present."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import PostgresServer, running

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"

# Matrices are small here and the machine is often busy: threads that spin for each other cost more
# than they give. Read when numpy is imported, which nothing above does.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# A busy machine is no failure: properties have no deadline. The same examples at each run, so that
# what is green stays green; HYPOTHESIS_PROFILE=explore looks for others.
settings.register_profile("shortstop", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shortstop"))


class FakeClock:
    """Stands still until told."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One for all tests; skips where there is none."""
    with running() as server:
        yield server


@pytest.fixture
def shared_data() -> Path:
    """The folder ../shared/data; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is absent: this test needs the open data")
    return SHARED


def pytest_collection_finish(session: pytest.Session) -> None:
    """Many thousand tests stay in memory: the garbage collector need not look at them each time."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup() -> None:
    """A gateway that was begun in this process has closed what is written to others: the next test
    begins anew."""
    os.umask(0o022)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was logged goes from process to process: half a character of some test cannot."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A test that wants the open data must not skip where the data is there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    wrongly = [r.nodeid for r in skipped if "../shared" in str(r.longrepr)]
    if reporter is not None and SHARED.is_dir() and wrongly:
        reporter.write_line(f"skipped although the data is there: {', '.join(wrongly)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
